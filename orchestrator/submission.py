"""A job's way in: validated, recorded, announced, and only then sent. Blocking; raises before anything is started."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass

from celery import Celery
from kombu.exceptions import OperationalError

from orchestrator.canvas import bare, send
from orchestrator.contracts import TaskSpec
from orchestrator.contracts.events import JobSubmitted
from orchestrator.contracts.task import merges_too_late
from orchestrator.errors import IdempotencyConflict, InvalidInput, StoreRefused, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore
from orchestrator.store.record import PLAN

MAX_SPEC_BYTES = 1_000_000
"""A record is read by every step: what is larger belongs into a corpus."""


@dataclass(frozen=True)
class Submitted:
    """Where the job is; ``created`` is False when the same job had been accepted before."""

    ref: JobRef
    created: bool


def submit(
    spec: TaskSpec, *, store: JobStore, app: Celery, settings: Settings, reply_to: str | None = None
) -> Submitted:
    """Accept one job and send its plan step. May be called twice with the same spec: the second finds the first.

    ``reply_to`` is the Celery task that a new job's end is the result of.

    Once this returns, or raises anything after the record was written, the job will run: where the message could
    not be sent, the sweep sends it. Raises ``InvalidInput`` (too large, merged too late), ``IdempotencyConflict``,
    ``AdmissionClosed`` (come back later; a job that is known already is found all the same), ``StoreRefused`` (nothing
    was recorded) and ``StoreUnavailable`` (that is not known).
    """
    size = len(spec.to_wire().encode())
    if size > MAX_SPEC_BYTES:
        raise InvalidInput(
            "inputs",
            f"the job is {size:,} bytes, over {MAX_SPEC_BYTES:,}; index the documents as a corpus and name it",
        )
    deadline_s = spec.deadline_s or settings.deadline_s
    if problem := merges_too_late(spec.merge_after_s, deadline_s):
        raise InvalidInput("merge_after_s", problem)
    event = JobSubmitted(
        event_id=uuid.uuid4().hex,
        task_id=spec.task_id,
        tenant=spec.tenant,
        requested_mode=spec.mode,
        deadline_s=deadline_s,
    )
    try:
        status, task_id = store.accept(spec, deadline_s=deadline_s, event=event, reply_to=reply_to)
    except StoreRefused:
        raise
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}. Whether job {spec.task_id!r} was accepted is not known: look for it, or submit it again with "
            "the same task_id or idempotency_key, and it runs once"
        ) from error
    if status == "conflict":
        what = "idempotency_key" if spec.idempotency_key else "task_id"
        raise IdempotencyConflict(
            f"{what} is taken by job {task_id!r} with a different body; send the same body, or choose another {what}"
        )
    ref = JobRef(spec.tenant, task_id)
    if status == "created":
        # Where this fails the job is recorded all the same: a worker's sweep finds and sends its plan.
        with suppress(OperationalError):
            send([bare(app, ref, PLAN, spec.mode)])
    return Submitted(ref, created=status == "created")
