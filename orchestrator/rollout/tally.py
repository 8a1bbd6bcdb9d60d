"""What a rollout counts of an ended job, and what it knows from counting. One rule, for the store and for a replay.

A job **fails** where it is failed, degraded, or its evidence does not hold. A job that its caller cancelled counts
nowhere, nor does the doctor's; nor one that asked for its mode, which no share decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from orchestrator.contracts.base import SMOKE_TENANT
from orchestrator.contracts.events import Event, JobEnd
from orchestrator.rollout.bounds import Moments

Side = Literal["canary", "control"]
_TAKES_NOTHING = frozenset({"evidence_failed"})
"""Reasons of a job that did all its work: how long that took can be compared."""


@dataclass(frozen=True)
class ArmTally:
    """One side's ended jobs. ``ms`` and ``ms2`` (sum, sum of squares) are of the ``measured``, which lost nothing."""

    jobs: int = 0
    failures: int = 0
    failed: int = 0
    degraded: int = 0
    measured: int = 0
    ms: int = 0
    ms2: int = 0

    @property
    def rate(self) -> float | None:
        """Failures by job; ``None`` of nothing."""
        return self.failures / self.jobs if self.jobs else None

    @property
    def seconds(self) -> Moments:
        """Latencies of the measured jobs."""
        return Moments(self.measured, self.ms / 1e3, self.ms2 / 1e6)


@dataclass(frozen=True)
class StageTally:
    """Both sides of the jobs that were assigned at one share."""

    canary: ArmTally = ArmTally()
    control: ArmTally = ArmTally()


Tallies = Mapping[float, StageTally]
"""By share, in percent."""


@dataclass(frozen=True)
class Counted:
    """What one ended job adds to its rollout's tally, by the tally's fields (``5:canary:jobs``)."""

    rollout: str
    amounts: Mapping[str, int]

    @property
    def flat(self) -> list[str | int]:
        """Field, amount, field, amount, ..."""
        return [part for pair in self.amounts.items() for part in pair]


def counted(end: JobEnd) -> Counted | None:
    """What a job's end counts for; ``None`` where it counts for no rollout."""
    assigned = end.assignment
    codes = {reason.code for reason in end.reasons}
    if not assigned or not assigned.rollout or end.tenant == SMOKE_TENANT or "cancelled" in codes:
        return None
    side: Side = "canary" if assigned.draw < assigned.share else "control"
    amounts = {
        "jobs": 1,
        "failures": int(end.status != "complete" or not end.evidence_ok),
        "failed": int(end.status == "failed"),
        "degraded": int(end.status == "degraded"),
    }
    if end.status != "failed" and codes <= _TAKES_NOTHING:
        took_ms = max(0, end.total_ms)
        amounts |= {"measured": 1, "ms": took_ms, "ms2": took_ms**2}
    place = f"{assigned.share:g}:{side}"
    return Counted(assigned.rollout, {f"{place}:{name}": n for name, n in amounts.items() if n})


def tallies_from(counts: Mapping[str, int]) -> Tallies:
    """Read a tally's fields. Those that are none of a tally's are passed over."""
    names = {field.name for field in fields(ArmTally)}
    found: dict[float, dict[str, dict[str, int]]] = {}
    for key, amount in counts.items():
        share, _, rest = key.partition(":")
        side, _, name = rest.partition(":")
        if side in ("canary", "control") and name in names:
            found.setdefault(float(share), {}).setdefault(side, {})[name] = amount
    return {
        share: StageTally(ArmTally(**sides.get("canary", {})), ArmTally(**sides.get("control", {})))
        for share, sides in sorted(found.items())
    }


class Fold:
    """A rollout's tallies from the ledger's events, in any order, each job once."""

    def __init__(self, rollout: str) -> None:
        self._rollout = rollout
        self._seen: set[str] = set()
        self._counts: Counter[str] = Counter()

    def add(self, events: Iterable[Event]) -> None:
        """Take in events."""
        for event in events:
            if not isinstance(event, JobEnd) or event.event_id in self._seen:
                continue
            found = counted(event)
            if found and found.rollout == self._rollout:
                self._seen.add(event.event_id)
                self._counts.update(found.amounts)

    @property
    def tallies(self) -> Tallies:
        """What they add up to so far."""
        return tallies_from(self._counts)
