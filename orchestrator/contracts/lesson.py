"""What ``auto`` has been taught of a mode, as it is kept: up to which complexity, at what risk, on what evidence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts.base import Frozen, Sequence

ModelNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    Sequence,
    Field(min_length=3, max_length=3),
]
"""The models of thesis, antithesis and synthesis, as configured."""


TaughtMode = Literal["parallel", "pipelined"]
"""Sequence is what there is without a lesson."""


class Lesson(Frozen):
    """Jobs below ``boundary`` may run in ``mode`` on these models: at most ``risk`` of all jobs are lost by it.

    ``jobs`` is what that rests on: goals of a comparison that ran through both arms, or jobs that were assigned at
    random; ``lost`` of those below the boundary. ``since_ms`` is Redis TIME, epoch.
    """

    mode: TaughtMode
    models: ModelNames
    boundary: Annotated[float, Field(ge=0, le=10)]
    risk: Annotated[float, Field(gt=0, lt=1)]
    source: Literal["comparison", "live"]
    jobs: Annotated[int, Field(ge=0)]
    lost: Annotated[int, Field(ge=0)]
    who: Annotated[str, Field(max_length=200)]
    why: Annotated[str, Field(max_length=500)]
    since_ms: int
