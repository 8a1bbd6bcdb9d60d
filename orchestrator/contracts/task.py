"""What a producer asks for: the ``TaskSpec``."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from orchestrator.contracts.base import (
    Frozen,
    Language,
    Message,
    RequestedMode,
    Sections,
    Sequence,
    TaskId,
    Tenant,
    ToolName,
)
from orchestrator.contracts.evidence import MAX_PASSAGE_CHARS, Passage

MAX_GOAL_CHARS = 8_000
MAX_INLINE_PASSAGES = 200
MAX_CONTEXT_CHARS = 16_000
LATEST_MERGE = 0.75
"""Of a job's time: later no merge may be put off to, so that also a slow one ends within it."""

OnPartial = Literal["deliver", "fail"]


class Turn(Frozen):
    """One earlier turn of the conversation that the question belongs to."""

    role: Literal["user", "assistant"]
    text: Annotated[str, Field(min_length=1, max_length=MAX_CONTEXT_CHARS)]


class Inputs(Frozen):
    """Where the evidence comes from: a corpus by name, passages given inline, or both.

    ``as_given``: the passages are the job's evidence, all of them and in this order; planning searches nothing.
    """

    corpus: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    passages: Annotated[tuple[Passage, ...], Sequence, Field(max_length=MAX_INLINE_PASSAGES)] = ()
    as_given: bool = False

    @field_validator("passages")
    @classmethod
    def _distinct(cls, passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
        if len({p.id for p in passages}) != len(passages):
            raise ValueError("two passages share an id; give each its own")
        return passages

    @model_validator(mode="after")
    def _given_is_all(self) -> Inputs:
        if self.as_given and (self.corpus or not self.passages):
            raise ValueError(
                "as_given takes passages and no corpus; leave it out to have the corpus searched"
            )
        return self


class TaskSpec(Message):
    """One question on its way to one ``Result``.

    Times are seconds. ``mode="auto"`` lets the router choose; ``complexity`` (0 to 10) overrides the score it
    would compute. ``permissions`` names the tools that the personas may use. ``deadline_s`` and ``token_budget``
    of ``None`` mean the deployment's defaults. ``sections`` is into how many a synthesis is divided where the job runs
    parallel; a job in sections, or pipelined, that is not done ``merge_after_s`` after its acceptance is merged with
    what is there; ``None`` is the deployment's default for both. ``idempotency_key`` is scoped to the tenant.
    """

    task_id: TaskId
    goal: Annotated[str, Field(min_length=1, max_length=MAX_GOAL_CHARS)]
    title: Annotated[str, Field(max_length=200)] = ""
    constraints: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Sequence, Field(max_length=32)
    ] = ()
    inputs: Inputs = Inputs()
    scope: Annotated[str, Field(max_length=2_000)] = ""
    permissions: Annotated[tuple[ToolName, ...], Sequence, Field(max_length=16)] = ("retrieve",)
    evidence_required: bool = True
    complexity: Annotated[float, Field(ge=0, le=10, strict=False)] | None = None
    conversation_context: Annotated[tuple[Turn, ...], Sequence, Field(max_length=32)] = ()
    language: Language | None = None
    mode: RequestedMode = "auto"
    sections: Sections | None = None
    on_partial: OnPartial = "deliver"
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    tenant: Tenant = "default"
    deadline_s: Annotated[float, Field(gt=0, le=3_600, strict=False)] | None = None
    merge_after_s: Annotated[float, Field(gt=0, le=3_600 * LATEST_MERGE, strict=False)] | None = None
    token_budget: Annotated[int, Field(ge=1_000, le=10_000_000)] | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=128)] | None = None

    @property
    def parallel_mode(self) -> bool | None:
        """The flag that tells the modes apart; ``None`` leaves the choice to the router."""
        return None if self.mode == "auto" else self.mode == "parallel"

    @field_validator("goal")
    @classmethod
    def _goal_says_something(cls, goal: str) -> str:
        if not goal.strip():
            raise ValueError("is empty; ask a question")
        return goal.strip()

    @field_validator("merge_after_s")
    @classmethod
    def _merge_ends_in_time(cls, after_s: float | None, info: ValidationInfo) -> float | None:
        if problem := merges_too_late(after_s, info.data.get("deadline_s")):
            raise ValueError(problem)
        return after_s

    @model_validator(mode="after")
    def _context_is_bounded(self) -> TaskSpec:
        if sum(len(turn.text) for turn in self.conversation_context) > MAX_CONTEXT_CHARS:
            raise ValueError(
                f"conversation_context is over {MAX_CONTEXT_CHARS:,} characters in all; drop the oldest turns"
            )
        return self

    @field_validator("sections")
    @classmethod
    def _sections_have_their_mode(cls, sections: int | None, info: ValidationInfo) -> int | None:
        mode = info.data.get("mode", "auto")
        if mode not in ("auto", "parallel") and (sections or 1) > 1:
            raise ValueError(f"are for jobs that run parallel, and this one asks for {mode}; leave them out")
        return sections

    @staticmethod
    def _from_v1(old: dict[str, Any]) -> dict[str, Any]:
        inputs = old.get("inputs") or {}
        passages = [
            {
                "id": f"input{number}",
                "source": str(name)[:1024] or "input",
                "text": (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[
                    :MAX_PASSAGE_CHARS
                ],
            }
            for number, (name, value) in enumerate(inputs.items(), start=1)
            if value not in ("", None)
        ]
        # Version 1 granted READ, WRITE, WEB and EXEC; only reading exists here, and nothing is granted unasked.
        permissions = ("retrieve",) if "READ" in old.get("permissions", ["READ"]) else ()
        return {**old, "inputs": {"passages": passages}, "permissions": permissions}

    upgrade_from_v1: ClassVar[Any] = _from_v1


def merges_too_late(after_s: float | None, deadline_s: float | None) -> str | None:
    """What is wrong with a merge that begins after so long, in s; ``None`` where nothing is or one is not known."""
    if after_s is None or deadline_s is None or after_s <= deadline_s * LATEST_MERGE:
        return None
    return f"leaves a slow merge no time before the deadline; at most {deadline_s * LATEST_MERGE:g} of {deadline_s:g} s"
