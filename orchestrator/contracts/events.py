"""The ledger's events: a closed union, and one open class for what a later version writes.

The names continue those of the pipeline before (``task_start``, ``thesis_start``, ``parallel_execution_start``,
``eval``, ...). An event's time is Redis TIME, taken by the store where it is appended.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from orchestrator.contracts.base import (
    ClaimId,
    Frozen,
    Mode,
    RequestedMode,
    Sections,
    Sequence,
    Step,
    TaskId,
    Tenant,
)
from orchestrator.contracts.lesson import Lesson, ModelNames, TaughtMode
from orchestrator.contracts.persona import ErrorKind, Fallback, Hedge, Status, Usage
from orchestrator.contracts.plan import Assignment
from orchestrator.contracts.report import Verdict
from orchestrator.contracts.result import JobStatus, Note, Reason
from orchestrator.contracts.rollout import Move, Phase, RolloutId, RolloutSpec


class _Event(Frozen):
    """What every event says. ``at_ms`` (epoch, Redis TIME) is 0 until the store has appended the event."""

    event_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    task_id: TaskId
    tenant: Tenant = "default"
    at_ms: int = 0
    step: Step | None = None
    attempt: int | None = None
    worker: str = ""
    process_id: int = 0
    thread_id: int = 0


class JobSubmitted(_Event):
    """A producer's job was accepted."""

    event: Literal["job_submitted"] = "job_submitted"
    requested_mode: str
    deadline_s: float


class TaskStart(_Event):
    """Work on the job began: its plan step is running."""

    event: Literal["task_start"] = "task_start"


class PlanReady(_Event):
    """The plan is recorded: mode, reason and evidence are fixed from here on.

    Fields are the ``Plan``'s; ``assignment`` is there where a share, a rollout or a trial decided the mode.
    """

    event: Literal["plan_ready"] = "plan_ready"
    mode: Mode
    mode_reason: str
    sections: Sections = 1
    assignment: Assignment | None = None
    complexity: float
    passages: int
    merge_after_ms: int | None = None
    models: Annotated[tuple[str, ...], Sequence] = ()


class StepStart(_Event):
    """A step got its lease and begins; ``queued_ms`` is how long it lay in the queue, where that is known."""

    event: Literal["plan_start", "thesis_start", "antithesis_start", "synthesis_start"]
    queued_ms: int | None = None


class StepEnd(_Event):
    """A step's output is stored."""

    event: Literal["plan_end", "thesis_end", "antithesis_end", "synthesis_end"]
    status: Status
    duration_ms: int
    first_token_ms: int | None = None
    kind: ErrorKind | None = None
    provider: str = ""
    model: str = ""
    fallbacks: Annotated[tuple[Fallback, ...], Sequence] = ()
    hedges: Annotated[tuple[Hedge, ...], Sequence] = ()
    usage: Usage = Usage()


class ClaimClosed(_Event):
    """A pipelined thesis has written a claim to its end: it is recorded, and its rebuttal may begin.

    ``depends_on`` names the earlier claims that it rests on.
    """

    event: Literal["claim_closed"] = "claim_closed"
    claim_id: ClaimId
    depends_on: Annotated[tuple[ClaimId, ...], Sequence] = ()


class ParallelExecutionStart(_Event):
    """The second persona of a parallel job has started. Offsets are ms since the job was accepted."""

    event: Literal["parallel_execution_start"] = "parallel_execution_start"
    mode: Mode
    thesis_start_ms: int
    antithesis_start_ms: int


class ToolCall(_Event):
    """A persona used a tool."""

    event: Literal["tool_call"] = "tool_call"
    tool: str
    passages: int
    duration_ms: int


class Evaluated(_Event):
    """The gate has judged the result; what had been found before the repair pass is ``None`` where there was none."""

    event: Literal["eval"] = "eval"
    quality: float
    evidence_ok: bool
    verdict: Verdict
    findings: int
    verdict_before: Verdict | None = None
    findings_before: int | None = None
    repairs: int = 0


class StepRecovered(_Event):
    """The sweep sent a step again: nobody held its lease and no output was there."""

    event: Literal["step_recovered"] = "step_recovered"


Stopped = Literal["lost", "cancelled", "handed_over"]
"""Why a step was stopped: another worker took it over, its job has ended, or its worker ends."""


class LeaseLost(_Event):
    """A worker stopped a step: its lease is no longer its own, or it ends and lets another one do it."""

    event: Literal["lease_lost"] = "lease_lost"
    why: Stopped
    provider: str = ""
    usage: Usage = Usage()


