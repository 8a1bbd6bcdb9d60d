"""The rollout in Redis: spec and status as they stand, its tally, its last moves. One at a time is in force.

Every change is compare-and-set: it names the move that it was decided on (``rev``) and, where jobs decided, how many
had been counted, so that the ledger at that place holds exactly what was decided on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import redis
from pydantic import ValidationError

from orchestrator.contracts.events import Event, RolloutMoved, RolloutStarted, parse_event
from orchestrator.contracts.rollout import RolloutSpec, RolloutStatus
from orchestrator.errors import RecordUnreadable
from orchestrator.rollout.tally import Tallies, tallies_from
from orchestrator.store import keys
from orchestrator.store.connection import epoch_ms, translated

HISTORY = 50
Stored = Literal["done", "moved", "counted"]
"""``moved``: somebody else moved it meanwhile. ``counted``: a job ended meanwhile. Nothing was stored then."""

# KEYS rollout tally history ledger; ARGV expected ('' none, else 'id rev') counted ('' any) history_length event
# and, unless it is to be gone: id rev spec status fresh -> done|moved|counted
_STORE = """
local now = redis.call('HMGET', KEYS[1], 'id', 'rev')
if (now[1] and (now[1] .. ' ' .. now[2]) or '') ~= ARGV[1] then return 'moved' end
if ARGV[2] ~= '' and (redis.call('HGET', KEYS[2], 'counted') or '0') ~= ARGV[2] then return 'counted' end
-- First a write that needs no memory: a rollback is not refused because Redis is full.
redis.call('PERSIST', KEYS[1])
if not ARGV[5] then
  redis.call('DEL', KEYS[1], KEYS[2])
else
  redis.call('HSET', KEYS[1], 'id', ARGV[5], 'rev', ARGV[6], 'spec', ARGV[7], 'status', ARGV[8])
  if ARGV[9] == '1' then
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[2], 'id', ARGV[5], 'counted', 0)
  end
end
redis.call('RPUSH', KEYS[3], ARGV[4])
redis.call('LTRIM', KEYS[3], -ARGV[3], -1)
redis.call('XADD', KEYS[4], '*', 'e', ARGV[4])
return 'done'
"""


@dataclass(frozen=True)
class Rollout:
    """A rollout as it stands at one moment. ``counted`` jobs have ended; ``now_ms`` is Redis TIME, epoch."""

    spec: RolloutSpec
    status: RolloutStatus
    tallies: Tallies
    counted: int
    now_ms: int

    @property
    def place(self) -> str:
        """What a change that was decided on this names."""
        return f"{self.spec.id} {self.status.rev}"


class RolloutStore:
    """Blocking. Every method raises ``StoreUnavailable``; those that read raise ``RecordUnreadable`` for garbage."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self._store = client.register_script(_STORE)

    def load(self) -> Rollout | None:
        """The rollout that is in force; ``None`` where there is none."""
        with translated():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.hmget(keys.ROLLOUT, "spec", "status")
            pipeline.hgetall(keys.ROLLOUT_TALLY)
            pipeline.time()
            (spec, status), tally, time = pipeline.execute()
        read = parsed(spec, status)
        if read is None:
            return None
        try:
            counts = {key: int(value) for key, value in tally.items() if key != "id"}
            tallies = tallies_from(counts)
        except ValueError as error:
            raise RecordUnreadable(_GARBAGE) from error
        return Rollout(*read, tallies, counts.get("counted", 0), epoch_ms(time))

    def change(
        self,
        before: str,
        event: RolloutStarted | RolloutMoved,
        after: tuple[RolloutSpec, RolloutStatus] | None,
        *,
        counted: int | None = None,
        fresh: bool = False,
    ) -> Stored:
        """Store ``after`` (``None``: no rollout any more) and tell ``event``, if ``before`` still is what stands.

        ``counted`` adds to that condition how many jobs were; ``fresh`` begins a new tally.
        """
        args: list[str | int] = [before, "" if counted is None else counted, HISTORY, event.model_dump_json()]
        if after:
            spec, status = after
            args += [spec.id, status.rev, spec.model_dump_json(), status.model_dump_json(), int(fresh)]
        with translated():
            stored: Stored = self._store(
                keys=[keys.ROLLOUT, keys.ROLLOUT_TALLY, keys.ROLLOUT_HISTORY, keys.LEDGER], args=args
            )
        return stored

    def history(self) -> list[RolloutStarted | RolloutMoved]:
        """The last moves, of this rollout and those before it, oldest first."""
        with translated():
            raws = cast("list[str]", self.client.lrange(keys.ROLLOUT_HISTORY, 0, -1))
        found: list[Event] = []
        for raw in raws:
            try:
                found.append(parse_event(raw, at_ms=0))
            except ValidationError as error:
                raise RecordUnreadable(_GARBAGE) from error
        return [event for event in found if isinstance(event, RolloutStarted | RolloutMoved)]


_GARBAGE = (
    f"the rollout in Redis ({keys.ROLLOUT}) cannot be read: it was tampered with, or a newer Triptych wrote it; "
    "triptych rollout clear removes it"
)


def parsed(spec: str | None, status: str | None) -> tuple[RolloutSpec, RolloutStatus] | None:
    """Read what the hash holds; ``None`` where there is none. Raises ``RecordUnreadable``."""
    if spec is None or status is None:
        return None
    try:
        asked = RolloutSpec.model_validate_json(spec, extra="ignore")
        stands = RolloutStatus.model_validate_json(status, extra="ignore")
    except ValidationError as error:
        raise RecordUnreadable(_GARBAGE) from error
    if stands.stage >= len(asked.stages):
        raise RecordUnreadable(_GARBAGE)
    return asked, stands
