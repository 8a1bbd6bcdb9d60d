"""Up to which complexity a faster mode may run, learnt from live jobs that were assigned to it, or not, at random.

No job runs twice, so what is compared is how often each side's jobs are lost: the faster mode may lose at most
``risk`` of all jobs more than sequence does. The bound on that holds at every moment with 95 % confidence
(``rollout.bounds``), so looking again and again finds no lucky one; boundaries are tried from below and the first that
fails ends it, because going on would pick among them.

Jobs that nobody assigned at random say nothing: the easy ones run in one mode and the hard ones in another, and which
are pipelined depends on how full the fleet was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from orchestrator.contracts import Mode
from orchestrator.contracts.base import SMOKE_TENANT, Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.contracts.events import Event, JobEnd, PlanReady
from orchestrator.contracts.lesson import TaughtMode
from orchestrator.experiment.boundary import STEPS
from orchestrator.rollout.bounds import excess

MOST_MORE = 1_000_000


@dataclass(frozen=True)
class LiveJob:
    """A job that was assigned at random. ``held``: complete, and its evidence holds; ``whole`` ones can be timed."""

    mode: Mode
    other: Mode
    models: tuple[str, ...]
    complexity: float
    held: bool
    whole: bool
    seconds: float


class LiveStep(Frozen):
    """One boundary: jobs below it and lost ones among them, of both sides; ``risk`` is the bound on how many more.

    ``saved_s``: the difference of the mean latencies below it; ``None`` where one side has none to time.
    """

    boundary: float
    jobs: int
    lost: int
    reference_jobs: int
    reference_lost: int
    risk: float
    saved_s: float | None


class LiveLearnt(Frozen):
    """The highest boundary within the risk; ``None`` where there are too few jobs: ``more`` of the faster mode."""

    mode: TaughtMode
    risk: float
    jobs: int
    reference_jobs: int
    boundary: float | None
    more: int
    steps: Annotated[tuple[LiveStep, ...], AsTuple]


class LiveJobs:
    """Takes in the ledger's events, in any order and each as often as it comes; keeps what was assigned at random."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, str], PlanReady] = {}
        self._ends: dict[tuple[str, str], JobEnd] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Take in events."""
        for event in events:
            if not isinstance(event, PlanReady | JobEnd) or event.tenant == SMOKE_TENANT:
                continue
            if event.assignment is None or event.assignment.probability is None:
                continue
            job = (event.tenant, event.task_id)
            if isinstance(event, PlanReady):
                self._plans.setdefault(job, event)
            else:
                self._ends.setdefault(job, event)

    @property
    def ended(self) -> tuple[LiveJob, ...]:
        """Those that have ended; a job that its caller cancelled says nothing."""
        both = [(self._plans[job], end) for job, end in self._ends.items() if job in self._plans]
        return tuple(found for plan, end in both if (found := _job(plan, end)) is not None)


def learn_live(
    jobs: Iterable[LiveJob], *, mode: TaughtMode, models: Sequence[str], risk: float
) -> LiveLearnt:
    """Learn from the jobs on these models that could have run in this mode or in sequence. ``risk`` is in (0, 1)."""
    known = [
        job for job in jobs if job.models == tuple(models) and {job.mode, job.other} == {mode, "sequential"}
    ]
    fast = [job for job in known if job.mode == mode]
    slow = [job for job in known if job.mode != mode]
    steps = tuple(_step(boundary, fast, slow) for boundary in STEPS)
    boundary = None
    for step in steps:
        if step.risk > risk:
            break
        boundary = step.boundary
    return LiveLearnt(
        mode=mode,
        risk=risk,
        jobs=len(fast),
        reference_jobs=len(slow),
        boundary=boundary,
        more=_more(len(fast), len(slow), risk),
        steps=steps,
    )


def _job(plan: PlanReady, end: JobEnd) -> LiveJob | None:
    codes = {reason.code for reason in end.reasons}
    assigned = plan.assignment
    if assigned is None or assigned.other is None or "cancelled" in codes:
        return None
    return LiveJob(
        mode=plan.mode,
        other=assigned.other,
        models=plan.models,
        complexity=plan.complexity,
        held=end.status == "complete" and end.evidence_ok,
        whole=end.status != "failed" and codes <= {"evidence_failed"},
        seconds=end.total_ms / 1_000,
    )


def _step(boundary: float, fast: Sequence[LiveJob], slow: Sequence[LiveJob]) -> LiveStep:
    below = [job for job in fast if job.complexity < boundary]
    reference = [job for job in slow if job.complexity < boundary]
    lost, reference_lost = sum(not job.held for job in below), sum(not job.held for job in reference)
    times = [[job.seconds for job in side if job.whole] for side in (below, reference)]
    mean, before = (sum(side) / len(side) if side else None for side in times)
    return LiveStep(
        boundary=boundary,
        jobs=len(below),
        lost=lost,
        reference_jobs=len(reference),
        reference_lost=reference_lost,
        risk=max(0.0, excess((lost, len(fast)), (reference_lost, len(slow)))),
        saved_s=None if mean is None or before is None else before - mean,
    )


def _more(jobs: int, reference_jobs: int, risk: float) -> int:
    """How many more jobs of the faster mode it takes before any boundary can hold: as if none were lost."""

    def enough(more: int) -> bool:
        return excess((0, jobs + more), (0, reference_jobs)) <= risk

    if enough(0):
        return 0
    low, high = 0, 1
    while not enough(high) and high < MOST_MORE:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
