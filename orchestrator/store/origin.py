"""Who writes an event: the fields that every event of this thread shares, and the one id that a job's end has."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import uuid
from functools import cache
from typing import Any

from orchestrator.store.keys import JobRef


@cache
def host() -> str:
    """This machine's name, asked for once."""
    return socket.gethostname()


def origin(ref: JobRef, step: str | None, attempt: int | None = None) -> dict[str, Any]:
    """A fresh event id, the job, and where this runs. Keyword arguments for an event of ``contracts.events``."""
    return {
        "event_id": uuid.uuid4().hex,
        "task_id": ref.task_id,
        "tenant": ref.tenant,
        "step": step,
        "attempt": attempt,
        "worker": host(),
        "process_id": os.getpid(),
        "thread_id": threading.get_native_id(),
    }


def end_id(ref: JobRef) -> str:
    """The one event id that a job's end can have in the ledger, whoever writes it."""
    return hashlib.sha256(f"{ref}/job_end".encode()).hexdigest()[:32]
