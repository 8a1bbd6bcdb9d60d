"""Frozen pydantic messages, and nothing else: what crosses between producers, workers, the store and operators."""

from orchestrator.contracts.base import (
    PROTOCOL,
    ArguedMode,
    Frozen,
    Message,
    Mode,
    Persona,
    RequestedMode,
    Step,
)
from orchestrator.contracts.evidence import Citation, Claim, ClaimKind, Passage
from orchestrator.contracts.lesson import Lesson
from orchestrator.contracts.persona import (
    ErrorKind,
    Failure,
    Fallback,
    Hedge,
    PersonaOutput,
    Status,
    Timings,
    Usage,
)
from orchestrator.contracts.plan import Assignment, Complexity, Consideration, Factor, Plan
from orchestrator.contracts.report import EvalReport, Finding, LevelReport
from orchestrator.contracts.result import (
    JobStatus,
    JobTimings,
    Note,
    Provenance,
    Reason,
    Result,
    StepTiming,
)
from orchestrator.contracts.task import Inputs, TaskSpec, Turn

__all__ = [
    "PROTOCOL",
    "ArguedMode",
    "Assignment",
    "Citation",
    "Claim",
    "ClaimKind",
    "Complexity",
    "Consideration",
    "ErrorKind",
    "EvalReport",
    "Factor",
    "Failure",
    "Fallback",
    "Finding",
    "Frozen",
    "Hedge",
    "Inputs",
    "JobStatus",
    "JobTimings",
    "Lesson",
    "LevelReport",
    "Message",
    "Mode",
    "Note",
    "Passage",
    "Persona",
    "PersonaOutput",
    "Plan",
    "Provenance",
    "Reason",
    "RequestedMode",
    "Result",
    "Status",
    "Step",
    "StepTiming",
    "TaskSpec",
    "Timings",
    "Turn",
    "Usage",
]
