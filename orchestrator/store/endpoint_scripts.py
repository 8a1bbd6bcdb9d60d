"""What workers share about models' endpoints: three Lua scripts over two scopes, an endpoint and a deployment on it.

A scope's hash holds ``name`` and, where there is something to hold, ``cool_until``; ``open_until``, ``opens``,
``probe`` and ``probe_until`` (a breaker that is not closed); the buckets ``requests`` and ``tokens`` with the time of
their last change (``*_at``); the breaker's window as a ring of slots, each with its number (``n``), its failures
(``f``) and its successes (``s``). Beside it ``:held`` has the permits by expiry, ``:line`` the waiting calls in their
order, and ``:seen`` when each of these stops counting. Times are Redis TIME, epoch ms.
"""

_COMMON = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local call = cjson.decode(ARGV[1])
local RING, STATE_MS, LISTS_MS, WAKE_MS, MOST_WOKEN = 6, 7200000, 60000, 10000, 64
local FIELDS = {'cool_until', 'open_until', 'opens', 'probe', 'probe_until', 'requests', 'requests_at', 'tokens',
  'tokens_at'}
local NUMBERS = {cool_until = true, open_until = true, opens = true, probe_until = true}

local function state_of(key)
  local state, values = {}, redis.call('HMGET', key, unpack(FIELDS))
  for i, field in ipairs(FIELDS) do
    state[field] = values[i] or nil
    if NUMBERS[field] then state[field] = tonumber(values[i] or '0') end
  end
  return state
end

local function put(key, scope, ...)
  redis.call('HSET', key, 'name', scope.name, ...)
  redis.call('PEXPIRE', key, STATE_MS)
end

-- What a bucket holds: it fills evenly, by its limit in a minute, and never beyond it.
local function level(state, bucket, limit)
  local left, at = tonumber(state[bucket] or ''), tonumber(state[bucket .. '_at'] or '')
  if not left or not at then return limit end
  return math.min(limit, left + math.max(0, now - at) * limit / 60000)
end

local function leave(key, token)
  redis.call('ZREM', key .. ':line', token)
  redis.call('ZREM', key .. ':seen', token)
end

-- Calls whose worker died stop counting.
local function prune(key)
  redis.call('ZREMRANGEBYSCORE', key .. ':held', '-inf', now)
  for _, token in ipairs(redis.call('ZRANGEBYSCORE', key .. ':seen', '-inf', now)) do leave(key, token) end
end

-- How many more calls a scope takes now, rates left aside.
local function free(key, scope, state)
  local places = math.huge
  if scope.concurrency > 0 then places = scope.concurrency - redis.call('ZCARD', key .. ':held') end
  if state.open_until > 0 then
    local probed = state.probe_until > now and state.probe ~= call.token
    places = math.min(places, (state.open_until > now or probed) and 0 or 1)
  end
  if state.cool_until > now then places = 0 end
  return places
end

-- The first in line are told to ask again; who misses it asks again within seconds anyway.
local function wake(key, scope)
  prune(key)
  local places = math.min(free(key, scope, state_of(key)), MOST_WOKEN)
  if scope.rpm > 0 or scope.tpm > 0 then places = math.min(places, 1) end
  if places < 1 then return end
  for _, token in ipairs(redis.call('ZRANGE', key .. ':line', 0, places - 1)) do
    local list = call.wake_root .. string.match(token, '^([^/]*)/')
    redis.call('RPUSH', list, token)
    redis.call('LTRIM', list, -1000, -1)
    redis.call('PEXPIRE', list, WAKE_MS)
  end
end
"""

# KEYS hashes; ARGV {token wake_root lease_ms order tokens at_once scopes: {name concurrency rpm tpm}*}
# -> granted '' holds '' | wait why at_least_ms name; holds is 1 where something has to be kept
ASK = (
    _COMMON
    + """
-- Why a call may not pass a scope yet, and for how long that is certain (ms); nil where it may.
local function obstacle(key, scope, state)
  local cooling, open = state.cool_until > now, state.open_until > now
  local rated = scope.rpm > 0 or scope.tpm > 0
  if scope.concurrency == 0 and not rated and state.open_until == 0 and not cooling then return nil end
  prune(key)
  local places = free(key, scope, state)
  if not call.at_once then
    redis.call('ZADD', key .. ':line', 'NX', call.order * 1e13 + now, call.token)
    redis.call('ZADD', key .. ':seen', now + call.lease_ms, call.token)
    redis.call('PEXPIRE', key .. ':line', LISTS_MS)
    redis.call('PEXPIRE', key .. ':seen', LISTS_MS)
  end
  if cooling then return 'cooling', state.cool_until - now end
  if open then return 'open', state.open_until - now end
  if call.at_once and state.open_until > 0 then return 'probing', 0 end
  local ahead = redis.call('ZRANK', key .. ':line', call.token) or redis.call('ZCARD', key .. ':line')
  if ahead >= places then return state.open_until > 0 and 'probing' or 'full', 0 end
  if not rated then return nil end
  if ahead > 0 then return 'rate', 0 end
  local wait = 0
  local function lacks(bucket, limit, need)
    if limit == 0 then return end
    local missing = math.min(need, limit) - level(state, bucket, limit)
    if missing > 0 then wait = math.max(wait, math.ceil(missing * 60000 / limit)) end
  end
  lacks('requests', scope.rpm, 1)
  lacks('tokens', scope.tpm, call.tokens)
  if wait > 0 then return 'rate', wait end
  return nil
end

