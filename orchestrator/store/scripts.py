"""The state changes, each one Lua script: atomic, and safe to send twice.

Times come from Redis TIME, so that all hosts share one clock. A job's hash holds ``spec``, ``state`` (``open`` or
``ended``), ``accepted_ms``, ``deadline_ms``, ``result`` and, per step, ``out:``, ``attempts:``, ``started:``,
``ended:``, ``sent:``, ``sends:`` and ``sent_at_attempt:``.
"""

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

_EMIT = """
local function emit(stream, ledger, ttl, event)
  redis.call('XADD', stream, 'MAXLEN', '~', 2000, '*', 'e', event)
  redis.call('PEXPIRE', stream, ttl)
  redis.call('XADD', ledger, '*', 'e', event)
end
"""

# KEYS job active idempotency events ledger; ARGV ref spec digest deadline_s ttl_ms event has_key task_id
ACCEPT = (
    _NOW
    + _EMIT
    + """
if ARGV[7] == '1' then
  local prior = redis.call('GET', KEYS[3])
  if prior then
    local digest, id = string.match(prior, '^(%S+) (%S+)$')
    return {digest == ARGV[3] and 'existing' or 'conflict', id}
  end
end
local known = redis.call('HGET', KEYS[1], 'digest')
if known then return {known == ARGV[3] and 'existing' or 'conflict', ARGV[8]} end
local deadline = now + math.floor(ARGV[4] * 1000)
local ttl = ARGV[5] + math.floor(ARGV[4] * 1000)
redis.call('HSET', KEYS[1], 'spec', ARGV[2], 'digest', ARGV[3], 'state', 'open', 'accepted_ms', now,
  'deadline_ms', deadline, 'ttl_ms', ttl, 'sent:plan', now, 'sends:plan', 1, 'sent_at_attempt:plan', 0)
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], deadline, ARGV[1])
if ARGV[7] == '1' then redis.call('SET', KEYS[3], ARGV[3] .. ' ' .. ARGV[8], 'PX', ttl) end
emit(KEYS[4], KEYS[5], ttl, ARGV[6])
return {'created', ARGV[8]}
"""
)

# KEYS job lease watch; ARGV step owner lease_ms
# -> status, attempt, now, accepted, deadline, sent ('' where unknown), watched
ACQUIRE = (
    _NOW
    + """
local job = redis.call('HMGET', KEYS[1], 'state', 'accepted_ms', 'deadline_ms', 'out:' .. ARGV[1], 'sent:' .. ARGV[1],
  'attempts:' .. ARGV[1])
local attempt = tonumber(job[6] or '0')
local function answer(status)
  local watched = redis.call('EXISTS', KEYS[3])
  return {status, attempt, now, tonumber(job[2] or '0'), tonumber(job[3] or '0'), job[5] or '', watched}
end
if not job[1] then return answer('missing') end
if job[1] ~= 'open' then return answer('ended') end
if job[4] then return answer('done') end
if redis.call('EXISTS', KEYS[2]) == 1 then return answer('held') end
if now >= tonumber(job[3]) then return answer('expired') end
attempt = redis.call('HINCRBY', KEYS[1], 'attempts:' .. ARGV[1], 1)
redis.call('HSETNX', KEYS[1], 'started:' .. ARGV[1], now)
redis.call('SET', KEYS[2], attempt .. ' ' .. ARGV[2], 'PX', ARGV[3])
return answer('granted')
"""
)

_MINE = """
-- The attempt number is the fence: a lease that ran out (Redis was away, say) is still ours until somebody takes it.
local function mine(job, lease, step, token)
  local holder = redis.call('GET', lease)
  if holder then return holder == token end
  return redis.call('HGET', job, 'attempts:' .. step) == string.match(token, '^(%d+) ')
end
"""

# KEYS job lease watch; ARGV token lease_ms step -> kept|kept_watched|lost|cancelled|expired
RENEW = (
    _NOW
    + _MINE
    + """
if not mine(KEYS[1], KEYS[2], ARGV[3], ARGV[1]) then return 'lost' end
local job = redis.call('HMGET', KEYS[1], 'state', 'deadline_ms')
if job[1] ~= 'open' then
  redis.call('DEL', KEYS[2])
  return 'cancelled'
end
if now >= tonumber(job[2]) then return 'expired' end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('EXISTS', KEYS[3]) == 1 and 'kept_watched' or 'kept'
"""
)

# KEYS job lease passages events ledger; ARGV step token output keep_lease event n_passages (id passage)*
# -> written|duplicate|lost|ended
WRITE_OUTPUT = (
    _NOW
    + _EMIT
    + _MINE
    + """
local job = redis.call('HMGET', KEYS[1], 'state', 'out:' .. ARGV[1], 'ttl_ms')
if job[2] then return 'duplicate' end
if not job[1] or not mine(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 'lost' end
if job[1] ~= 'open' then
  redis.call('DEL', KEYS[2])
  return 'ended'
end
for i = 0, tonumber(ARGV[6]) - 1 do
  redis.call('HSETNX', KEYS[3], ARGV[7 + 2 * i], ARGV[8 + 2 * i])
end
if ARGV[6] ~= '0' then redis.call('PEXPIRE', KEYS[3], job[3]) end
redis.call('HSET', KEYS[1], 'out:' .. ARGV[1], ARGV[3], 'ended:' .. ARGV[1], now)
if ARGV[4] == '0' then redis.call('DEL', KEYS[2]) end
emit(KEYS[4], KEYS[5], job[3], ARGV[5])
return 'written'
"""
)

# KEYS job lease; ARGV token step : as if it had never been asked for; no work was done under it
RELEASE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if redis.call('HINCRBY', KEYS[1], 'attempts:' .. ARGV[2], -1) == 0 then
  redis.call('HDEL', KEYS[1], 'started:' .. ARGV[2])
end
return 1
"""

# KEYS job; ARGV steps... : these steps are on their way to a worker
MARK_SENT = (
    _NOW
    + """
for _, step in ipairs(ARGV) do
  redis.call('HSET', KEYS[1], 'sent:' .. step, now, 'sent_at_attempt:' .. step,
    redis.call('HGET', KEYS[1], 'attempts:' .. step) or '0')
  redis.call('HINCRBY', KEYS[1], 'sends:' .. step, 1)
end
return now
"""
)

# KEYS job active passages events ledger lease; ARGV ref result event retention_ms -> 1 if this was the first result
FINISH = (
    _EMIT
    + """
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], 'result', ARGV[2], 'state', 'ended')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[6])
emit(KEYS[4], KEYS[5], ARGV[4], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return 1
"""
)

# KEYS job events ledger; ARGV event : append one event to both streams, or to the ledger alone once the job is gone
EMIT = (
    _EMIT
    + """
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then emit(KEYS[2], KEYS[3], ttl, ARGV[1]) else redis.call('XADD', KEYS[3], '*', 'e', ARGV[1]) end
return 1
"""
)
