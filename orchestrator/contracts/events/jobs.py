"""A job as a whole: accepted, begun, planned, judged, ended."""

from __future__ import annotations

from typing import Annotated, Literal

from orchestrator.contracts.base import Mode, Sections, Sequence
from orchestrator.contracts.events.base import BaseEvent
from orchestrator.contracts.persona import Usage
from orchestrator.contracts.plan import Assignment
from orchestrator.contracts.report import Verdict
from orchestrator.contracts.result import JobStatus, Note, Reason


class JobSubmitted(BaseEvent):
    """A producer's job was accepted."""

    event: Literal["job_submitted"] = "job_submitted"
    requested_mode: str
    deadline_s: float


class TaskStart(BaseEvent):
    """Work on the job began: its plan step is running."""

    event: Literal["task_start"] = "task_start"


class PlanReady(BaseEvent):
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


class ParallelExecutionStart(BaseEvent):
    """The second persona of a parallel job has started. Offsets are ms since the job was accepted."""

    event: Literal["parallel_execution_start"] = "parallel_execution_start"
    mode: Mode
    thesis_start_ms: int
    antithesis_start_ms: int


class Evaluated(BaseEvent):
    """The gate has judged the result; what had been found before the repair pass is ``None`` where there was none."""

    event: Literal["eval"] = "eval"
    quality: float
    evidence_ok: bool
    verdict: Verdict
    findings: int
    verdict_before: Verdict | None = None
    findings_before: int | None = None
    repairs: int = 0


class JobEnd(BaseEvent):
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