class JobEnd(_Event):
    """The job has its one result. ``sequential_ms`` is the sum of its steps: one after another, they take that long."""

    event: Literal["job_end"] = "job_end"
    status: JobStatus
    reasons: Annotated[tuple[Reason, ...], Sequence] = ()
    notes: Annotated[tuple[Note, ...], Sequence] = ()
    mode: Mode | None = None
    total_ms: int
    sequential_ms: int | None = None
    usage: Usage = Usage()
    evidence_ok: bool = False
    assignment: Assignment | None = None


class _FleetEvent(_Event):
    """Something that concerns no single job: ``task_id`` is empty. ``who`` did it and said ``why``."""

    task_id: Literal[""] = ""
    who: Annotated[str, Field(max_length=200)]
    why: Annotated[str, Field(max_length=500)] = ""


class QueuePaused(_FleetEvent):
    """An operator paused a queue; what runs goes on, what waits stays."""

    event: Literal["queue_paused"] = "queue_paused"
    queue: str


class QueueResumed(_FleetEvent):
    """An operator let a paused queue go on."""

    event: Literal["queue_resumed"] = "queue_resumed"
    queue: str


class ModeSet(_FleetEvent):
    """An operator set the mode of all new jobs, or with ``mode`` of ``None`` let the deployment decide again."""

    event: Literal["mode_set"] = "mode_set"
    mode: RequestedMode | None
    force: bool = False


class RouteTaught(_FleetEvent):
    """An operator taught ``auto`` a mode on some models, or with ``lesson`` of ``None`` had it forget."""

    event: Literal["route_taught"] = "route_taught"
    mode: TaughtMode
    models: ModelNames
    lesson: Lesson | None = None


class RolloutStarted(_FleetEvent):
    """An operator began a staged rollout. ``decided_ms`` is Redis TIME, epoch: its first stage counts from there."""

    event: Literal["rollout_started"] = "rollout_started"
    spec: RolloutSpec
    decided_ms: int


class RolloutMoved(_FleetEvent):
    """A rollout moved: by itself, at what its jobs have shown until here, or by a person's word.

    ``phase``, ``stage`` and ``share`` (percent in force) are those after the move. ``evidence`` is the guard's E.
    """

    event: Literal["rollout_moved"] = "rollout_moved"
    rollout: RolloutId
    move: Move
    phase: Phase
    stage: int
    share: float
    evidence: float
    decided_ms: int


KnownEvent = Annotated[
    JobSubmitted
    | TaskStart
    | PlanReady
    | StepStart
    | StepEnd
    | ClaimClosed
    | ParallelExecutionStart
    | ToolCall
    | Evaluated
    | StepRecovered
    | LeaseLost
    | JobEnd
    | QueuePaused
    | QueueResumed
    | ModeSet
    | RouteTaught
    | RolloutStarted
    | RolloutMoved,
    Field(discriminator="event"),
]


class UnknownEvent(BaseModel):
    """An event that this version does not know, kept whole: a later version wrote it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    event: str = "unknown"
    event_id: str = ""
    task_id: str = ""
    at_ms: int = 0


Event = KnownEvent | UnknownEvent
_known: TypeAdapter[KnownEvent] = TypeAdapter(KnownEvent)


def parse_event(raw: str | bytes, *, at_ms: int) -> Event:
    """Read one ledger entry and stamp it with the time its store gave it. Never raises for an unknown event.

    A known event to which a later version added fields is known all the same, and keeps them (``model_extra``).
    Raises ``ValidationError`` only where the entry is not a JSON object, or its ``event``, ``event_id``, ``task_id``
    or ``at_ms`` is of another type than every event's.
    """
    try:
        event: Event = _known.validate_json(raw, extra="allow")
    except ValidationError:
        event = UnknownEvent.model_validate_json(raw)
    return event.model_copy(update={"at_ms": at_ms})


def event_json(event: Event) -> str:
    """One event as compact JSON, with the fields that a later version added to it."""
    if isinstance(event, UnknownEvent) or not event.model_extra:
        return event.model_dump_json()
    return to_json({**event.model_dump(), **event.model_extra}, inf_nan_mode="null").decode()


def event_names() -> tuple[str, ...]:
    """Every name a known event can carry, sorted."""
    return tuple(sorted(_known.json_schema()["discriminator"]["mapping"]))
