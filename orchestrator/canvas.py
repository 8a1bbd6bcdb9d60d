"""Celery signatures, built from task names: this module never sees the tasks themselves.

The chord is the fast path: it fires clean jobs. The record is the truth: whatever the chord does or fails to do,
``bare`` messages made from the record finish the job.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from celery import Celery, chain, chord, group
from celery.canvas import Signature

from orchestrator.broker import TASK_PREFIX, priority_for, queue_for
from orchestrator.contracts import Mode, RequestedMode
from orchestrator.routing.flow import (
    ANTITHESIS,
    ANTITHESIS_STANDALONE,
    CRITIC,
    SINGLE,
    SYNTHESIS,
    THESIS,
    name_of,
    number_of,
)
from orchestrator.store.keys import JobRef


class Sendable(Protocol):
    """A message, or a canvas of them."""

    def apply_async(self) -> Any:  # noqa: ANN401 - whatever Celery returns, nobody looks at it
        """Send it. Raises kombu's ``OperationalError``, and redis-py's errors where a chord is counted."""
        ...


def bare(app: Celery, ref: JobRef, step: str, mode: RequestedMode) -> Signature:
    """One step's message: ids only, immutable, under its deterministic task id, part of no canvas.

    A step of the form ``name:index`` runs the task ``name``. ``mode`` is for those who watch: Flower shows it.
    """
    number = number_of(step)
    args = (ref.tenant, ref.task_id, *([number] if number else []))
    return app.signature(
        TASK_PREFIX + name_of(step),
        args=args,
        immutable=True,
        argsrepr=repr(args),
        kwargsrepr=repr({"mode": mode}),
        task_id=ref.message_id(step),
        queue=queue_for(step),
        priority=priority_for(step),
        ignore_result=True,
    )


class GrowingChord:
    """A chord that begins with one member, which adds the others with ``Task.add_to_chord``.

    Celery makes a chain of a chord of one, which cannot grow; so this does by hand what it does for a chord of two.
    """

    def __init__(self, app: Celery, first: Signature, body: Signature) -> None:
        self._app = app
        self._first = first
        self._body = body

    def apply_async(self) -> None:
        """Send the first member. Raises what ``Sendable`` does."""
        group_id = uuid.uuid4().hex
        self._body.freeze()
        self._app.backend.set_chord_size(group_id, 1)
        self._first.apply_async(group_id=group_id, group_index=0, chord=self._body)


def job_canvas(app: Celery, ref: JobRef, mode: Mode) -> tuple[Sendable, ...]:
    """The whole job after planning: a chain, a chord whose header is the group of both personas, or one that grows.

    The critic stands outside of the chord: nobody waits for it. A single call has nothing to be joined with.
    """
    if mode == SINGLE:
        return (bare(app, ref, SYNTHESIS, mode),)
    if mode == "parallel":
        header = group([bare(app, ref, step, mode) for step in (THESIS, ANTITHESIS_STANDALONE)])
        return (chord(header, bare(app, ref, SYNTHESIS, mode), app=app),)
    if mode == "pipelined":
        thesis, critic, synthesis = (bare(app, ref, step, mode) for step in (THESIS, CRITIC, SYNTHESIS))
        return (GrowingChord(app, thesis, synthesis), critic)
    return (chain(*(bare(app, ref, step, mode) for step in (THESIS, ANTITHESIS, SYNTHESIS)), app=app),)


def send(signatures: Sequence[Sendable]) -> None:
    """Send messages. Raises kombu's ``OperationalError``.

    Each takes a producer from the pool for itself: a chord passes none on to its header, so whoever holds one while
    a chord is sent waits for a second, and ten threads that do wait for each other for ever.
    """
    for signature in signatures:
        signature.apply_async()
