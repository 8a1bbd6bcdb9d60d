"""One step's life: lease it, do it, write its output once, move the job on.

Received -> leased -> worked -> stored -> moved on. A process may die between any two of these, and a message may
come twice at any of them: the lease lets one work, the record keeps one output, and what has to happen next is
decided from the record.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from celery import Celery
from celery.canvas import Signature
from kombu.exceptions import OperationalError

from orchestrator.canvas import bare, job_canvas, send, sent_at_once
from orchestrator.conclusion import conclude
from orchestrator.contracts import Passage, PersonaOutput, Plan, Reason
from orchestrator.contracts.events import (
    KnownEvent,
    ParallelExecutionStart,
    StepEnd,
    StepStart,
    TaskStart,
)
from orchestrator.contracts.events import LeaseLost as LeaseLostEvent
from orchestrator.errors import JobCancelled, JobNotFound, LeaseLost
from orchestrator.recovery import runnable_since
from orchestrator.routing.flow import ANTITHESIS_STANDALONE, FLOWS, SYNTHESIS, THESIS, ready
from orchestrator.store import JobRecord, JobRef, JobStore
from orchestrator.store.jobs import Grant, Lease, Written
from orchestrator.store.origin import origin
from orchestrator.store.record import PLAN
from workers.heartbeat import Heartbeat, Held
from workers.patience import patiently

MAX_ATTEMPTS = 4
"""A step that has taken this many workers with it is given up, as a failure."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One leased try at a step; ``deadline`` is on this process's monotonic clock, in s."""

    ref: JobRef
    step: str
    number: int
    record: JobRecord
    deadline: float
    held: Held


@dataclass(frozen=True)
class Worked:
    """What an attempt brought: an output to store, passages that join the evidence, and events to tell of it.

    ``cause`` ends the job here and now.
    """

    output: PersonaOutput | Plan
    passages: tuple[Passage, ...] = ()
    events: tuple[KnownEvent, ...] = ()
    cause: Reason | None = None


Work = Callable[[Attempt], Worked]


def event_name(step: str, suffix: str) -> Any:  # noqa: ANN401 - one of StepStart's or StepEnd's literals
    """``antithesis_standalone`` starts as ``antithesis_start``: the ledger's names are the persona's."""
    return f"{step.partition(':')[0].partition('_')[0]}_{suffix}"


