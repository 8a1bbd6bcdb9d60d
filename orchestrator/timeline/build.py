"""From ledger events to a time line.

Events come as the ledger has them: repeated (a retried XADD), out of order, of several attempts, and with
some missing (the job still runs, a worker died, the archive begins in the middle). None of that raises.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.contracts.events import (
    Event,
    JobEnd,
    JobSubmitted,
    LeaseLost,
    ParallelExecutionStart,
    PlanReady,
    StepEnd,
    StepRecovered,
    StepStart,
    TaskStart,
)
from orchestrator.contracts.persona import Status
from orchestrator.contracts.result import JobTimings, StepTiming
from orchestrator.routing.flow import CRITIC
from orchestrator.timeline.critical import at_once, critical, path_ms
from orchestrator.timeline.model import Row, RowStatus, Timeline


def timeline(events: Sequence[Event], *, now_ms: int | None = None) -> Timeline:
    """Lay one job's events out on its clock.

    ``now_ms`` (epoch, the ledger's clock) is where a job that still runs is cut; without it, at its last
    event. Unknown events and events that were never appended (``at_ms`` 0) are left out. Raises
    ``ValueError`` where the events belong to more than one job.
    """
    known = _in_order(events)
    if len({event.task_id for event in known}) > 1:
        raise ValueError("a time line shows one job; select its events by task_id first")
    if not known:
        return Timeline()
    end = next((event for event in known if isinstance(event, JobEnd)), None)
    accepted = _accepted_at(known, end)
    last = end.at_ms if end else max(known[-1].at_ms, now_ms or 0)
    attempts, losses = _attempts(known)
    cut = max([last, *(a.end_ms for a in attempts if a.end_ms is not None)])
    rows = _rows(attempts, losses, accepted=accepted, cut=cut, end=end)
    total = max(0, last - accepted)
    chain = critical(rows, total)
    rows = tuple(row.model_copy(update={"critical": index in chain}) for index, row in enumerate(rows))
    sequential = sum(row.duration_ms for row in rows if row.last)
    return Timeline(
        task_id=known[0].task_id,
        mode=_mode(known),
        status=end.status if end else "running",
        accepted_at_ms=accepted,
        total_ms=total,
        critical_path_ms=path_ms(row for row in rows if row.critical),
        at_once=at_once(rows),
        sequential_ms=sequential,
        saved_ms=max(0, sequential - total),
        rows=rows,
    )


def job_timings(events: Sequence[Event], *, now_ms: int | None = None) -> JobTimings:
    """Sum a job's events up for its ``Result``: each step once, by its last attempt.

    A step that is left behind while it runs counts as ``timeout``, one that was lost as ``failed``.
    """
    line = timeline(events, now_ms=now_ms)
    return JobTimings(
        total_ms=line.total_ms,
        critical_path_ms=line.critical_path_ms,
        sequential_ms=line.sequential_ms,
        steps=tuple(
            StepTiming(
                step=row.step,
                start_ms=row.start_ms,
                end_ms=row.end_ms,
                status=_final(row.status),
                critical=row.critical,
            )
            for row in line.rows
            if row.last
        ),
    )


_Known = (
    JobSubmitted
    | TaskStart
    | PlanReady
    | StepStart
    | StepEnd
    | ParallelExecutionStart
    | StepRecovered
    | LeaseLost
    | JobEnd
)


@dataclass
class _Attempt:
    """What the events say about one attempt; epoch ms."""

    step: str
    number: int
    started: StepStart | None = None
    ended: StepEnd | None = None

    @property
    def start_ms(self) -> int:
        if self.started:
            return self.started.at_ms
        return self.ended.at_ms - max(0, self.ended.duration_ms) if self.ended else 0

    @property
    def end_ms(self) -> int | None:
        return max(self.start_ms, self.ended.at_ms) if self.ended else None


def _in_order(events: Iterable[Event]) -> list[_Known]:
    """Give the events a time line is made of, in time order and else as they came."""
    known = [e for e in events if isinstance(e, _Known) and e.at_ms > 0]
    return sorted(known, key=lambda event: event.at_ms)


def _accepted_at(known: Sequence[_Known], end: JobEnd | None) -> int:
    """When the job was accepted, or the best that the remaining events can tell."""
    for event in known:
        if isinstance(event, JobSubmitted):
            return event.at_ms
    if end:
        return min(end.at_ms - max(0, end.total_ms), known[0].at_ms)
    earliest = [known[0].at_ms]
    for event in known:
        if isinstance(event, StepStart):
            earliest.append(event.at_ms - max(0, event.queued_ms or 0))
        elif isinstance(event, StepEnd):
            earliest.append(event.at_ms - max(0, event.duration_ms))
        elif isinstance(event, ParallelExecutionStart):
            earliest.append(event.at_ms - max(0, event.thesis_start_ms, event.antithesis_start_ms))
    return max(0, min(earliest))


def _mode(known: Sequence[_Known]) -> str:
    modes = [
        event.mode
        for event in known
        if isinstance(event, PlanReady | ParallelExecutionStart | JobEnd) and event.mode
    ]
    return modes[-1] if modes else ""


_Losses = dict[tuple[str, int | None], list[int]]
"""When a step's attempt (``None``: whichever ran) was noticed to be lost; epoch ms, ascending."""


def _attempts(known: Sequence[_Known]) -> tuple[list[_Attempt], _Losses]:
    """Gather starts, ends and losses by step and attempt; of repeated ones the first counts."""
    found: dict[tuple[str, int], _Attempt] = {}
    losses: _Losses = {}
    for event in known:
        if isinstance(event, StepStart | StepEnd):
            step = event.step or event.event.rpartition("_")[0]
            number = event.attempt or 1
            attempt = found.setdefault((step, number), _Attempt(step, number))
            if isinstance(event, StepStart):
                attempt.started = attempt.started or event
            else:
                attempt.ended = attempt.ended or event
        elif isinstance(event, LeaseLost | StepRecovered) and event.step:
            exact = event.attempt if isinstance(event, LeaseLost) else None
            losses.setdefault((event.step, exact), []).append(event.at_ms)
    return sorted(found.values(), key=lambda a: (a.start_ms, a.number)), losses


def _rows(
    attempts: Sequence[_Attempt], losses: _Losses, *, accepted: int, cut: int, end: JobEnd | None
) -> tuple[Row, ...]:
    next_start: dict[tuple[str, int], int] = {}
    newest: dict[str, _Attempt] = {}
    for attempt in sorted(attempts, key=lambda a: (a.step, a.number)):
        before = newest.get(attempt.step)
        if before:
            next_start[before.step, before.number] = attempt.start_ms
        newest[attempt.step] = attempt
    late = end is not None and CRITIC in newest and any(note.code == "critic_late" for note in end.notes)
    rows = []
    for attempt in attempts:
        noticed = _first_loss(attempt, losses, next_start.get((attempt.step, attempt.number)))
        status, ended_ms = _outcome(attempt, noticed, cut=cut, job_ended=end is not None)
        if status == "lost" and late and attempt is newest[CRITIC]:
            status = "late"
        source = attempt.started or attempt.ended
        rows.append(
            Row(
                step=attempt.step,
                attempt=attempt.number,
                start_ms=max(0, attempt.start_ms - accepted),
                end_ms=max(0, max(ended_ms, attempt.start_ms) - accepted),
                status=status,
                queued_ms=attempt.started.queued_ms if attempt.started else None,
                first_token_ms=attempt.ended.first_token_ms if attempt.ended else None,
                worker=source.worker if source else "",
                process_id=source.process_id if source else 0,
                thread_id=source.thread_id if source else 0,
                last=attempt is newest[attempt.step],
            )
        )
    return tuple(rows)


def _first_loss(attempt: _Attempt, losses: _Losses, next_start: int | None) -> int | None:
    """When the attempt was first seen to be lost: a lost lease, a recovery, or the next attempt's start."""
    noticed = [] if next_start is None else [next_start]
    for exact in (None, attempt.number):
        times = losses.get((attempt.step, exact), [])
        noticed += times[bisect_left(times, attempt.start_ms) :][:1]
    return min(noticed, default=None)


def _outcome(attempt: _Attempt, noticed: int | None, *, cut: int, job_ended: bool) -> tuple[RowStatus, int]:
    if attempt.ended and attempt.end_ms is not None:
        return attempt.ended.status, attempt.end_ms
    if noticed is not None:
        return "lost", noticed
    return ("lost" if job_ended else "running"), cut


def _final(status: RowStatus) -> Status:
    match status:
        case "running" | "late":
            return "timeout"
        case "lost":
            return "failed"
        case _:
            return status
