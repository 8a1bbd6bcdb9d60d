"""From ends of jobs to a report, per mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Annotated

from orchestrator.contracts.base import SMOKE_TENANT, Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.contracts.events import Event, JobSubmitted
from orchestrator.report.criteria import (
    Criteria,
    Criterion,
    Rate,
    evidence_kept,
    max_latency,
    mean_latency,
    reference_rate,
)
from orchestrator.report.ended import Ended, ended

REFERENCE = "sequential"


class ModeReport(Frozen):
    """One mode. ``jobs`` ended; ``cancelled`` ones are their callers' wish and count nowhere else.

    ``p50_s`` and ``p95_s`` (nearest rank) and the mean are of ``measured`` jobs: those that lost nothing. So is
    ``saved_s``, the mean of how much less they took than their steps one after another; it may be below zero.
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
    saved_s: float | None = None
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
        self._ended: dict[str, Ended] = {}
        self._submitted: dict[str, int] = {}
        self.latest_ms = 0
        """Of the latest event so far (epoch ms): what comes next is not older."""

    def add(self, events: Iterable[Event]) -> None:
        """Take in events."""
        for event in events:
            self.latest_ms = max(self.latest_ms, event.at_ms)
            if found := ended(event):
                self._ended.setdefault(event.event_id, found)
            elif isinstance(event, JobSubmitted) and event.tenant != SMOKE_TENANT:
                self._submitted.setdefault(event.event_id, event.at_ms)

    def forget(self, before_ms: int) -> None:
        """Leave out what happened before (epoch ms)."""
        self._ended = {name: job for name, job in self._ended.items() if job.at_ms >= before_ms}
        self._submitted = {name: at_ms for name, at_ms in self._submitted.items() if at_ms >= before_ms}

    def report(
        self, *, until_ms: int, since_ms: int | None = None, criteria: Criteria | None = None
    ) -> FleetReport:
        """Judge what there is."""
        return FleetReport(
            since_ms=since_ms,
            until_ms=until_ms,
            submitted=len(self._submitted),
            modes=by_mode(self._ended.values(), criteria or Criteria()),
        )


def summarise(
    events: Iterable[Event], *, until_ms: int, since_ms: int | None = None, criteria: Criteria | None = None
) -> FleetReport:
    """Read events once, in any order; an end that the ledger has twice counts once."""
    tally = Tally()
    tally.add(events)
    return tally.report(until_ms=until_ms, since_ms=since_ms, criteria=criteria)


def by_mode(jobs: Iterable[Ended], criteria: Criteria) -> tuple[ModeReport, ...]:
    """Judge each mode against sequential. Sequential and parallel are there in any case."""
    found: dict[str, list[Ended]] = {REFERENCE: [], "parallel": []}
    for job in jobs:
        found.setdefault(job.mode, []).append(job)
    reference = _rate([job for job in found[REFERENCE] if job.wanted])
    return tuple(_mode(mode, jobs_of_it, reference, criteria) for mode, jobs_of_it in found.items())


def _mode(mode: str, jobs: Sequence[Ended], reference: Rate, criteria: Criteria) -> ModeReport:
    wanted = [job for job in jobs if job.wanted]
    statuses = Counter(job.status for job in wanted)
    rate = _rate(wanted)
    whole = sorted(job.seconds for job in wanted if job.whole)
    longest = [job.seconds for job in wanted]
    saved = [job.saved_s for job in wanted if job.whole and job.saved_s is not None]
    return ModeReport(
        mode=mode,
        jobs=len(wanted),
        complete=statuses["complete"],
        degraded=statuses["degraded"],
        failed=statuses["failed"],
        cancelled=len(jobs) - len(wanted),
        evidence_ok=rate.hits,
        evidence_rate=rate.share,
        measured=len(whole),
        mean_s=mean(whole),
        p50_s=percentile(whole, 50),
        p95_s=percentile(whole, 95),
        max_s=max(longest, default=None),
        saved_s=mean(saved),
        reasons=dict(sorted(Counter(code for job in wanted for code in job.codes).items())),
        criteria=(
            mean_latency(whole, criteria),
            evidence_kept(rate, reference, criteria) if mode != REFERENCE else reference_rate(rate, criteria),
            max_latency(longest, criteria),
        ),
    )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile of ascending values; ``None`` of nothing."""
    return ordered[max(0, ceil(percent * len(ordered) / 100) - 1)] if ordered else None


def mean(values: Sequence[float]) -> float | None:
    """The mean; ``None`` of nothing."""
    return sum(values) / len(values) if values else None


def _rate(wanted: Sequence[Ended]) -> Rate:
    return Rate(sum(job.held for job in wanted), len(wanted))