class Executor:
    """Runs steps for one process. Blocking; called from many threads."""

    def __init__(
        self, *, store: JobStore, heartbeat: Heartbeat, app: Celery, work: Mapping[str, Work]
    ) -> None:
        self._store = store
        self._heartbeat = heartbeat
        self._app = app
        self._work = work

    def run(self, ref: JobRef, step: str, *, alone: bool) -> None:
        """Handle one delivery of a step. ``alone``: it is part of no canvas, so whoever runs it moves the job on."""
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        grant = patiently(lambda: self._store.acquire(ref, step, owner))
        cause: Reason | None = None
        if grant.status == "granted" and grant.lease is not None:
            moved, cause = self._attempt(ref, step, grant, grant.lease)
            if not moved:
                return
        elif grant.status == "expired":
            cause = Reason(code="deadline", detail=f"{step} had not begun when the job's time was up")
        elif grant.status != "done":
            # held: somebody is at it; ended, missing: nothing is left to do.
            log.info("delivery_dropped", job=str(ref), step=step, status=grant.status)
            return
        patiently(lambda: self._move_on(ref, step, alone=alone or grant.attempt > 1, cause=cause))

    def _attempt(self, ref: JobRef, step: str, grant: Grant, lease: Lease) -> tuple[bool, Reason | None]:
        """Returns whether this attempt's output is the step's output, and what ends the job early, if anything."""
        began = time.monotonic()
        try:
            record = patiently(lambda: self._store.load(ref))
        except JobNotFound:
            return False, None
        if step != PLAN and step not in (ready(record.plan.mode, record.done) if record.plan else ()):
            # A chord that fired early, or a step of another mode: its inputs are not final, so no token is spent.
            log.warning("step_not_ready", job=str(ref), step=step)
            patiently(lambda: self._store.release(lease))
            return False, None
        with self._heartbeat.hold(lease, watched=grant.watched) as held:
            remaining_s = (grant.deadline_ms - grant.now_ms) / 1_000
            attempt = Attempt(ref, step, grant.attempt, record, began + remaining_s, held)
            self._announce(attempt, grant)
            try:
                worked = self._work[step.partition(":")[0]](attempt)
            except (JobCancelled, LeaseLost):
                worked = None
            if worked is None or held.stopped in ("lost", "cancelled"):
                self._give_up(attempt)
                return False, None
            written = self._write(attempt, lease, worked, grant, began)
        if written == "written":
            for event in worked.events:
                patiently(lambda event=event: self._store.emit(ref, event))  # type: ignore[misc]  # bound per turn
        elif written == "lost":
            self._give_up(attempt)
        return written in ("written", "duplicate"), worked.cause

    def _announce(self, attempt: Attempt, grant: Grant) -> None:
        ref, step, record = attempt.ref, attempt.step, attempt.record
        since = grant.sent_ms or runnable_since(record)
        start = StepStart(
            **origin(ref, step, attempt.number),
            event=event_name(step, "start"),
            queued_ms=max(0, grant.now_ms - since) if attempt.number == 1 else None,
        )
        if step == PLAN:
            patiently(lambda: self._store.emit(ref, TaskStart(**origin(ref, step, attempt.number))))
        patiently(lambda: self._store.emit(ref, start))
        if step not in (THESIS, ANTITHESIS_STANDALONE) or not record.plan or record.plan.mode != "parallel":
            return
        started = {
            s: record.steps[s].started_ms for s in (THESIS, ANTITHESIS_STANDALONE) if s in record.steps
        }
        thesis_ms, antithesis_ms = started.get(THESIS), started.get(ANTITHESIS_STANDALONE)
        if (
            thesis_ms
            and antithesis_ms
            and patiently(lambda: self._store.once(ref, "parallel_execution_start"))
        ):
            both = ParallelExecutionStart(
                **origin(ref, step, attempt.number),
                mode="parallel",
                thesis_start_ms=thesis_ms - record.accepted_ms,
                antithesis_start_ms=antithesis_ms - record.accepted_ms,
            )
            patiently(lambda: self._store.emit(ref, both))

    def _write(self, attempt: Attempt, lease: Lease, worked: Worked, grant: Grant, began: float) -> Written:
        output, step = worked.output, attempt.step
        duration_ms = round((time.monotonic() - began) * 1_000)
        said: dict[str, Any] = {}
        if isinstance(output, PersonaOutput):
            timings = output.timings.model_copy(
                update={
                    "started_at_ms": grant.now_ms,
                    "queued_ms": max(0, grant.now_ms - (grant.sent_ms or runnable_since(attempt.record))),
                    "total_ms": duration_ms,
                }
            )
            output = output.model_copy(update={"timings": timings, "attempt": attempt.number})
            said = {
                "first_token_ms": timings.first_token_ms,
                "kind": output.failure.kind if output.failure else None,
                "provider": output.provider,
                "model": output.model,
                "usage": output.usage,
            }
        end = StepEnd(
            **origin(attempt.ref, step, attempt.number),
            event=event_name(step, "end"),
            status=output.status if isinstance(output, PersonaOutput) else "ok",
            duration_ms=duration_ms,
            **said,
        )
        # The last step's lease is held until the job has its result, so that nobody finishes it a second time.
        last = step == SYNTHESIS or worked.cause is not None
        return patiently(
            lambda: self._store.write_output(
                lease, output, event=end, passages=worked.passages, keep_lease=last
            )
        )

    def _give_up(self, attempt: Attempt) -> None:
        why = attempt.held.stopped or "cancelled"
        log.info("lease_gone", job=str(attempt.ref), step=attempt.step, why=why)
        event = LeaseLostEvent(**origin(attempt.ref, attempt.step, attempt.number), why=why)
        patiently(lambda: self._store.emit(attempt.ref, event))

    def _move_on(self, ref: JobRef, step: str, *, alone: bool, cause: Reason | None) -> None:
        try:
            record = self._store.load(ref)
        except JobNotFound:
            return
        if not record.open:
            return
        if cause is not None or (record.plan and not ready(record.plan.mode, record.done)):
            conclude(self._store, ref, record, origin=origin(ref, step), cause=cause, final_step=step)
        elif record.plan and step == PLAN:
            self._begin(ref, record, record.plan)
        elif record.plan and alone:
            following = [s for s, needs in FLOWS[record.plan.mode].items() if step in needs]
            steps = [s for s in ready(record.plan.mode, record.done) if s in following]
            self._send(ref, steps, [bare(self._app, ref, s) for s in steps])

    def _begin(self, ref: JobRef, record: JobRecord, plan: Plan) -> None:
        parallel_mode = plan.mode == "parallel"
        first = sent_at_once(parallel_mode=parallel_mode)
        if not any(record.steps[s].sends for s in first if s in record.steps):
            self._send(ref, first, [job_canvas(self._app, ref, parallel_mode=parallel_mode)])

    def _send(self, ref: JobRef, steps: Sequence[str], signatures: Sequence[Signature]) -> None:
        if not steps:
            return
        # Recorded first: a message that is recorded and was never sent is found by the sweep.
        self._store.mark_sent(ref, steps)
        try:
            send(self._app, signatures)
        except OperationalError as error:
            log.warning(
                "send_failed_left_to_the_sweep", job=str(ref), steps=steps, error=type(error).__name__
            )
