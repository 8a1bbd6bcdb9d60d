"""The state changes, each one Lua script: atomic, and safe to send twice.

Times come from Redis TIME, so that all hosts share one clock. A job's hash holds ``spec``, ``state`` (``open`` or
``ended``), ``accepted_ms``, ``deadline_ms``, ``cause``, ``result`` and, per step, ``out:``, ``attempts:``,
``started:``, ``ended:``, ``sent:``, ``sends:`` and ``sent_at_attempt:``. A pipelined one has ``out:claim:1`` and so on
as its thesis closes them, from its end on ``awaited`` (what the synthesis reads beside it, with commas). A job in
sections has these there from its plan on, and in ``joined`` which of the steps that they read ended last. ``loose`` is
there once a chord may no longer be met.

When its memory is full Redis refuses a script at its first write, if that needs memory, and lets a script run to its
end that began with a write that needs none. So a script is done whole or not at all; new jobs and new steps are
refused; and what is under way is kept: outputs, which are paid for, ends, events and renewals begin with an expiry.
"""

from orchestrator.store import admission, fragments

# KEYS job active idempotency events ledger admission refused open pace owed (where somebody is)
# ARGV ref spec digest deadline_s ttl_ms event has_key task_id reply ('' where nobody is owed one)
# -> created|existing|conflict and the job's id, or refused, by which bound, and how long jobs take (ms)
ACCEPT = (
    fragments.NOW
    + fragments.EMIT
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
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[9], '1')
  redis.call('SADD', KEYS[10], ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], deadline, ARGV[1])
