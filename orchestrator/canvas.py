"""Celery signatures, built from task names: this module never sees the tasks themselves.

The chord is the fast path: it fires clean jobs. The record is the truth: whatever the chord does or fails to do,
``bare`` messages made from the record finish the job.
"""

from __future__ import annotations

from collections.abc import Sequence

from celery import Celery, chain, chord, group
from celery.canvas import Signature

from orchestrator.broker import TASK_PREFIX, priority_for, queue_for
from orchestrator.contracts import RequestedMode
from orchestrator.routing.flow import ANTITHESIS, ANTITHESIS_STANDALONE, SYNTHESIS, THESIS
from orchestrator.store.keys import JobRef


def bare(app: Celery, ref: JobRef, step: str, mode: RequestedMode) -> Signature:
    """One step's message: ids only, immutable, under its deterministic task id, part of no canvas.

    A step of the form ``name:index`` runs the task ``name``. ``mode`` is for those who watch: Flower shows it.
    """
    name, _, index = step.partition(":")
    args = (ref.tenant, ref.task_id, *([int(index)] if index else []))
    return app.signature(
        TASK_PREFIX + name,
        args=args,
        immutable=True,
        argsrepr=repr(args),
        kwargsrepr=repr({"mode": mode}),
        task_id=ref.message_id(step),
        queue=queue_for(step),
        priority=priority_for(step),
        ignore_result=True,
    )


def job_canvas(app: Celery, ref: JobRef, *, parallel_mode: bool) -> Signature:
    """The whole job after planning: a chain, or a chord whose header is the group of both personas."""
    if parallel_mode:
        header = group([bare(app, ref, step, "parallel") for step in (THESIS, ANTITHESIS_STANDALONE)])
        return chord(header, bare(app, ref, SYNTHESIS, "parallel"), app=app)
    return chain(*(bare(app, ref, step, "sequential") for step in (THESIS, ANTITHESIS, SYNTHESIS)), app=app)


def sent_at_once(*, parallel_mode: bool) -> tuple[str, ...]:
    """The steps whose messages leave with the canvas; the others leave when these end."""
    return (THESIS, ANTITHESIS_STANDALONE) if parallel_mode else (THESIS,)


def send(signatures: Sequence[Signature]) -> None:
    """Send messages. Raises kombu's ``OperationalError``.

    Each takes a producer from the pool for itself: a chord passes none on to its header, so whoever holds one while
    a chord is sent waits for a second, and ten threads that do wait for each other for ever.
    """
    for signature in signatures:
        signature.apply_async()
