"""The state changes, each one Lua script: atomic, and safe to send twice.

Times come from Redis TIME, so that all hosts share one clock. A job's hash holds ``spec``, ``state`` (``open`` or
``ended``), ``accepted_ms``, ``deadline_ms``, ``cause``, ``result`` and, per step, ``out:``, ``attempts:``,
``started:``, ``ended:``, ``sent:``, ``sends:`` and ``sent_at_attempt:``.
"""

from orchestrator.store import admission

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

# KEYS job active idempotency events ledger admission refused open pace
# ARGV ref spec digest deadline_s ttl_ms event has_key task_id
# -> created|existing|conflict and the job's id, or refused, by which bound, and how long jobs take (ms)
ACCEPT = (
    _NOW
    + _EMIT
    + admission.SCRIPT
    + """
if ARGV[7] == '1' then
  local prior = redis.call('GET', KEYS[3])
  if prior then
    local digest, id, job = string.match(prior, '^(%S+) (%S+) (%S+)$')
    -- A key whose job has expired is free again.
    if redis.call('EXISTS', job) == 1 then return {digest == ARGV[3] and 'existing' or 'conflict', id, ''} end
  end
end
local known = redis.call('HGET', KEYS[1], 'digest')
if known then return {known == ARGV[3] and 'existing' or 'conflict', ARGV[8], ''} end
local bound = refused(KEYS[6], KEYS[5], KEYS[2], KEYS[8], KEYS[7])
if bound then return {'refused', bound, redis.call('GET', KEYS[9]) or ''} end
local deadline = now + math.floor(ARGV[4] * 1000)
local ttl = ARGV[5] + math.floor(ARGV[4] * 1000)
redis.call('HSET', KEYS[1], 'spec', ARGV[2], 'digest', ARGV[3], 'state', 'open', 'accepted_ms', now,
  'deadline_ms', deadline, 'ttl_ms', ttl, 'sent:plan', now, 'sends:plan', 1, 'sent_at_attempt:plan', 0)
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], deadline, ARGV[1])
redis.call('SADD', KEYS[8], ARGV[8])
redis.call('PEXPIRE', KEYS[8], ttl)
if ARGV[7] == '1' then redis.call('SET', KEYS[3], ARGV[3] .. ' ' .. ARGV[8] .. ' ' .. KEYS[1], 'PX', ttl) end
emit(KEYS[4], KEYS[5], ttl, ARGV[6])
return {'created', ARGV[8], ''}
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
local holder = redis.call('GET', KEYS[2])
if holder then
  -- Sent twice because the first reply was lost: it is still the same request.
  if string.match(holder, '^%d+ (.*)$') == ARGV[2] then return answer('granted') end
  -- This delivery is used up now: should the holder die, its step has no message waiting any more.
  redis.call('HSET', KEYS[1], 'sent_at_attempt:' .. ARGV[1], attempt - 1)
  return answer('held')
end
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

# KEYS job lease passages events ledger; ARGV step token output keep_lease cause n_events event* (id passage)*
# -> written|duplicate|lost|ended
WRITE_OUTPUT = (
    _NOW
    + _EMIT
    + _MINE
    + """
local job = redis.call('HMGET', KEYS[1], 'state', 'out:' .. ARGV[1], 'ttl_ms', 'attempts:' .. ARGV[1])
-- Of the same attempt it is our own, whose reply was lost; of a later one ours is thrown away, and the ledger says so.
if job[2] then return job[4] == string.match(ARGV[2], '^(%d+) ') and 'duplicate' or 'lost' end
if not job[1] or not mine(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 'lost' end
if job[1] ~= 'open' then
  redis.call('DEL', KEYS[2])
  return 'ended'
end
local events_end = 6 + tonumber(ARGV[6])
for i = events_end + 1, #ARGV, 2 do redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[i + 1]) end
if #ARGV > events_end then redis.call('PEXPIRE', KEYS[3], job[3]) end
redis.call('HSET', KEYS[1], 'out:' .. ARGV[1], ARGV[3], 'ended:' .. ARGV[1], now)
if ARGV[5] ~= '' then redis.call('HSETNX', KEYS[1], 'cause', ARGV[5]) end
if ARGV[4] == '0' then redis.call('DEL', KEYS[2]) end
for i = 7, events_end do emit(KEYS[4], KEYS[5], job[3], ARGV[i]) end
return 'written'
"""
)

# KEYS job; ARGV field : 1 for the first caller, while the job is there
ONCE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HSETNX', KEYS[1], 'once:' .. ARGV[1], '1')
"""

# KEYS job; ARGV steps... : these steps are on their way to a worker
MARK_SENT = (
    _NOW
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return now end
for _, step in ipairs(ARGV) do
  redis.call('HSET', KEYS[1], 'sent:' .. step, now, 'sent_at_attempt:' .. step,
    redis.call('HGET', KEYS[1], 'attempts:' .. step) or '0')
  redis.call('HINCRBY', KEYS[1], 'sends:' .. step, 1)
end
return now
"""
)

# KEYS job active passages events ledger lease open pace; ARGV ref result event retention_ms task_id
# -> 1 if this was the first result
FINISH = (
    _NOW
    + _EMIT
    + admission.PACE
    + """
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], 'result', ARGV[2], 'state', 'ended')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[7], ARGV[5])
pace(KEYS[8], now - tonumber(redis.call('HGET', KEYS[1], 'accepted_ms')))
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
if ttl <= 0 then return redis.call('XADD', KEYS[3], '*', 'e', ARGV[1]) end
-- Sent twice because the first reply was lost: it is still the same event.
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 8)) do
  if entry[2][2] == ARGV[1] then return entry[1] end
end
emit(KEYS[2], KEYS[3], ttl, ARGV[1])
return 1
"""
)
