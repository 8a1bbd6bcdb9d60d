"""One step's life: lease it, do it, write its output once, move the job on.

Received -> leased -> worked -> stored -> moved on. A process may die between any two of these, and a message may
come twice at any of them: the lease lets one work, the record keeps one output, and what has to happen next is
decided from the record.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import structlog

from orchestrator.contracts import Passage, PersonaOutput, Plan, Reason
from orchestrator.contracts.events import KnownEvent, Stopped
from orchestrator.errors import JobCancelled, LeaseLost, StoreUnavailable
from orchestrator.recovery import Contact
from orchestrator.routing.flow import SYNTHESIS, awaited_after, name_of, needs_of, sections
from orchestrator.store import JobRecord, JobRef, JobStore
from orchestrator.store.leases import Grant, Granted
from orchestrator.store.origin import host
from workers.claims import Claims
from workers.heartbeat import Heartbeat, Held
from workers.patience import OUTAGE_S, patiently
from workers.progress import NO_CANVAS, Canvas, Progress
from workers.step_events import ended, lost, side_by_side, starting
from workers.telemetry import whereabouts

MAX_ATTEMPTS = 4
"""A step that was begun this often and never ended is given up, as a failure: it may be what kills its workers."""
MAX_OUTPUT_BYTES = 1_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One leased try at a step; ``deadline`` is on this process's monotonic clock, in s.

    ``claims`` records what a thesis has closed while it is still being written.
    """

    ref: JobRef
    step: str
    number: int
    record: JobRecord
    deadline: float
    held: Held
    claims: Claims


@dataclass(frozen=True)
class Worked:
    """What an attempt brought: an output to store, passages that join the evidence, and events to tell of it.

    ``cause`` ends the job here and now.
    """

    output: PersonaOutput | Plan
    passages: tuple[Passage, ...] = ()
    events: tuple[KnownEvent, ...] = ()
    cause: Reason | None = None


class Handled(NamedTuple):
    """What became of a delivery: a word or two for those who watch, and whether the step has its output now."""

    word: str
    stored: bool


class Work(Protocol):
    """What a step does."""

    def __call__(self, attempt: Attempt) -> Worked:
        """Do it. Raises ``JobCancelled`` or ``LeaseLost`` when it was stopped; anything else is a defect."""
        ...

    def failed(self, attempt: Attempt, why: str) -> Worked:
        """Say that it was not done: a failure is an output too, and the job goes on from it."""
        ...