redis.call('SADD', KEYS[8], ARGV[8])
redis.call('PEXPIRE', KEYS[8], ttl)
if ARGV[7] == '1' then redis.call('SET', KEYS[3], ARGV[3] .. ' ' .. ARGV[8] .. ' ' .. KEYS[1], 'PX', ttl) end
emit(KEYS[4], KEYS[5], ttl, ARGV[6])
return {'created', ARGV[8], ''}
"""
)

# KEYS job -> its hash without what was asked and said: names, their values, and the steps that have an output
OUTLINE = """
local names, said = {}, {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  local step = string.match(name, '^out:(.*)$')
  if step then table.insert(said, step) end
  if name == 'out:plan' or not (step or name == 'spec' or name == 'result') then table.insert(names, name) end
end
if #names == 0 then return {names, names, said} end
return {names, redis.call('HMGET', KEYS[1], unpack(names)), said}
"""

# KEYS job lease watch events ledger; ARGV step owner lease_ms take_over n_events event* (mode needs)* : the steps that
# it needs in that mode, with commas; without take_over a step that somebody began and nobody holds is only said to be
# 'begun'. The events tell of its start: which attempt it is, and how long it was queued, are filled in here.
# -> status, attempt, now, and where it is granted: watched, for how long it was queued (ms), the record
ACQUIRE = (
    fragments.NOW
    + fragments.EMIT
    + """
local job = redis.call('HMGET', KEYS[1], 'state', 'deadline_ms', 'out:' .. ARGV[1], 'attempts:' .. ARGV[1],
  'out:plan', 'awaited', 'accepted_ms', 'sent:' .. ARGV[1], 'ended:plan', 'ttl_ms')
local attempt = tonumber(job[4] or '0')
local events_end = 5 + tonumber(ARGV[5])
-- Since its message was sent, or could have been: the last that it needs has ended.
local runnable = tonumber(job[9] or job[7] or '0')
local function answer(status) return {status, attempt, now} end
local function queued() return math.max(0, now - tonumber(job[8] or runnable)) end
local function granted()
  return {'granted', attempt, now, redis.call('EXISTS', KEYS[3]), queued(), redis.call('HGETALL', KEYS[1])}
end
local function ready()
  if #ARGV == events_end then return true end
  local readable, plan = pcall(cjson.decode, job[5] or '{}')
  -- What cannot be read is for the reader to say.
  if not readable or type(plan) ~= 'table' then return true end
  -- The time has come to merge what is there.
  local merge_after = ARGV[1] == 'synthesis' and tonumber(plan['merge_after_ms'])
  if merge_after and now >= tonumber(job[7]) + merge_after then return true end
  for i = events_end + 1, #ARGV, 2 do
    if ARGV[i] == plan['mode'] then
      local needs = ARGV[i + 1]
      if ARGV[1] == 'synthesis' then needs = needs .. ',' .. (job[6] or '') end
      for need in string.gmatch(needs, '[^,]+') do
        if redis.call('HEXISTS', KEYS[1], 'out:' .. need) == 0 then return false end
        runnable = math.max(runnable, tonumber(redis.call('HGET', KEYS[1], 'ended:' .. need) or '0'))
      end
      return true
    end
  end
  return false
end
if not job[1] then return answer('missing') end
if job[1] ~= 'open' then return answer('ended') end
if job[3] then return answer('done') end
if not ready() then return answer('not ready') end
local holder = redis.call('GET', KEYS[2])
if holder then
  -- Sent twice because the first reply was lost: it is still the same request.
  if string.match(holder, '^%d+ (.*)$') == ARGV[2] then return granted() end
  -- This delivery is used up now: should the holder die, its step has no message waiting any more.
  redis.call('HSET', KEYS[1], 'sent_at_attempt:' .. ARGV[1], attempt - 1)
  return answer('held')
end
if now >= tonumber(job[2]) then return answer('expired') end
if attempt > 0 and ARGV[4] == '0' then return answer('begun') end
attempt = redis.call('HINCRBY', KEYS[1], 'attempts:' .. ARGV[1], 1)
redis.call('HSETNX', KEYS[1], 'started:' .. ARGV[1], now)
if attempt > 1 then redis.call('HSET', KEYS[1], 'loose', '1') end
redis.call('SET', KEYS[2], attempt .. ' ' .. ARGV[2], 'PX', ARGV[3])
for i = 6, events_end do
  local event = string.gsub(ARGV[i], '"attempt":null', '"attempt":' .. attempt, 1)
  -- A later attempt was waited for by the sweep.
  if attempt == 1 then event = string.gsub(event, '"queued_ms":null', '"queued_ms":' .. queued(), 1) end
  emit(KEYS[4], KEYS[5], job[10], event)
end
return granted()
"""
)

# KEYS job lease watch; ARGV token lease_ms step -> kept|kept_watched|lost|cancelled|expired
RENEW = (
    fragments.NOW
    + fragments.MINE
    + """
if not mine(KEYS[1], KEYS[2], ARGV[3], ARGV[1]) then return 'lost' end
local job = redis.call('HMGET', KEYS[1], 'state', 'deadline_ms')
if job[1] ~= 'open' or late(KEYS[1], ARGV[3]) then
  redis.call('DEL', KEYS[2])
  return 'cancelled'
end
if now >= tonumber(job[2]) then return 'expired' end
if redis.call('PEXPIRE', KEYS[2], ARGV[2]) == 0 then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
return redis.call('EXISTS', KEYS[3]) == 1 and 'kept_watched' or 'kept'
"""
)

# KEYS lease; ARGV token
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS job lease passages events ledger; ARGV step token output keep_lease cause awaited beside n_events event*
# n_passages (id passage)* step* : those that are sent next, once the outputs 'beside' (with commas) are there too
# -> written|duplicate|lost|ended, whether the job is loose, what its synthesis awaits where that is known, whether
# those that are sent next are
WRITE_OUTPUT = (
    fragments.NOW
    + fragments.EMIT
    + fragments.MINE
    + fragments.SENT
    + """
local job = redis.call('HMGET', KEYS[1], 'state', 'out:' .. ARGV[1], 'ttl_ms', 'attempts:' .. ARGV[1])
local function answer(status)
  local chord = redis.call('HMGET', KEYS[1], 'loose', 'awaited', 'joined')
  return {status, chord[1] and 1 or 0, chord[2], (ARGV[7] == '' or chord[3] == ARGV[1]) and 1 or 0}
end
-- What reads other steps too is sent with the last of them, once.
local function joined()
  for other in string.gmatch(ARGV[7], '[^,]+') do
    if redis.call('HEXISTS', KEYS[1], 'out:' .. other) == 0 then return false end
  end
  return ARGV[7] == '' or redis.call('HSETNX', KEYS[1], 'joined', ARGV[1]) == 1
end
-- Of the same attempt it is our own, whose reply was lost; of a later one ours is thrown away, and the ledger says so.
if job[2] then return answer(job[4] == string.match(ARGV[2], '^(%d+) ') and 'duplicate' or 'lost') end
if not job[1] or not mine(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return answer('lost') end
if job[1] ~= 'open' or late(KEYS[1], ARGV[1]) then
  redis.call('DEL', KEYS[2])
  return answer('ended')
end
local events_end = 8 + tonumber(ARGV[8])
redis.call('PEXPIRE', KEYS[4], job[3])
local passages_end = events_end + 1 + 2 * tonumber(ARGV[events_end + 1])
for i = events_end + 2, passages_end, 2 do redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[i + 1]) end
if passages_end > events_end + 1 then redis.call('PEXPIRE', KEYS[3], job[3]) end
redis.call('HSET', KEYS[1], 'out:' .. ARGV[1], ARGV[3], 'ended:' .. ARGV[1], now)
if ARGV[5] ~= '' then redis.call('HSETNX', KEYS[1], 'cause', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'awaited', ARGV[6]) end
if ARGV[4] == '0' then redis.call('DEL', KEYS[2]) end
for i = 9, events_end do emit(KEYS[4], KEYS[5], job[3], ARGV[i]) end
if joined() then sent(KEYS[1], ARGV, passages_end + 1) end
return answer('written')
"""
)

# KEYS job lease events ledger; ARGV step token claim_step claim event step : that is sent next
# -> written|duplicate|lost|ended
WRITE_CLAIM = (
    fragments.NOW
    + fragments.EMIT
    + fragments.MINE
    + fragments.SENT
    + """
local job = redis.call('HMGET', KEYS[1], 'state', 'out:' .. ARGV[3], 'ttl_ms')
if not job[1] or not mine(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 'lost' end
if job[2] then return 'duplicate' end
if job[1] ~= 'open' or late(KEYS[1], ARGV[1]) then return 'ended' end
redis.call('PEXPIRE', KEYS[3], job[3])
redis.call('HSET', KEYS[1], 'out:' .. ARGV[3], ARGV[4])
emit(KEYS[3], KEYS[4], job[3], ARGV[5])
sent(KEYS[1], ARGV, 6)
return 'written'
"""
)

# KEYS job; ARGV step* : sent by themselves, as parts of no chord
MARK_SENT = (
    fragments.NOW
    + fragments.SENT
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'loose', '1')
  sent(KEYS[1], ARGV, 1)
end
return now
"""
)

# KEYS job active passages events ledger lease open pace owed tally (where the job counts for a rollout)
# ARGV ref task_id result retention_ms rollout n_counts (field amount)* event*
# -> whether this was the first result, whether the job owes answers
FINISH = (
    fragments.NOW
    + fragments.EMIT
    + admission.PACE
    + """
local owes = redis.call('SISMEMBER', KEYS[9], ARGV[1])
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return {0, owes} end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
redis.call('HSET', KEYS[1], 'result', ARGV[3], 'state', 'ended')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[7], ARGV[2])
pace(KEYS[8], now - tonumber(redis.call('HGET', KEYS[1], 'accepted_ms')))
redis.call('DEL', KEYS[6])
local counts_end = 6 + 2 * tonumber(ARGV[6])
if counts_end > 6 and redis.call('HGET', KEYS[10], 'id') == ARGV[5] then
  -- A sum that is full is no reason to lose a result.
  for i = 7, counts_end, 2 do redis.pcall('HINCRBY', KEYS[10], ARGV[i], ARGV[i + 1]) end
  redis.pcall('HINCRBY', KEYS[10], 'counted', 1)
end
for i = counts_end + 1, #ARGV do emit(KEYS[4], KEYS[5], ARGV[4], ARGV[i]) end
return {1, owes}
"""
)

# KEYS job events ledger; ARGV (once event)* : events for both streams, or for the ledger alone once the job is gone;
# one with a name under 'once' only where this job has not told of it yet -> for each, whether it was told
EMIT = (
    fragments.EMIT
    + """
local ttl = redis.call('PTTL', KEYS[1])
redis.call('PEXPIRE', KEYS[2], math.max(ttl, 1))
local recent = ttl > 0 and redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 8) or {}
-- Sent twice because the first reply was lost: it is still the same event.
local function known(event)
  for _, entry in ipairs(recent) do if entry[2][2] == event then return true end end
  return false
end
local function due(once)
  return once == '' or (ttl > 0 and redis.call('HSETNX', KEYS[1], 'once:' .. once, '1') == 1)
end
local told = {}
for i = 1, #ARGV, 2 do
  local event, tell = ARGV[i + 1], false
  if not known(event) then
    tell = due(ARGV[i])
    if tell and ttl > 0 then emit(KEYS[2], KEYS[3], ttl, event)
    elseif tell then redis.call('XADD', KEYS[3], '*', 'e', event) end
  end
  table.insert(told, tell and 1 or 0)
end
return told
"""
)
