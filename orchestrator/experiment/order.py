"""In which order a comparison runs: interleaved, so that a slow hour falls on all arms alike."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from orchestrator.experiment.goals import Goal
from orchestrator.experiment.trial import Arm


def interleaved(goals: Sequence[Goal], arms: Sequence[Arm], seed: int) -> tuple[tuple[Goal, Arm], ...]:
    """All goals in a random order, each through all arms one after the other, in a random order of its own.

    The same seed gives the same order on every machine.
    """
    rng = Random(seed)  # noqa: S311 - an experiment's order has to be repeatable
    shuffled = rng.sample(list(goals), k=len(goals))
    return tuple((goal, arm) for goal in shuffled for arm in rng.sample(list(arms), k=len(arms)))
