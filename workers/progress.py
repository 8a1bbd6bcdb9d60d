"""How a job moves on after a step: to the canvas, to the next bare step, or to its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from celery import Celery
from celery.canvas import Signature
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orchestrator.canvas import Sendable, bare, job_canvas, send
from orchestrator.conclusion import conclude
from orchestrator.contracts import PersonaOutput, Plan, Reason, RequestedMode
from orchestrator.errors import JobNotFound
from orchestrator.routing.flow import SYNTHESIS, growing, sent_at_once
from orchestrator.store import JobRecord, JobRef, JobStore
from orchestrator.store.origin import origin
from orchestrator.store.record import PLAN

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Canvas:
    """How a delivery is tied to the canvas that it came with.

    ``fires``: Celery itself sends what follows it. ``grow`` adds a message to the chord that the delivery is a member
    of, and sends it; ``None`` where there is no such chord.
    """

    fires: bool = False
    grow: Callable[[Signature], object] | None = None


NO_CANVAS = Canvas()


class Progress:
    """Decides from the record alone, so it may be asked twice. Raises ``StoreUnavailable``."""

    def __init__(self, store: JobStore, app: Celery) -> None:
        self._store = store
        self._app = app

    def sends_with(
        self, step: str, output: PersonaOutput | Plan, record: JobRecord
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The steps whose messages follow this output at once, and the others that they read beside it.

        They are recorded with it, or where there are others with the last of these, and sent by ``move_on``.
        """
        if isinstance(output, Plan):
            return sent_at_once(output.mode), ()
        return growing(record.plan.mode, step, record.awaited) if record.plan else ((), ())

    def claimed(self, ref: JobRef, step: str, canvas: Canvas) -> None:
        """A claim is recorded, and ``step``, its rebuttal, marked as sent: send it."""
        self._join(ref, step, canvas, "pipelined")

    def move_on(
        self,
        ref: JobRef,
        step: str,
        canvas: Canvas,
        *,
        written: JobRecord | None = None,
        loose: bool = False,
        sends: Sequence[str] = (),
    ) -> None:
        """``step`` has its output. Where its ``canvas`` fires, only an end is ours to make.

        Whoever has just ``written`` it gives the record as it is now: all that a step of a canvas, the plan and the
        synthesis have to know; and the steps that were marked with it, which it ``sends``. Others look; so does
        everybody once the job is ``loose``, for then its chord may never be met.
        """
        if written and step != PLAN:
            self._grow(ref, sends, canvas, written)
        fires = canvas.fires and not loose
        alone = fires or step in (PLAN, SYNTHESIS)
        record = written if written and alone else self._open(ref)
        if record is None:
            return
        if record.cause is not None or SYNTHESIS in record.done:
            self._conclude(ref, record, step, record.cause)
        elif record.plan and step == PLAN:
            if written:  # a canvas is sent once; what gets lost of it, the sweep sends as bare messages
                mode = record.plan.mode
                self._send(ref, sends, *job_canvas(self._app, ref, mode))
        elif record.plan and not fires:
            # What was recorded with it is sent by now.
            steps = [each for each in record.following(step) if each not in sends]
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

    def _grow(self, ref: JobRef, sends: Sequence[str], canvas: Canvas, written: JobRecord) -> None:
        """Send what joins the chord before the step that it follows leaves it, but nothing that nobody awaits."""
        for step in sends:
            if written.awaited is None or step in written.awaited:
                self._join(ref, step, canvas, written.mode)

    def _join(self, ref: JobRef, step: str, canvas: Canvas, mode: RequestedMode) -> None:
        message = bare(self._app, ref, step, mode)
        if canvas.grow is None:
            self._send(ref, [step], message)
            return
        try:
            canvas.grow(message)
        except (OperationalError, RedisError) as error:
            self._left_to_the_sweep(ref, [step], error)

    def _open(self, ref: JobRef) -> JobRecord | None:
        try:
            record = self._store.load(ref)
        except JobNotFound:
            return None
        return record if record.open else None

    def _conclude(self, ref: JobRef, record: JobRecord, step: str, cause: Reason | None) -> None:
        conclude(self._store, ref, record, origin=origin(ref, step), cause=cause, final_step=step)

    def _send(self, ref: JobRef, steps: Sequence[str], *signatures: Sendable) -> None:
        # They were recorded first: a message that is recorded and was never sent is found by the sweep.
        try:
            send(signatures)
        except (OperationalError, RedisError) as error:  # the latter from a chord's counter
            self._left_to_the_sweep(ref, steps, error)

    @staticmethod
    def _left_to_the_sweep(ref: JobRef, steps: Sequence[str], error: Exception) -> None:
        log.warning("send_failed_left_to_the_sweep", job=str(ref), steps=steps, error=type(error).__name__)