class Executor:
    """Runs steps for one process. Blocking; called from many threads."""

    def __init__(
        self,
        *,
        store: JobStore,
        heartbeat: Heartbeat,
        progress: Progress,
        work: Mapping[str, Work],
        contact: Contact,
    ) -> None:
        self._store = store
        self._heartbeat = heartbeat
        self._progress = progress
        self._work = work
        self._contact = contact

    def run(self, ref: JobRef, step: str, canvas: Canvas = NO_CANVAS) -> Handled:
        """Handle one delivery of a step, which came with this ``canvas``.

        ======================  =============================================================================
        the record says         what happens
        ======================  =============================================================================
        no such job, or ended   nothing: the delivery is late
        inputs are missing      nothing: a chord fired early; whoever writes the last input moves on
        granted                 work, write, move on
        done                    move on: the worker before may have died on the way
        held                    nothing: another worker is at it
        expired                 the job ends here, with what there is
        ======================  =============================================================================
        """
        grant = self._ask(ref, step)
        # After a second attempt nobody can tell what has become of the canvas.
        clean = canvas if grant.attempt == 1 else NO_CANVAS
        if grant.granted:
            return self._attempt(ref, grant, grant.granted, clean)
        if grant.status == "done":
            patiently(lambda: self._progress.move_on(ref, step, clean))
        elif grant.status == "expired":
            late = Reason(code="deadline", detail=f"the job's time was up before {step} was done")
            patiently(lambda: self._progress.end(ref, step, cause=late))
            return Handled(late.code, stored=False)
        else:
            log.info("delivery_dropped", job=str(ref), step=step, status=grant.status)
        return Handled(grant.status, stored=grant.status == "done")

    def _ask(self, ref: JobRef, step: str) -> Grant:
        owner, needs = f"{host()}:{os.getpid()}:{uuid.uuid4().hex[:12]}", needs_of(step)
        events = starting(ref, step)
        grant = patiently(
            lambda: self._store.acquire(ref, step, owner, needs, take_over=False, events=events)
        )
        if grant.status != "begun":
            return grant
        # Somebody has begun it. Right after an outage its lease may be gone although its owner is at work.
        self._contact.settle(OUTAGE_S)
        return patiently(lambda: self._store.acquire(ref, step, owner, needs, events=events))

    def _attempt(self, ref: JobRef, grant: Grant, granted: Granted, canvas: Canvas) -> Handled:
        """Work under a lease, store what it brought, move on."""
        began = time.monotonic()
        lease, record, step = granted.lease, granted.record, granted.lease.step
        remaining_s = (record.deadline_ms - grant.now_ms) / 1_000
        with self._heartbeat.hold(lease, watched=granted.watched) as held:
            claims = Claims(lease, record, canvas, store=self._store, progress=self._progress)
            attempt = Attempt(ref, step, grant.attempt, record, began + remaining_s, held, claims)
            if both := side_by_side(ref, step, grant.attempt, record):
                self._tell(ref, both)
            worked = self._worked(attempt)
            # What was finished before it could be handed over is kept.
            if not isinstance(worked, Worked) or held.stopped in ("lost", "cancelled"):
                return self._let_go(attempt, worked, held.stopped or "lost")
            output = worked.output
            if isinstance(output, PersonaOutput):
                timings = {
                    "started_at_ms": grant.now_ms,
                    "queued_ms": granted.queued_ms,
                    "total_ms": round((time.monotonic() - began) * 1_000),
                }
                timed = output.timings.model_copy(update=timings)
                output = output.model_copy(update={"timings": timed, "attempt": grant.attempt})
            end = ended(ref, step, grant.attempt, output, seconds=time.monotonic() - began)
            # The last step's lease is held until the job has its result, so that nobody finishes it a second time.
            last = step == SYNTHESIS or worked.cause is not None
            if isinstance(output, Plan):
                awaited: tuple[str, ...] | None = sections(output.sections)
            else:
                awaited = awaited_after(record.plan.mode, step, len(claims.written)) if record.plan else None
            sends, beside = ((), ()) if last else self._progress.sends_with(step, output, record)
            stored = patiently(
                lambda: self._store.write_output(
                    lease,
                    output,
                    events=(end, *worked.events),
                    passages=worked.passages,
                    cause=worked.cause,
                    keep_lease=last,
                    awaited=awaited,
                    sends=sends,
                    beside=beside,
                )
            )
        if stored.status in ("lost", "ended"):
            return self._let_go(attempt, worked, "cancelled" if stored.status == "ended" else "lost")
        # Also a duplicate is this attempt's own output, whose reply was lost.
        now = record.with_output(step, output, cause=worked.cause, awaited=stored.awaited)
        patiently(
            lambda: self._progress.move_on(
                ref, step, canvas, written=now, loose=stored.loose, sends=stored.sends
            )
        )
        return Handled(_status(worked), stored=True)

    def _worked(self, attempt: Attempt) -> Worked | JobCancelled | LeaseLost:
        """What the step brought, a failure included; where it was stopped, what stopped it."""
        work = self._work[name_of(attempt.step)]
        if attempt.number > MAX_ATTEMPTS:
            return work.failed(attempt, f"given up: it was begun {MAX_ATTEMPTS} times and never ended")
        try:
            worked = work(attempt)
        except (JobCancelled, LeaseLost) as stopped:
            return stopped
        except StoreUnavailable:
            raise  # an outage that outlasted all patience: the sweep takes the step up again
        except Exception as error:  # noqa: BLE001 - a defect costs the persona, not the job, and is not tried again
            # Its text may quote a document or a prompt, so the log says what and where, but not the text.
            log.error(  # noqa: TRY400 - see above
                "step_failed", job=str(attempt.ref), step=attempt.step, error=type(error).__name__,
                at=whereabouts(error),
            )  # fmt: skip
            return work.failed(attempt, f"a defect of Triptych ({type(error).__name__}); its log says where")
        size = len(worked.output.to_wire().encode())
        if size > MAX_OUTPUT_BYTES:
            failed = work.failed(attempt, f"its output is {size:,} bytes, over {MAX_OUTPUT_BYTES:,}")
            paid = failed.output.model_copy(update={"usage": worked.output.usage})
            return replace(failed, output=paid)
        return worked

    def _let_go(self, attempt: Attempt, worked: Worked | JobCancelled | LeaseLost, why: Stopped) -> Handled:
        """Throw away what an attempt brought, and tell what it cost: nobody else will."""
        log.info("lease_gone", job=str(attempt.ref), step=attempt.step, why=why)
        brought = worked.output if isinstance(worked, Worked) else worked
        self._tell(attempt.ref, lost(attempt.ref, attempt.step, attempt.number, why, brought))
        if why == "handed_over":
            patiently(lambda: self._store.release(attempt.held.lease))
            patiently(lambda: self._progress.send_again(attempt.ref, attempt.step, attempt.record))
        return Handled("stopped", stored=False)

    def _tell(self, ref: JobRef, *events: KnownEvent) -> None:
        patiently(lambda: self._store.emit(ref, *events, once=("parallel_execution_start",)))


def _status(worked: Worked) -> str:
    if worked.cause is not None:
        return worked.cause.code
    return worked.output.status if isinstance(worked.output, PersonaOutput) else "ok"
