"""A staged rollout as messages: what was asked for (spec) and where it is (status). Two values that change apart."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from orchestrator.contracts.base import ArguedMode, Frozen, Sequence

RolloutId = Annotated[str, Field(pattern=r"^r[0-9a-f]{12}$")]

Phase = Literal["running", "paused", "complete", "rolled_back", "aborted"]
"""The first two are under way. What has ended stays in force, until somebody starts another or clears it."""

Move = Literal["advance", "complete", "roll_back", "promote", "pause", "resume", "abort", "clear"]
"""The first three are decided by the jobs, the others by a person."""


class Stage(Frozen):
    """One step of the way: ``share`` percent of the eligible jobs, for ``hold_s`` and ``count`` jobs of each arm."""

    share: Annotated[float, Field(gt=0, le=100)]
    hold_s: Annotated[float, Field(ge=0, le=30 * 86_400)]
    count: Annotated[int, Field(ge=1, le=1_000_000)]

    @field_validator("share")
    @classmethod
    def _two_decimals(cls, share: float) -> float:
        return round(share, 2)


class RolloutSpec(Frozen):
    """What was asked for. It never changes; another wish is another rollout.

    ``margin`` is how much more often the new arm may fail (0.02 is 2 points), ``slower`` how much longer its mean may
    be (0.1 is 10 %), for a promotion.
    """

    id: RolloutId
    from_mode: ArguedMode
    to_mode: ArguedMode
    stages: Annotated[tuple[Stage, ...], Sequence, Field(min_length=1, max_length=10)]
    margin: Annotated[float, Field(gt=0, lt=1)]
    slower: Annotated[float, Field(ge=0, le=10)]

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.from_mode == self.to_mode:
            raise ValueError("goes from a mode to itself; name another one")
        shares = [stage.share for stage in self.stages]
        if any(later <= earlier for earlier, later in pairwise(shares)):
            raise ValueError("has stages that do not rise; write them as 5,25,50,100")
        return self


class RolloutStatus(Frozen):
    """Where a rollout is: the phase, the stage (from 0) and when that began, and who moved it last, when and why.

    ``rev`` counts the moves: a change names the one that it was decided on. Times are Redis TIME, epoch ms.
    """

    phase: Phase
    stage: Annotated[int, Field(ge=0)] = 0
    since_ms: int
    moved_ms: int
    rev: Annotated[int, Field(ge=1)] = 1
    who: Annotated[str, Field(max_length=200)]
    why: Annotated[str, Field(max_length=500)]
