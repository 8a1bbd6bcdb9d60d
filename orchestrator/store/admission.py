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

TENANT_JOBS = "tenant_jobs"
"""The bound that one tenant is over alone; every other one concerns the whole fleet."""
MAX_JOBS = 1_000
"""Jobs without a result, of all tenants or of one, where no worker has said yet how many there may be."""
PACE_S, LONGEST_PACE_S = 10.0, 60.0
"""When to come back for a place where no job has ended yet, and at the latest."""

# refusal(admission, ledger, active, open) -> the name of the first bound that a new job would be over, else nil.
# All of it is O(1): this runs for every job that is accepted.
SCRIPT = f"""
local function refusal(admission, ledger, active, open)
  local bounds = redis.call('HMGET', admission, 'ledger_kept', 'ledger_backlog', 'tenant_jobs', 'jobs')
  if redis.call('SCARD', open) >= (tonumber(bounds[3]) or {MAX_JOBS}) then return 'tenant_jobs' end
  if redis.call('ZCARD', active) >= (tonumber(bounds[4]) or {MAX_JOBS}) then return 'jobs' end
  -- The stream is appended to by everybody, and trimmed by the archiver alone, who says how much of it is kept.
  local waiting = redis.call('XLEN', ledger) - (tonumber(bounds[1]) or 0)
  if waiting >= (tonumber(bounds[2]) or {LEDGER_BACKLOG}) then return 'ledger' end
end

local function refused(admission, ledger, active, open, counts)
  local bound = refusal(admission, ledger, active, open)
  if bound then redis.call('HINCRBY', counts, bound, 1) end
  return bound
end
"""


# pace(key, took_ms): how long jobs take, in ms: a moving mean over about the last sixteen.
PACE = """
local function pace(key, took_ms)
  local before = tonumber(redis.call('GET', key) or '') or took_ms
  redis.call('SET', key, math.floor(before + (took_ms - before) / 16 + 0.5), 'PX', 86400000)
end
"""


@dataclass(frozen=True)
class JobBounds:
    """How many jobs there may be without a result, in all and of one tenant."""

    jobs: int = MAX_JOBS
    tenant_jobs: int = MAX_JOBS


DEFAULT_BOUNDS = JobBounds()


@dataclass(frozen=True)
class _Refusal:
    """``retry_after_s`` of ``None``: after about as long as a job takes, when as many places have come free."""

    why: str
    retry_after_s: float | None


_REFUSALS = {
    "jobs": _Refusal("the fleet has as many jobs under way as it takes (TRIPTYCH_MAX_JOBS)", None),
    TENANT_JOBS: _Refusal(
        "this tenant has as many jobs under way as one may have (TRIPTYCH_MAX_TENANT_JOBS)", None
    ),
    "ledger": _Refusal(
        "the fleet's ledger cannot be archived and its backlog in Redis is full; its operator has to mend the archive "
        "(triptych doctor says what is wrong)",
        30.0,
    ),
}
_OTHER = _Refusal("the fleet takes no new jobs (a bound that this version does not know)", 30.0)


def closed(bound: str, pace_ms: str) -> AdmissionClosed:
    """What a producer is told whose job was refused by ``bound``; ``pace_ms`` is empty where no job has ended yet."""
    refusal = _REFUSALS.get(bound, _OTHER)
    if refusal.retry_after_s is not None:
        return AdmissionClosed(refusal.why, refusal.retry_after_s, bound)
    pace_s = int(pace_ms) / 1_000 if pace_ms else PACE_S
    return AdmissionClosed(refusal.why, float(round(min(max(1.0, pace_s), LONGEST_PACE_S))), bound)


@dataclass(frozen=True)
class Admission:
    """The bounds as they stand: of the ledger, ``waiting`` events of ``backlog``; ``refused`` jobs so far by bound.

    ``jobs`` of ``max_jobs`` are under way; one tenant may have ``max_tenant_jobs``.
    """

    waiting: int = 0
    backlog: int = LEDGER_BACKLOG
    jobs: int = 0
    max_jobs: int = MAX_JOBS
    max_tenant_jobs: int = MAX_JOBS
    refused: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(_REFUSALS, 0))

    @property
    def open(self) -> bool:
        """Whether the ledger lets new jobs in."""
        return self.waiting < self.backlog

    @property
    def full(self) -> bool:
        """Whether the fleet has as many jobs under way as it takes."""
        return self.jobs >= self.max_jobs


def admission(client: redis.Redis) -> Admission:
    """Look. Raises ``StoreUnavailable``."""
    with translated():
        pipeline = client.pipeline(transaction=True)
        pipeline.hgetall(keys.ADMISSION)
        pipeline.hgetall(keys.REFUSED)
        pipeline.xlen(keys.LEDGER)
        pipeline.zcard(keys.ACTIVE)
        answers = cast("tuple[dict[str, str], dict[str, str], int, int]", tuple(pipeline.execute()))
    found, refused, entries, jobs = answers
    return Admission(
        waiting=max(0, entries - int(found.get("ledger_kept", 0))),
        backlog=int(found.get("ledger_backlog", LEDGER_BACKLOG)),
        jobs=jobs,
        max_jobs=int(found.get("jobs", MAX_JOBS)),
        max_tenant_jobs=int(found.get("tenant_jobs", MAX_JOBS)),
        refused=dict.fromkeys(_REFUSALS, 0) | {bound: int(count) for bound, count in refused.items()},
    )


def publish(client: redis.Redis, bounds: JobBounds) -> None:
    """Say how many jobs there may be; whoever says it last holds. Raises ``StoreUnavailable``."""
    with translated():
        client.hset(keys.ADMISSION, mapping={"jobs": bounds.jobs, "tenant_jobs": bounds.tenant_jobs})
