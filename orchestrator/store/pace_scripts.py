"""What a fleet learns of its models' pace: counts in two generations of a hash, and a window of calls and backups.

A generation holds ``GENERATION`` calls or a day's, then it becomes the one before: what is read from both is of the
last one to two generations, and every script takes the same time however many calls there were. The window is a ring
of slots, each with its number (``n``), its calls (``c``) and its backups (``b``).
"""

_WINDOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local call = cjson.decode(ARGV[1])

local function slot_of(key)
  local slot = math.floor(now * call.ring / call.window_ms)
  local at = slot % call.ring
  if redis.call('HGET', key, 'n' .. at) ~= tostring(slot) then
    redis.call('HSET', key, 'n' .. at, slot, 'c' .. at, 0, 'b' .. at, 0)
  end
  redis.call('PEXPIRE', key, 2 * call.window_ms)
  return slot, at
end

local function window(key)
  local slot = slot_of(key)
  local calls, backups = 0, 0
  for i = 0, call.ring - 1 do
    local n, c, b = unpack(redis.call('HMGET', key, 'n' .. i, 'c' .. i, 'b' .. i))
    if n and tonumber(n) > slot - call.ring then calls, backups = calls + tonumber(c), backups + tonumber(b) end
  end
  return calls, backups
end
"""

# KEYS pace, the one before, window, index; ARGV {id model step adds generation generation_ms keep_ms ring window_ms
# counts} : one call has ended; counts is 1 where it was no backup
LEARN = (
    _WINDOW
    + """
local pace = KEYS[1]
local calls, began = unpack(redis.call('HMGET', pace, 'calls', 'began'))
if calls and (tonumber(calls) >= call.generation or now - tonumber(began) > call.generation_ms) then
  redis.call('RENAME', pace, KEYS[2])
  calls = nil
end
if not calls then redis.call('HSET', pace, 'began', now, 'calls', 0) end
for field, by in pairs(call.adds) do redis.call('HINCRBY', pace, field, by) end
redis.call('PEXPIRE', pace, call.keep_ms)
if call.counts == 1 then
  local _, at = slot_of(KEYS[3])
  redis.call('HINCRBY', KEYS[3], 'c' .. at, 1)
end
redis.call('ZADD', KEYS[4], now, call.id .. ' ' .. call.step .. ' ' .. call.model)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - call.keep_ms)
redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -501)
redis.call('PEXPIRE', KEYS[4], call.keep_ms)
return 1
"""
)

# KEYS window; ARGV {share ring window_ms} -> 1 where one more backup keeps to the share of calls, and is counted
TAKE = (
    _WINDOW
    + """
local calls, backups = window(KEYS[1])
if backups + 1 > call.share * calls then return 0 end
local _, at = slot_of(KEYS[1])
redis.call('HINCRBY', KEYS[1], 'b' .. at, 1)
return 1
"""
)

# KEYS window; ARGV {ring window_ms} : a backup that was taken was not made
GIVE = (
    _WINDOW
    + """
local _, at = slot_of(KEYS[1])
if tonumber(redis.call('HGET', KEYS[1], 'b' .. at)) > 0 then redis.call('HINCRBY', KEYS[1], 'b' .. at, -1) end
return 1
"""
)

# KEYS window; ARGV {ring window_ms} -> calls backups
SPENT = (
    _WINDOW
    + """
local calls, backups = window(KEYS[1])
return {calls, backups}
"""
)
