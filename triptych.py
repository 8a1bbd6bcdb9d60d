"""What a producer imports: ``from triptych import Client, TaskSpec, load_settings``; docs/producers.md has examples.

This module is the client's whole public surface. Two distributions have it: ``triptych``, beside ``orchestrator`` and
``workers``; and ``triptych-client``, which has nothing else on top (``deploy/client/hatch_build.py``).
"""

from orchestrator import __version__
from orchestrator.client import AsyncClient, Client, new_task_id
from orchestrator.contracts import Citation, Claim, Inputs, Passage, Reason, Result, TaskSpec, Turn
from orchestrator.contracts.events import Event, JobEnd
from orchestrator.errors import (
    AdmissionClosed,
    CallerError,
    IdempotencyConflict,
    InvalidInput,
    InvalidSettings,
    JobNotFound,
    RecordUnreadable,
    StillRunning,
    StoreRefused,
    StoreUnavailable,
    TriptychError,
    WorldError,
)
from orchestrator.settings import Settings, load_settings
from orchestrator.store import JobRef, LiveText
from orchestrator.submission import Submitted

__all__ = [
    "AdmissionClosed",
    "AsyncClient",
    "CallerError",
    "Citation",
    "Claim",
    "Client",
    "Event",
    "IdempotencyConflict",
    "Inputs",
    "InvalidInput",
    "InvalidSettings",
    "JobEnd",
    "JobNotFound",
    "JobRef",
    "LiveText",
    "Passage",
    "Reason",
    "RecordUnreadable",
    "Result",
    "Settings",
    "StillRunning",
    "StoreRefused",
    "StoreUnavailable",
    "Submitted",
    "TaskSpec",
    "TriptychError",
    "Turn",
    "WorldError",
    "__version__",
    "load_settings",
    "new_task_id",
]
