"""Admission: the bounds that a new job has to be under, in one place, inside the script that accepts it.

A bound is a name, a test in ``SCRIPT`` over what was published in ``keys.ADMISSION``, and a line in ``_REFUSALS``.
What is known already is found before any bound is asked: who sends a job twice gets the first one back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import redis

from orchestrator.errors import AdmissionClosed
from orchestrator.store import keys
from orchestrator.store.connection import translated

LEDGER_BACKLOG = 200_000
"""Events that may wait for the archive where no archiver has said yet how many."""

# refusal(admission, ledger) -> the name of the first bound that a new job would be over, else nil.
# All of it is O(1): this runs for every job that is accepted.
SCRIPT = f"""
local function refusal(admission, ledger)
  local bounds = redis.call('HMGET', admission, 'ledger_kept', 'ledger_backlog')
  -- The stream is appended to by everybody, and trimmed by the archiver alone, who says how much of it is kept.
  local waiting = redis.call('XLEN', ledger) - (tonumber(bounds[1]) or 0)
  if waiting >= (tonumber(bounds[2]) or {LEDGER_BACKLOG}) then return 'ledger' end
end

local function refused(admission, ledger, counts)
  local bound = refusal(admission, ledger)
  if bound then redis.call('HINCRBY', counts, bound, 1) end
  return bound
end
"""


@dataclass(frozen=True)
class _Refusal:
    why: str
    retry_after_s: float


_REFUSALS = {
    "ledger": _Refusal(
        "the fleet's ledger cannot be archived and its backlog in Redis is full; its operator has to mend the archive "
        "(triptych doctor says what is wrong)",
        30.0,
    ),
}
_OTHER = _Refusal("the fleet takes no new jobs (a bound that this version does not know)", 30.0)


def closed(bound: str) -> AdmissionClosed:
    """What a producer is told whose job was refused by ``bound``."""
    refusal = _REFUSALS.get(bound, _OTHER)
    return AdmissionClosed(refusal.why, refusal.retry_after_s)


@dataclass(frozen=True)
class Admission:
    """The bounds as they stand: of the ledger, ``waiting`` events of ``backlog``; ``refused`` jobs so far by bound."""

    waiting: int = 0
    backlog: int = LEDGER_BACKLOG
    refused: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(_REFUSALS, 0))

    @property
    def open(self) -> bool:
        """Whether the next new job would be accepted."""
        return self.waiting < self.backlog


def admission(client: redis.Redis) -> Admission:
    """Look. Raises ``StoreUnavailable``."""
    with translated():
        pipeline = client.pipeline(transaction=True)
        pipeline.hgetall(keys.ADMISSION)
        pipeline.hgetall(keys.REFUSED)
        pipeline.xlen(keys.LEDGER)
        answers = cast("tuple[dict[str, str], dict[str, str], int]", tuple(pipeline.execute()))
    found, refused, entries = answers
    return Admission(
        waiting=max(0, entries - int(found.get("ledger_kept", 0))),
        backlog=int(found.get("ledger_backlog", LEDGER_BACKLOG)),
        refused=dict.fromkeys(_REFUSALS, 0) | {bound: int(count) for bound, count in refused.items()},
    )
