"""Up to which complexity the faster arm may run, learnt from a comparison at a stated risk.

Conformal risk control (Angelopoulos and others, 2022): of ``n`` goals that both arms ran, ``k`` below the boundary were
lost by the faster arm and held by the other. Where (k + 1) / (n + 1) is at most the risk, the next job like these is
lost with that probability at most, whatever the law they come from. So a risk of 2 % takes 49 goals without a loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import ceil
from typing import Annotated

from orchestrator.contracts.base import Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.experiment.trial import Trial

STEPS = tuple(step / 2 for step in range(21))
"""Boundaries that are tried: finer ones would tell goals apart that the score does not."""


class Step(Frozen):
    """One boundary: ``goals`` below it, ``lost`` among them, seconds saved per job of all, and the risk's bound."""

    boundary: float
    goals: int
    lost: int
    saved_s: float
    risk: float


class Learnt(Frozen):
    """The highest boundary within the risk; ``None`` where there are too few goals, ``more`` of which it takes."""

    risk: float
    goals: int
    boundary: float | None
    more: int
    steps: Annotated[tuple[Step, ...], AsTuple]


def learn_boundary(trials: Iterable[Trial], *, reference: str, candidate: str, risk: float) -> Learnt:
    """Learn from the goals that ran through both arms and have a score. ``risk`` is between 0 and 1, both excluded.

    Lost is a goal whose evidence holds, with nothing lost, in the reference's run and not in the candidate's.
    """
    by_goal: dict[str, dict[str, Trial]] = {}
    for trial in trials:
        by_goal.setdefault(trial.goal, {})[trial.arm] = trial
    pairs = [
        (arms[reference], arms[candidate])
        for arms in by_goal.values()
        if {reference, candidate} <= arms.keys()
    ]
    scored = [(slow.complexity, slow, fast) for slow, fast in pairs if slow.complexity is not None]
    n = len(scored)
    steps = tuple(
        _step(boundary, [(slow, fast) for score, slow, fast in scored if score < boundary], n)
        for boundary in STEPS
    )
    least = ceil(1 / risk - 1 - 1e-9)
    within = [step.boundary for step in steps if step.risk <= risk] if n >= least else []
    return Learnt(risk=risk, goals=n, boundary=max(within, default=None), more=max(0, least - n), steps=steps)


def configured_in(trials: Iterable[Trial], arms: Collection[str]) -> tuple[str, ...] | None:
    """The models that all runs of these arms were planned with; ``None`` where they differ or are not known."""
    found = {trial.configured for trial in trials if trial.arm in arms}
    return found.pop() if len(found) == 1 and all(found) else None


def _step(boundary: float, below: list[tuple[Trial, Trial]], n: int) -> Step:
    lost = sum(_held(slow) and not _held(fast) for slow, fast in below)
    saved = sum(slow.latency_s - fast.latency_s for slow, fast in below if slow.whole and fast.whole)
    return Step(
        boundary=boundary,
        goals=len(below),
        lost=lost,
        saved_s=saved / n if n else 0.0,
        risk=min(1.0, (lost + 1) / (n + 1)),
    )


def _held(trial: Trial) -> bool:
    return trial.whole and trial.evidence_ok
