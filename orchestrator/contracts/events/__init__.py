"""The ledger's events.

The names continue those of the pipeline before (``task_start``, ``thesis_start``, ``parallel_execution_start``,
``eval``, ...). An event's time is Redis TIME, taken by the store where it is appended.
"""

from orchestrator.contracts.events.entry import (
    Event,
    KnownEvent,
    UnknownEvent,
    event_json,
    event_names,
    parse_event,
)
from orchestrator.contracts.events.fleet import (
    ModeSet,
    QueuePaused,
    QueueResumed,
    RolloutMoved,
    RolloutStarted,
    RouteTaught,
)
from orchestrator.contracts.events.jobs import (
    Evaluated,
    JobEnd,
    JobSubmitted,
    ParallelExecutionStart,
    PlanReady,
    TaskStart,
)
from orchestrator.contracts.events.steps import (
    ClaimClosed,
    LeaseLost,
    StepEnd,
    StepRecovered,
    StepStart,
    Stopped,
    ToolCall,
)

__all__ = [
    "ClaimClosed",
    "Evaluated",
    "Event",
    "JobEnd",
    "JobSubmitted",
    "KnownEvent",
    "LeaseLost",
    "ModeSet",
    "ParallelExecutionStart",
    "PlanReady",
    "QueuePaused",
    "QueueResumed",
    "RolloutMoved",
    "RolloutStarted",
    "RouteTaught",
    "StepEnd",
    "StepRecovered",
    "StepStart",
    "Stopped",
    "TaskStart",
    "ToolCall",
    "UnknownEvent",
    "event_json",
    "event_names",
    "parse_event",
]
