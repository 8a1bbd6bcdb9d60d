"""What every event of the ledger says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from orchestrator.contracts.base import Frozen, Step, TaskId, Tenant


class BaseEvent(Frozen):
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
