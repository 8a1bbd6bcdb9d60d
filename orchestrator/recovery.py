"""Recovery is a sweep over the record, not a visibility timeout.

Any worker may run it; a lock lets one at a time. It sends what is runnable, unleased and not known to be queued, as
bare messages under their deterministic ids: never a canvas again. A message too many costs one look at the record;
a message too few would cost the job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from celery import Celery
from kombu.exceptions import OperationalError

from orchestrator.broker import queue_for
from orchestrator.canvas import bare, send
from orchestrator.errors import JobNotFound, StoreUnavailable
from orchestrator.routing.flow import SYNTHESIS, flow
from orchestrator.store import JobRecord, JobRef, JobStore, StepState
from orchestrator.store.leases import LEASE_MS
from orchestrator.store.record import PLAN, Outline

FIRST_LOOK_MS = 3_000
"""How long a message may be under way before a second one is sent; doubles with every one sent."""
LONGEST_LOOK_MS = 60_000
PAGE = 100
"""How many jobs are looked at in one round trip."""


def runnable(record: JobRecord | Outline, now_ms: int = 0) -> tuple[str, ...]:
    """Steps that could run at ``now_ms`` (epoch): without an output, and with all inputs stored.

    Once ``merge_after_s`` is up that is the synthesis, with what there is. A job that lacks nothing but its result is
    given a step that is done (the plan where it ended early, else the synthesis): whoever takes it finds the output
    and finishes the job.
    """
    if not record.open:
        return ()
    if record.plan is None or record.cause is not None:
        return (PLAN,)
    if record.to_be_merged(now_ms):
        return (SYNTHESIS,)
    return record.ready or (SYNTHESIS,)


def due(state: StepState, *, runnable_since_ms: int, now_ms: int, backlog: bool) -> bool:
    """Whether to send an unleased, runnable step again.

    At once where it was started after its last message was sent: nobody holds it, so its worker is gone. Otherwise
    that message may still be in a queue, so after ``FIRST_LOOK_MS``, doubled with each message sent since the step was
    last started, up to ``LONGEST_LOOK_MS``; where the queue has a ``backlog``, after ``LONGEST_LOOK_MS``.
    """
    if state.attempts > state.sent_at_attempt:
        return True
    patience = (
        LONGEST_LOOK_MS if backlog else min(LONGEST_LOOK_MS, FIRST_LOOK_MS * 2 ** max(0, state.sends - 1))
    )
    return now_ms - max(runnable_since_ms, state.sent_ms or 0) >= patience


def runnable_since(record: JobRecord | Outline, step: str) -> int:
    """When the latest of the outputs that a step reads was stored, or else when the job was accepted (epoch ms)."""
    needs = flow(record.plan.mode, record.done, record.awaited).get(step, ()) if record.plan else ()
    ends = (record.steps[need].ended_ms for need in (PLAN, *needs) if need in record.steps)
    return max([record.accepted_ms, *(end for end in ends if end)])


@dataclass(frozen=True)
class Sweep:
    """One sweep over the open jobs. It decides and sends; ending jobs and writing to the ledger is left to callbacks.

    ``on_expired`` gets jobs past their deadline (and has to finish them), ``on_resent`` every message sent again,
    ``on_unreadable`` jobs whose record this version cannot read, with their deadline in epoch ms.
    """

    store: JobStore
    app: Celery
    on_expired: Callable[[JobRef, JobRecord], None]
    on_resent: Callable[[JobRef, str, int], None]
    on_unreadable: Callable[[JobRef, int, Exception], None]

    def run(self) -> int:
        """Look at every job without a result once; returns how many messages were sent.

        Trouble with one job is that job's: the others are looked at all the same. Raises ``StoreUnavailable`` and
        kombu's ``OperationalError``, after which nothing more can be done in this turn.
        """
        now, sent = self.store.now_ms(), 0
        backlogs = _Backlogs(self.store)
        found = self.store.active()
        while page := list(islice(found, PAGE)):
            sent += self._look_at(page, now, backlogs)
        return sent

    def _look_at(self, page: Sequence[tuple[str, int]], now: int, backlogs: _Backlogs) -> int:
        sent = 0
        outlines = self.store.outlines([JobRef.parse(address) for address, _ in page])
        looked = [_looked(*job, outline, now) for job, outline in zip(page, outlines, strict=True)]
        held = self.store.leased([(job.ref, step) for job in looked for step in job.steps])
        for job in looked:
            try:
                sent += self._handle(job, held, now, backlogs)
            except JobNotFound:
                self.store.forget_active(job.address)
            except (StoreUnavailable, OperationalError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one job must not cost another
                self.on_unreadable(job.ref, job.deadline_ms, error)
        return sent

    def _handle(
        self, job: _Looked, held: Collection[tuple[JobRef, str]], now: int, backlogs: _Backlogs
    ) -> int:
        ref, outline = job.ref, job.outline
        if isinstance(outline, Exception):
            raise outline
        if outline.open and now >= outline.deadline_ms + LEASE_MS:
            # Past the deadline leases are no longer renewed: after one TTL nobody is at it any more.
            self.on_expired(ref, self.store.load(ref))
            return 0
        free = [step for step in job.steps if (ref, step) not in held]
        return self._send_lost(ref, outline, free, now, backlogs)

    def _send_lost(
        self, ref: JobRef, outline: Outline, free: Sequence[str], now: int, backlogs: _Backlogs
    ) -> int:
        """Send those of the steps that nobody holds whose message was lost; returns how many."""
        states = {step: outline.steps.get(step, StepState()) for step in free}
        lost = [
            step
            for step, state in states.items()
            if (outline.to_be_merged(now) and not state.sends and not state.attempts)
            or due(
                state, runnable_since_ms=runnable_since(outline, step), now_ms=now, backlog=backlogs.of(step)
            )
        ]
        if not lost:
            return 0
        # Between the two looks a step may have ended, which lets go of its lease as well.
        record = self.store.load(ref)
        still = runnable(record, now)
        lost = [step for step in lost if step in still]
        if lost:
            self.store.mark_sent(ref, lost)
            send([bare(self.app, ref, step, record.mode) for step in lost])
            for step in lost:
                self.on_resent(ref, step, states[step].attempts)
        return len(lost)


class _Looked(NamedTuple):
    """A job, how far it is, or what is wrong with it, and its steps that could run."""

    address: str
    deadline_ms: int
    outline: Outline | Exception
    steps: tuple[str, ...] = ()

    @property
    def ref(self) -> JobRef:
        return JobRef.parse(self.address)


def _looked(address: str, deadline_ms: int, outline: Outline | Exception, now_ms: int) -> _Looked:
    try:
        steps = () if isinstance(outline, Exception) else runnable(outline, now_ms)
    except Exception as error:  # noqa: BLE001 - as in ``Sweep``
        return _Looked(address, deadline_ms, error)
    return _Looked(address, deadline_ms, outline, steps)


class _Backlogs:
    """Which queues have messages waiting, asked once a sweep."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._known: dict[str, bool] = {}

    def of(self, step: str) -> bool:
        queue = queue_for(step)
        if queue not in self._known:
            self._known[queue] = self._store.queue_length(queue) > 0
        return self._known[queue]


class Contact:
    """How long Redis has answered without a break: after an outage nobody takes over before one lease TTL.

    Leases could not be renewed while Redis was away; their owners get one TTL to say that they live.
    """

    def __init__(self) -> None:
        self._since_ms: int | None = None
        self._heard_at = time.monotonic()
        self._settled = threading.Event()
        self._settled.set()

    def answered(self, now_ms: int) -> None:
        """Redis answered."""
        self._heard_at = time.monotonic()
        if self._since_ms is None:
            self._since_ms = now_ms
        if self.may_take_over(now_ms):
            self._settled.set()

    def broke(self) -> None:
        """Redis did not answer."""
        self._since_ms = None
        self._settled.clear()

    def may_take_over(self, now_ms: int) -> bool:
        """Whether a lease that is gone now was let go, not kept from being renewed."""
        return self._since_ms is not None and now_ms - self._since_ms >= LEASE_MS

    def silent_s(self) -> float:
        """For how long Redis has not answered; at first, since this was made."""
        return time.monotonic() - self._heard_at

    def settle(self, up_to_s: float) -> None:
        """Block until the last break, where there was one, is a lease's TTL ago."""
        self._settled.wait(up_to_s)
