"""The fleet's slots in Redis: what each worker process says it has, and which jobs take several at once.

A job that is to run claim by claim takes its slots in the script that counts them, so that a hundred jobs planned in
the same moment do not all find the same ones free.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import redis

from orchestrator.routing.outlook import SLOTS, Room
from orchestrator.store import keys
from orchestrator.store.connection import translated
from orchestrator.store.keys import JobRef

BELIEVED_MS = 6_000
"""A process that has said nothing for so long has no slots."""
MOST = 10_000
"""Processes, and jobs that run claim by claim; with more of either the room counts as not known."""
_KEPT_MS = 3_600_000
_PERSONAS = ("thesis", "antithesis", "synthesis")

# KEYS slots pipelined active ; ARGV {job most most_slots each personas kept_ms take}
# -> slots jobs pipelined, or nothing where no process says; slots are 0 where nobody takes some persona's messages
_LOOK = """
local call = cjson.decode(ARGV[1])
if redis.call('HLEN', KEYS[1]) > call.most or redis.call('SCARD', KEYS[2]) > call.most then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local said = redis.call('HGETALL', KEYS[1])
local slots, served, alive = 0, {}, false
for i = 1, #said, 2 do
  local believed_ms, has, queues = string.match(said[i + 1], '^(%d+) (%d+) ([%a,]*)$')
  if not believed_ms or #has > 6 or tonumber(believed_ms) < now then
    redis.call('HDEL', KEYS[1], said[i])
  else
    alive = true
    local takes = false
    for queue in string.gmatch(queues, '%a+') do
      served[queue] = true
      takes = takes or queue ~= 'plan'
    end
    if takes then slots = slots + tonumber(has) end
  end
end
if not alive then return {} end
for _, persona in ipairs(call.personas) do if not served[persona] then slots = 0 end end
if call.most_slots > 0 then slots = math.min(slots, call.most_slots) end
local pipelined = 0
for _, job in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if not redis.call('ZSCORE', KEYS[3], job) then redis.call('SREM', KEYS[2], job)
  elseif job ~= call.job then pipelined = pipelined + 1 end
end
local jobs = redis.call('ZCARD', KEYS[3])
if redis.call('ZSCORE', KEYS[3], call.job) then jobs = jobs - 1 end
local free = slots - jobs - (call.each - 1) * pipelined
if call.take == 'always' or (call.take == 'room' and free >= call.each) then
  redis.call('SADD', KEYS[2], call.job)
  redis.call('PEXPIRE', KEYS[2], call.kept_ms)
end
return {slots, jobs, pipelined}
"""

# KEYS slots ; ARGV process believed_ms slots queues kept_ms
_SAY = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %s', now + ARGV[2], ARGV[3], ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
"""


@dataclass(frozen=True)
class Present:
    """A worker process that says it is there: its slots, and the queues that it takes from."""

    process: str
    slots: int
    queues: tuple[str, ...]


class RoomStore:
    """Blocking; safe to share between threads. Every method raises ``StoreUnavailable`` when Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._look = client.register_script(_LOOK)
        self._say = client.register_script(_SAY)

    def say(self, process: str, slots: int, queues: Collection[str]) -> None:
        """A process has so many slots, for these queues; it has to say so again within ``BELIEVED_MS``."""
        with translated():
            self._say(
                keys=[keys.SLOTS], args=[process, BELIEVED_MS, slots, ",".join(sorted(queues)), _KEPT_MS]
            )

    def leave(self, process: str) -> None:
        """A process takes no more messages."""
        with translated():
            self._client.hdel(keys.SLOTS, process)

    def present(self, *, now_ms: int) -> tuple[Present, ...]:
        """The processes that are there, by Redis TIME, in the order of their names."""
        with translated():
            said = cast("dict[str, str]", self._client.hgetall(keys.SLOTS))
        found = []
        for process, words in sorted(said.items()):
            believed = re.fullmatch(r"([0-9]{1,15}) ([0-9]{1,6}) ([a-z,]*)", words)
            if believed and int(believed[1]) >= now_ms:
                queues = tuple(queue for queue in believed[3].split(",") if queue)
                found.append(Present(process, int(believed[2]), queues))
        return tuple(found)

    def look(self, *, most_slots: int = 0) -> Room | None:
        """What room there is for one job more; ``None`` where no worker says. ``most_slots`` of 0 is no bound."""
        return self._asked("", most_slots, "never")

    def take(self, ref: JobRef, *, most_slots: int = 0, always: bool = False) -> Room | None:
        """Look, and take a pipelined job's slots where they are free, or ``always``. What it has counts as free."""
        return self._asked(str(ref), most_slots, "always" if always else "room")

    def give_back(self, ref: JobRef) -> None:
        """The job runs in another mode."""
        with translated():
            self._client.srem(keys.IN_PARTS, str(ref))

    def _asked(self, job: str, most_slots: int, take: str) -> Room | None:
        call = {
            "job": job, "most": MOST, "most_slots": most_slots, "each": SLOTS, "personas": _PERSONAS,
            "kept_ms": _KEPT_MS, "take": take,
        }  # fmt: skip
        with translated():
            found = cast(
                "list[int]",
                self._look(keys=[keys.SLOTS, keys.IN_PARTS, keys.ACTIVE], args=[json.dumps(call)]),
            )
        return Room(*found) if found else None
