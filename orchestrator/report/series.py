"""How a fleet does over time: ends of jobs in, per mode a value for each stretch of a range out. For the dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Annotated, Literal

from orchestrator.contracts.base import Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.contracts.events import Event, ModeSet, RolloutMoved, RolloutStarted
from orchestrator.report.criteria import Criteria
from orchestrator.report.ended import Ended, ended
from orchestrator.report.summary import ModeReport, by_mode, mean, percentile

MOST_JOBS = 100_000
"""That are kept, the latest."""
MOST_MARKERS = 100
"""That are kept, the latest."""

RangeName = Literal["15m", "1h", "6h", "24h", "7d", "30d"]
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


@dataclass(frozen=True)
class Range:
    """How far back to look, and how long each stretch of it is, in ms."""

    span_ms: int
    step_ms: int


RANGES: Mapping[RangeName, Range] = {
    "15m": Range(15 * _MINUTE_MS, _MINUTE_MS // 4),
    "1h": Range(_HOUR_MS, _MINUTE_MS),
    "6h": Range(6 * _HOUR_MS, 5 * _MINUTE_MS),
    "24h": Range(24 * _HOUR_MS, 20 * _MINUTE_MS),
    "7d": Range(7 * 24 * _HOUR_MS, 2 * _HOUR_MS),
    "30d": Range(30 * 24 * _HOUR_MS, 8 * _HOUR_MS),
}


class Marker(Frozen):
    """A moment (epoch ms) from which on jobs may run otherwise: a rollout's move, or an operator's switch."""

    at_ms: int
    kind: Literal["rollout", "switch"]
    what: str
    who: str
    why: str


Counts = Annotated[tuple[int, ...], AsTuple]
Values = Annotated[tuple[float | None, ...], AsTuple]


class ModeSeries(Frozen):
    """One mode, a value for each stretch. ``jobs`` ended in it, cancelled ones left out.

    Of ``jobs``: ``degraded``, ``failed``, ``evidence_ok``, and ``max_s``. Of those that lost nothing: ``p50_s`` and
    ``p95_s`` (nearest rank) and ``saved_s``, the mean of how much less they took than their steps one after another.
    """

    mode: str
    jobs: Counts
    degraded: Counts
    failed: Counts
    evidence_ok: Counts
    p50_s: Values
    p95_s: Values
    max_s: Values
    saved_s: Values


class LatencySeries(Frozen):
    """A range in stretches of ``step_ms``, which begin at ``starts`` (epoch ms) and end at the next one.

    ``totals`` are the modes over the whole range; ``mean_bound_s`` and ``max_bound_s`` are what they are judged by.
    ``complete_since_ms`` is later than the range's beginning where more jobs ended in it than are kept.
    """

    range: RangeName
    until_ms: int
    step_ms: int
    starts: Counts
    complete_since_ms: int
    modes: Annotated[tuple[ModeSeries, ...], AsTuple]
    totals: Annotated[tuple[ModeReport, ...], AsTuple]
    markers: Annotated[tuple[Marker, ...], AsTuple]
    mean_bound_s: float
    max_bound_s: float


class History:
    """The ends of jobs and the markers of a time, taken in as they come, twice or in any order; bounded."""

    def __init__(self, *, most_jobs: int = MOST_JOBS) -> None:
        self._most_jobs = most_jobs
        self._jobs: dict[str, Ended] = {}
        self._markers: dict[str, Marker] = {}
        self._complete_since_ms = 0

    def __len__(self) -> int:
        """How many jobs there are."""
        return len(self._jobs)

    def add(self, events: Iterable[Event]) -> int:
        """Take in events; returns the time of the latest one, epoch ms, or 0."""
        latest_ms = 0
        for event in events:
            latest_ms = max(latest_ms, event.at_ms)
            if job := ended(event):
                self._jobs.setdefault(event.event_id, job)
            elif marker := marker_of(event):
                self._markers.setdefault(event.event_id, marker)
        # A quarter over the bound, so that it is seldom cut.
        if len(self._jobs) > self._most_jobs * 1.25:
            self._cut()
        return latest_ms

    def forget(self, before_ms: int) -> None:
        """Leave out what happened before (epoch ms)."""
        self._jobs = {name: job for name, job in self._jobs.items() if job.at_ms >= before_ms}
        self._markers = {name: marker for name, marker in self._markers.items() if marker.at_ms >= before_ms}

    def series(self, name: RangeName, *, until_ms: int, criteria: Criteria | None = None) -> LatencySeries:
        """Fold what there is into the stretches of a range that ends with the one ``until_ms`` is in."""
        judged = criteria or Criteria()
        step_ms = RANGES[name].step_ms
        count = RANGES[name].span_ms // step_ms
        first_ms = (until_ms // step_ms - count + 1) * step_ms
        jobs = [job for job in self._jobs.values() if first_ms <= job.at_ms < first_ms + count * step_ms]
        stretches: dict[str, list[list[Ended]]] = {}
        for job in jobs:
            rows = stretches.setdefault(job.mode, [[] for _ in range(count)])
            if job.wanted:
                rows[(job.at_ms - first_ms) // step_ms].append(job)
        markers = (marker for marker in self._markers.values() if marker.at_ms >= first_ms)
        return LatencySeries(
            range=name,
            until_ms=until_ms,
            step_ms=step_ms,
            starts=tuple(first_ms + number * step_ms for number in range(count)),
            complete_since_ms=max(first_ms, self._complete_since_ms),
            modes=tuple(_mode(mode, rows) for mode, rows in sorted(stretches.items())),
            totals=by_mode(jobs, judged),
            markers=tuple(sorted(nlargest(MOST_MARKERS, markers, key=_time), key=_time)),
            mean_bound_s=judged.mean_s,
            max_bound_s=judged.max_s,
        )

    def _cut(self) -> None:
        latest = nlargest(self._most_jobs, self._jobs.items(), key=lambda item: item[1].at_ms)
        self._jobs = dict(latest)
        self._complete_since_ms = latest[-1][1].at_ms


def marker_of(event: Event) -> Marker | None:
    """What a dashboard marks of an event; ``None`` for most."""
    match event:
        case RolloutStarted(spec=spec):
            what = f"{spec.from_mode} to {spec.to_mode}: {spec.stages[0].share:g} %"
        case RolloutMoved(move=move, share=share):
            what = f"{move.replace('_', ' ')}: {share:g} %"
        case ModeSet(mode=mode):
            what = f"switch: {mode or 'cleared'}"
        case _:
            return None
    kind: Literal["rollout", "switch"] = "switch" if isinstance(event, ModeSet) else "rollout"
    return Marker(at_ms=event.at_ms, kind=kind, what=what, who=event.who, why=event.why)


def _time(marker: Marker) -> int:
    return marker.at_ms


def _mode(mode: str, rows: Sequence[Sequence[Ended]]) -> ModeSeries:
    whole = [[job for job in row if job.whole] for row in rows]
    seconds = [sorted(job.seconds for job in row) for row in whole]
    return ModeSeries(
        mode=mode,
        jobs=tuple(map(len, rows)),
        degraded=tuple(sum(job.status == "degraded" for job in row) for row in rows),
        failed=tuple(sum(job.status == "failed" for job in row) for row in rows),
        evidence_ok=tuple(sum(job.held for job in row) for row in rows),
        p50_s=tuple(percentile(row, 50) for row in seconds),
        p95_s=tuple(percentile(row, 95) for row in seconds),
        max_s=tuple(max((job.seconds for job in row), default=None) for row in rows),
        saved_s=tuple(mean([job.saved_s for job in row if job.saved_s is not None]) for row in whole),
    )
