"""From ends of jobs to a report, per mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Annotated

from orchestrator.contracts.base import SMOKE_TENANT, Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.contracts.events import Event, JobEnd, JobSubmitted
from orchestrator.report.criteria import (
    Criteria,
    Criterion,
    Rate,
    evidence_kept,
    max_latency,
    mean_latency,
    reference_rate,
)

REFERENCE = "sequential"
LOST = frozenset(
    {"persona_lost", "synthesis_lost", "all_personas_lost", "plan_failed", "deadline", "partial_refused"}
)
"""Reasons of a job that did less than all its work: how soon it ended says nothing about speed."""


class ModeReport(Frozen):
    """One mode. ``jobs`` ended; ``cancelled`` ones are their callers' wish and count nowhere else.

    ``p50_s`` and ``p95_s`` (nearest rank) and the mean are of ``measured`` jobs: those that lost nothing.
    ``evidence_ok`` is of all ``jobs``, failures in the denominator.
    """

    mode: str
    jobs: int
    complete: int
    degraded: int
    failed: int
    cancelled: int
    evidence_ok: int
    evidence_rate: float | None
    measured: int
    mean_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None
    reasons: Mapping[str, int]
    criteria: Annotated[tuple[Criterion, ...], AsTuple]


class FleetReport(Frozen):
    """All modes that had a job, and sequential and parallel in any case. Times are epoch ms."""

    since_ms: int | None
    until_ms: int
    submitted: int
    modes: Annotated[tuple[ModeReport, ...], AsTuple]


class Tally:
    """What a report needs of events, taken in as they come. Memory grows with jobs only.

    Events may come in any order and twice; a smoke job of the doctor's counts nowhere.
    """

    def __init__(self) -> None:
        self._ends: dict[str, JobEnd] = {}
        self._submitted: dict[str, int] = {}
        self.latest_ms = 0
        """Of the latest event so far (epoch ms): what comes next is not older."""

    def add(self, events: Iterable[Event]) -> None:
        """Take in events."""
        for event in events:
            self.latest_ms = max(self.latest_ms, event.at_ms)
            if isinstance(event, JobEnd) and event.tenant != SMOKE_TENANT:
                self._ends.setdefault(event.event_id, event)
            elif isinstance(event, JobSubmitted) and event.tenant != SMOKE_TENANT:
                self._submitted.setdefault(event.event_id, event.at_ms)

    def forget(self, before_ms: int) -> None:
        """Leave out what happened before (epoch ms)."""
        self._ends = {name: end for name, end in self._ends.items() if end.at_ms >= before_ms}
        self._submitted = {name: at_ms for name, at_ms in self._submitted.items() if at_ms >= before_ms}

    def report(
        self, *, until_ms: int, since_ms: int | None = None, criteria: Criteria | None = None
    ) -> FleetReport:
        """Judge what there is."""
        by_mode: dict[str, list[JobEnd]] = {REFERENCE: [], "parallel": []}
        for end in self._ends.values():
            by_mode.setdefault(end.mode or "none", []).append(end)
        judged = criteria or Criteria()
        reference = _rate(_wanted(by_mode[REFERENCE]))
        return FleetReport(
            since_ms=since_ms,
            until_ms=until_ms,
            submitted=len(self._submitted),
            modes=tuple(_mode(mode, found, reference, judged) for mode, found in by_mode.items()),
        )


def summarise(
    events: Iterable[Event], *, until_ms: int, since_ms: int | None = None, criteria: Criteria | None = None
) -> FleetReport:
    """Read events once, in any order; an end that the ledger has twice counts once."""
    tally = Tally()
    tally.add(events)
    return tally.report(until_ms=until_ms, since_ms=since_ms, criteria=criteria)


def _mode(mode: str, ends: Sequence[JobEnd], reference: Rate, criteria: Criteria) -> ModeReport:
    wanted = _wanted(ends)
    statuses = Counter(end.status for end in wanted)
    rate = _rate(wanted)
    whole = sorted(_seconds(end) for end in wanted if end.status != "failed" and not LOST & _codes(end))
    longest = [_seconds(end) for end in wanted]
    return ModeReport(
        mode=mode,
        jobs=len(wanted),
        complete=statuses["complete"],
        degraded=statuses["degraded"],
        failed=statuses["failed"],
        cancelled=len(ends) - len(wanted),
        evidence_ok=rate.hits,
        evidence_rate=rate.share,
        measured=len(whole),
        mean_s=sum(whole) / len(whole) if whole else None,
        p50_s=percentile(whole, 50),
        p95_s=percentile(whole, 95),
        max_s=max(longest, default=None),
        reasons=dict(sorted(Counter(code for end in wanted for code in _codes(end)).items())),
        criteria=(
            mean_latency(whole, criteria),
            evidence_kept(rate, reference, criteria) if mode != REFERENCE else reference_rate(rate, criteria),
            max_latency(longest, criteria),
        ),
    )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile of ascending values; ``None`` of nothing."""
    return ordered[max(0, ceil(percent * len(ordered) / 100) - 1)] if ordered else None


def _wanted(ends: Iterable[JobEnd]) -> list[JobEnd]:
    return [end for end in ends if "cancelled" not in _codes(end)]


def _rate(wanted: Sequence[JobEnd]) -> Rate:
    return Rate(sum(end.evidence_ok and end.status != "failed" for end in wanted), len(wanted))


def _codes(end: JobEnd) -> frozenset[str]:
    return frozenset(reason.code for reason in end.reasons)


def _seconds(end: JobEnd) -> float:
    return max(0, end.total_ms) / 1_000
