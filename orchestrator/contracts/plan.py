"""What planning decides before a persona speaks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts.base import Frozen, Language, Message, Mode, PassageId, Sections, Sequence, TaskId
from orchestrator.contracts.persona import Usage
from orchestrator.contracts.rollout import RolloutId


class Factor(Frozen):
    """One observable that went into the complexity score: ``points`` is what it added."""

    name: str
    value: float
    points: float
    why: str


class Complexity(Frozen):
    """How hard the job looks, 0 (a look-up) to 10, and why. ``source`` tells a computed score from the caller's."""

    score: Annotated[float, Field(ge=0, le=10)]
    source: Literal["observed", "caller"]
    factors: Annotated[tuple[Factor, ...], Sequence] = ()


class Assignment(Frozen):
    """Which side of the parallel share, of a rollout's, or of a trial an eligible job fell on.

    ``share`` is in percent. ``draw`` is the job's own number, 0 up to 100, the same whenever it is drawn: the job is
    on the parallel side (in a rollout: the new one) where it is below the share. ``rollout`` is the one that counts it.

    ``probability`` is there where the job was assigned at random, to learn from it: of this arm, against ``other``.
    """

    arm: Mode
    share: Annotated[float, Field(ge=0, le=100)]
    draw: Annotated[float, Field(ge=0, lt=100)]
    rollout: RolloutId | None = None
    other: Mode | None = None
    probability: Annotated[float, Field(gt=0, le=1)] | None = None


class Consideration(Frozen):
    """One thing that ``auto`` asks before it lets a job run claim by claim, and what it found.

    ``met`` is ``None`` where it is not known: what is not known is no reason to run so.
    """

    code: Literal[
        "allowed",  # a comparison has shown the mode not worse on these models, or an operator says so
        "boundary",  # the score is below what was learned for the mode
        "claims",  # the evidence carries enough claims to work on side by side
        "independent",  # the goal asks for no claims that follow from each other
        "gain",  # it ends sooner than what the job would run in otherwise
        "cost",  # its tokens, at their prices, stay below the ceiling
        "slots",  # the fleet has the slots that it takes at once
    ]
    met: bool | None
    detail: Annotated[str, Field(max_length=300)]


class Plan(Message):
    """The job's layout: what to look for, what was found, and how the personas will run.

    ``sections`` is more than 1 only of a parallel job, whose synthesis is then written in so many side by side.
    ``assignment`` is there where the parallel share decided the mode, ``considered`` where ``auto`` thought of running
    the job claim by claim. ``models`` are the three personas', as the planner's settings name them.
    ``usage`` is what translating the search queries cost, where that was needed.
    """

    task_id: TaskId
    sub_questions: Annotated[tuple[str, ...], Sequence, Field(max_length=12)] = ()
    assumptions: Annotated[tuple[str, ...], Sequence, Field(max_length=12)] = ()
    search_queries: Annotated[tuple[str, ...], Sequence, Field(max_length=12)] = ()
    passage_ids: Annotated[tuple[PassageId, ...], Sequence, Field(max_length=200)] = ()
    complexity: Complexity
    mode: Mode
    mode_reason: str
    sections: Sections = 1
    assignment: Assignment | None = None
    considered: Annotated[tuple[Consideration, ...], Sequence, Field(max_length=12)] = ()
    models: Annotated[tuple[str, ...], Sequence, Field(max_length=3)] = ()
    language: Language
    usage: Usage = Usage()
    merge_after_ms: Annotated[int, Field(ge=0)] | None = None
    """Of a job that is settled in parts: so long after its acceptance it is merged with what is there."""
