"""An entry of the ledger: an event of the closed union, or of the one open class for what a later version writes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

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
    ToolCall,
)

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
