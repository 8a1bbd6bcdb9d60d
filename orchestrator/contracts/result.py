"""What the producer gets: one ``Result`` per job, also when things went wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts.base import (
    Frozen,
    Language,
    Message,
    Mode,
    Persona,
    Sequence,
    Step,
    TaskId,
    Tenant,
)
from orchestrator.contracts.evidence import Claim, Passage
from orchestrator.contracts.persona import ErrorKind, Fallback, PersonaOutput, Status, Usage
from orchestrator.contracts.plan import Plan
from orchestrator.contracts.report import EvalReport

JobStatus = Literal["complete", "degraded", "failed"]

ReasonCode = Literal[
    "persona_lost",  # one persona failed or timed out; the result was made without it
    "persona_cut",  # a persona broke off; what it had said until then stands
    "rebuttal_lost",  # a claim was settled without its rebuttal
    "section_lost",  # a part of the synthesis failed or came too late; it was merged without
    "unresolved",  # a claim was not settled; it stands among what is open
    "synthesis_lost",  # thesis and antithesis are delivered side by side
    "fallback_model",  # another model answered for a persona's own, and may be worse
    "evidence_failed",  # the gate's verdict is fail; the findings say which claims
    "no_evidence",  # nothing relevant was found
    "all_personas_lost",
    "plan_failed",
    "deadline",
    "cancelled",
    "partial_refused",  # the caller asked for on_partial=fail
    "internal",  # a defect of ours, or a record that cannot be read
]


class Reason(Frozen):
    """Why a result is not ``complete``, for machines first (``code``, ``persona``, ``kind``)."""

    code: ReasonCode
    persona: Persona | None = None
    kind: ErrorKind | None = None
    detail: Annotated[str, Field(max_length=1_000)] = ""


NoteCode = Literal[
    "critic_late",  # pipelined: the critic was not done when everything else was; it was left out
    "critic_lost",  # pipelined: the critic failed; every claim had its rebuttal all the same
    "one_claim",  # pipelined: a thesis of one claim was settled in sequence
    "one_call",  # single: one call wrote the answer, and nobody opposed it
    "undivided",  # in sections: the synthesis was written in one piece, as there was nothing to divide or merge
]


class Note(Frozen):
    """Something about how a result was made that takes nothing from it."""

    code: NoteCode
    detail: Annotated[str, Field(max_length=1_000)] = ""


class StepTiming(Frozen):
    """One step on the job's time line: ms from the job's acceptance, by Redis TIME."""

    step: Step
    start_ms: int
    end_ms: int
    status: Status = "ok"
    critical: bool = False


class JobTimings(Frozen):
    """Latencies in ms. ``sequential_ms`` is the sum of the steps: what one after another would have taken."""

    total_ms: int = 0
    critical_path_ms: int = 0
    sequential_ms: int = 0
    steps: Annotated[tuple[StepTiming, ...], Sequence] = ()


class Provenance(Frozen):
    """What made this result: enough to tell two results apart that should have been the same."""

    triptych: str
    llm_used: bool
    models: Annotated[tuple[str, ...], Sequence] = ()
    fallbacks: Annotated[tuple[Fallback, ...], Sequence] = ()
    prompt_hashes: dict[Step, str] = Field(default_factory=dict)


class Result(Message):
    """A job's one answer. ``passages`` holds every passage that a claim cites.

    ``reasons`` say why it is not complete; ``notes`` what is worth knowing of it though that takes nothing from it.
    """

    task_id: TaskId
    tenant: Tenant = "default"
    status: JobStatus
    reasons: Annotated[tuple[Reason, ...], Sequence] = ()
    notes: Annotated[tuple[Note, ...], Sequence] = ()
    goal: str
    language: Language
    answer: str
    claims: Annotated[tuple[Claim, ...], Sequence] = ()
    passages: Annotated[tuple[Passage, ...], Sequence] = ()
    mode: Mode | None = None
    mode_reason: str = ""
    plan: Plan | None = None
    outputs: Annotated[tuple[PersonaOutput, ...], Sequence] = ()
    eval: EvalReport
    usage: Usage = Usage()
    timings: JobTimings = JobTimings()
    provenance: Provenance
