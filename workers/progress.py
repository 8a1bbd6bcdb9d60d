"""How a job moves on after a step: to the canvas, to the next bare step, or to its result."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from celery import Celery
from celery.canvas import Signature
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orchestrator.canvas import bare, job_canvas, send, sent_at_once
from orchestrator.conclusion import conclude
from orchestrator.contracts import PersonaOutput, Plan, Reason
from orchestrator.errors import JobNotFound
from orchestrator.routing.flow import FLOWS, SYNTHESIS, ready
from orchestrator.store import JobRecord, JobRef, JobStore
from orchestrator.store.origin import origin
from orchestrator.store.record import PLAN

log = structlog.get_logger(__name__)


class Progress:
    """Decides from the record alone, so it may be asked twice. Raises ``StoreUnavailable``."""

    def __init__(self, store: JobStore, app: Celery) -> None:
        self._store = store
        self._app = app

    def sends_with(self, output: PersonaOutput | Plan) -> tuple[str, ...]:
        """The steps whose messages follow this output at once: recorded with it, sent by ``move_on``."""
        return sent_at_once(parallel_mode=output.mode == "parallel") if isinstance(output, Plan) else ()

    def move_on(self, ref: JobRef, step: str, *, in_canvas: bool, written: JobRecord | None = None) -> None:
        """``step`` has its output. ``in_canvas``: Celery sends what follows it, so only an end is ours to make.

        Whoever has just ``written`` it gives the record as it is now: all that a step of a canvas, the plan and the
        synthesis have to know. Others look.
        """
        alone = in_canvas or step in (PLAN, SYNTHESIS)
        record = written if written and alone else self._open(ref)
        if record is None:
            return
        if record.cause is not None or (record.plan and not ready(record.plan.mode, record.done)):
            self._conclude(ref, record, step, record.cause)
        elif record.plan and step == PLAN:
            if written:  # a canvas is sent once; what gets lost of it, the sweep sends as bare messages
                parallel_mode = record.plan.mode == "parallel"
                self._send(
                    ref, self.sends_with(record.plan), job_canvas(self._app, ref, parallel_mode=parallel_mode)
                )
        elif record.plan and not in_canvas:
            following = [s for s, needs in FLOWS[record.plan.mode].items() if step in needs]
            steps = [s for s in ready(record.plan.mode, record.done) if s in following]
            if steps:
                self._store.mark_sent(ref, steps)
                self._send(ref, steps, *(bare(self._app, ref, s, record.mode) for s in steps))

    def end(self, ref: JobRef, step: str, *, cause: Reason) -> None:
        """End the job now, with what there is."""
        record = self._open(ref)
        if record is not None:
            self._conclude(ref, record, step, cause)

    def send_again(self, ref: JobRef, step: str, record: JobRecord) -> None:
        """Send ``step`` once more: whoever held it has let go."""
        self._store.mark_sent(ref, [step])
        self._send(ref, [step], bare(self._app, ref, step, record.mode))

    def _open(self, ref: JobRef) -> JobRecord | None:
        try:
            record = self._store.load(ref)
        except JobNotFound:
            return None
        return record if record.open else None

    def _conclude(self, ref: JobRef, record: JobRecord, step: str, cause: Reason | None) -> None:
        conclude(self._store, ref, record, origin=origin(ref, step), cause=cause, final_step=step)

    def _send(self, ref: JobRef, steps: Sequence[str], *signatures: Signature) -> None:
        # They were recorded first: a message that is recorded and was never sent is found by the sweep.
        try:
            send(signatures)
        except (OperationalError, RedisError) as error:  # the latter from a chord's counter
            log.warning(
                "send_failed_left_to_the_sweep", job=str(ref), steps=steps, error=type(error).__name__
            )
