"""Lua that several of ``scripts`` begin with."""

NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

EMIT = """
local function emit(stream, ledger, ttl, event)
  redis.call('XADD', stream, 'MAXLEN', '~', 2000, '*', 'e', event)
  redis.call('PEXPIRE', stream, ttl)
  redis.call('XADD', ledger, '*', 'e', event)
end
"""

MINE = """
-- The attempt number is the fence: a lease that ran out (Redis was away, say) is still ours until somebody takes it.
local function mine(job, lease, step, token)
  local holder = redis.call('GET', lease)
  if holder then return holder == token end
  return redis.call('HGET', job, 'attempts:' .. step) == string.match(token, '^(%d+) ')
end
-- Once the synthesis has begun its inputs are what they are: what it did not wait for comes too late.
local function late(job, step)
  return step ~= 'synthesis' and redis.call('HEXISTS', job, 'attempts:synthesis') == 1
end
"""

SENT = """
-- These steps are on their way to a worker.
local function sent(job, steps, from)
  for i = from, #steps do
    local step = steps[i]
    local before = redis.call('HMGET', job, 'attempts:' .. step, 'sent_at_attempt:' .. step, 'sends:' .. step)
    local begun = before[1] or '0'
    -- That it was begun shows that its messages are taken: those before it count no more.
    local sends = before[2] == begun and tonumber(before[3] or '0') or 0
    redis.call('HSET', job, 'sent:' .. step, now, 'sent_at_attempt:' .. step, begun, 'sends:' .. step, sends + 1)
  end
end
"""