local states, why, wait, where, holds = {}, nil, 0, '', 0
for i, scope in ipairs(call.scopes) do
  -- Sent twice because the first reply was lost: it has what it asks for.
  if scope.concurrency > 0 and redis.call('ZSCORE', KEYS[i] .. ':held', call.token) then
    return {'granted', '', 1, ''}
  end
  states[i] = state_of(KEYS[i])
  local reason, at_least = obstacle(KEYS[i], scope, states[i])
  if not reason then
    leave(KEYS[i], call.token)
  elseif not why or at_least > wait then
    why, wait, where = reason, at_least, scope.name
  end
end
if why then return {'wait', why, wait, where} end
for i, scope in ipairs(call.scopes) do
  local key, state = KEYS[i], states[i]
  if scope.concurrency > 0 or state.open_until > 0 then holds = 1 end
  if scope.concurrency > 0 then
    redis.call('ZADD', key .. ':held', now + call.lease_ms, call.token)
    redis.call('PEXPIRE', key .. ':held', LISTS_MS)
  end
  if scope.rpm > 0 then
    put(key, scope, 'requests', level(state, 'requests', scope.rpm) - 1, 'requests_at', now)
  end
  if scope.tpm > 0 then
    put(key, scope, 'tokens', level(state, 'tokens', scope.tpm) - math.min(call.tokens, scope.tpm), 'tokens_at', now)
  end
  if state.open_until > 0 then put(key, scope, 'probe', call.token, 'probe_until', now + call.lease_ms) end
  if scope.concurrency > 0 or scope.rpm > 0 or scope.tpm > 0 then wake(key, scope) end
end
return {'granted', '', holds, ''}
"""
)

# KEYS hashes; ARGV {token lease_ms} : a call that still runs keeps its permits and its probes
KEEP = (
    _COMMON
    + """
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key .. ':held', 'XX', now + call.lease_ms, call.token)
  redis.call('PEXPIRE', key .. ':held', LISTS_MS)
  if redis.call('HGET', key, 'probe') == call.token then
    redis.call('HSET', key, 'probe_until', now + call.lease_ms)
  end
end
return 1
"""
)

# KEYS hashes, then the index; ARGV {token wake_root cool_ms tokens used breaker
# scopes: {id name concurrency rpm tpm said}*}; said: ok | failed | nothing
# -> what changed: {cooled | opened | closed, name}*
SETTLE = (
    _COMMON
    + """
local changes, policy = {}, call.breaker

-- The window's failures and successes, this call included.
local function tally(key, failed)
  local slot = math.floor(now * RING / policy.window_ms)
  local at = slot % RING
  if redis.call('HGET', key, 'n' .. at) ~= tostring(slot) then
    redis.call('HSET', key, 'n' .. at, slot, 'f' .. at, 0, 's' .. at, 0)
  end
  redis.call('HINCRBY', key, (failed and 'f' or 's') .. at, 1)
  redis.call('PEXPIRE', key, STATE_MS)
  local bad, good = 0, 0
  for i = 0, RING - 1 do
    local n, f, s = unpack(redis.call('HMGET', key, 'n' .. i, 'f' .. i, 's' .. i))
    if n and tonumber(n) > slot - RING then bad, good = bad + tonumber(f), good + tonumber(s) end
  end
  return bad, good
end

local function forget_window(key)
  for i = 0, RING - 1 do redis.call('HDEL', key, 'n' .. i, 'f' .. i, 's' .. i) end
end

local function open(key, scope, opens)
  local pause = math.min(policy.most_ms, policy.open_ms * 2 ^ (opens - 1))
  put(key, scope, 'open_until', now + pause, 'opens', opens)
  redis.call('HDEL', key, 'probe', 'probe_until')
  forget_window(key)
  table.insert(changes, {'opened', scope.name})
end

for i, scope in ipairs(call.scopes) do
  local key = KEYS[i]
  local state = state_of(key)
  leave(key, call.token)
  redis.call('ZREM', key .. ':held', call.token)
  if scope.tpm > 0 then
    local left = level(state, 'tokens', scope.tpm) + math.min(call.tokens, scope.tpm) - call.used
    put(key, scope, 'tokens', math.min(scope.tpm, left), 'tokens_at', now)
  end
  if state.open_until == 0 then
    if scope.said ~= 'nothing' then
      local failed = scope.said == 'failed'
      local bad, good = tally(key, failed)
      if failed and bad >= policy.failures and bad >= policy.share * (bad + good) then open(key, scope, 1) end
    end
  elseif state.probe == call.token then
    if scope.said == 'failed' then
      open(key, scope, state.opens + 1)
    elseif scope.said == 'ok' then
      redis.call('HDEL', key, 'open_until', 'opens', 'probe', 'probe_until')
      table.insert(changes, {'closed', scope.name})
    else
      redis.call('HDEL', key, 'probe', 'probe_until')
    end
  end
  -- An endpoint that names a time names it for the deployment that was asked.
  if i == #call.scopes and call.cool_ms > 0 then
    if state.cool_until <= now then table.insert(changes, {'cooled', scope.name}) end
    put(key, scope, 'cool_until', math.max(state.cool_until, now + call.cool_ms))
  end
  if #changes > 0 then
    local index = KEYS[#KEYS]
    redis.call('ZADD', index, now, scope.id)
    redis.call('ZREMRANGEBYSCORE', index, '-inf', now - STATE_MS)
    redis.call('ZREMRANGEBYRANK', index, 0, -201)
    redis.call('PEXPIRE', index, STATE_MS)
  end
  wake(key, scope)
end
return changes
"""
)

# KEYS index; ARGV {root} -> now, then {id name cool_until open_until opens}*
LOOK = (
    _COMMON
    + """
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local name = redis.call('HGET', call.root .. id, 'name')
  if name then
    local state = state_of(call.root .. id)
    table.insert(found, {name, math.max(0, state.cool_until - now), state.open_until > 0 and 1 or 0,
      math.max(0, state.open_until - now), state.opens})
  end
end
return found
"""
)
