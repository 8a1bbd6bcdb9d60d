"""Recovery is a sweep over the record, not a visibility timeout.

Any worker may run it; a lock lets one at a time. It sends what is runnable, unleased and not known to be queued, as
bare messages under their deterministic ids: never a canvas again. A message too many costs one look at the record;
a message too few would cost the job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery
from kombu.exceptions import OperationalError

from orchestrator.broker import queue_for
from orchestrator.canvas import bare, send
from orchestrator.errors import JobNotFound, StoreUnavailable
from orchestrator.routing.flow import SYNTHESIS, flow
from orchestrator.store import JobRecord, JobRef, JobStore, StepState
from orchestrator.store.leases import LEASE_MS
from orchestrator.store.record import PLAN

FIRST_LOOK_MS = 3_000
"""How long a message may be under way before a second one is sent; doubles with every one sent."""
LONGEST_LOOK_MS = 60_000


def runnable(record: JobRecord, now_ms: int = 0) -> tuple[str, ...]:
    """Steps that could run now (epoch ms): no output yet, and all inputs there, or the time come to merge what is.

    A job whose last output is stored but that has no result yet wants its last step again, and one that ended
    before its time its first: a delivery that finds the output finishes the job.
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

    It was started after its last message was sent, and nobody holds it: its worker is gone, so at once. Otherwise
    its message may still be waiting in a queue: after a while that doubles with every message sent since it was last
    begun, and at the longest look where its queue has a ``backlog``.
    """
    if state.attempts > state.sent_at_attempt:
        return True
    patience = (
        LONGEST_LOOK_MS if backlog else min(LONGEST_LOOK_MS, FIRST_LOOK_MS * 2 ** max(0, state.sends - 1))
    )
    return now_ms - max(runnable_since_ms, state.sent_ms or 0) >= patience


def runnable_since(record: JobRecord, step: str) -> int:
    """When the latest of the outputs that a step reads was stored, or else when the job was accepted (epoch ms)."""
    needs = flow(record.plan.mode, record.done, record.awaited).get(step, ()) if record.plan else ()
    ends = (record.steps[need].ended_ms for need in (PLAN, *needs) if need in record.steps)
    return max([record.accepted_ms, *(end for end in ends if end)])


@dataclass(frozen=True)
class Sweep:
    """What a sweep tells of what it finds: it decides and sends, the worker around it ends jobs and keeps the ledger.

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
        for address, deadline_ms in self.store.active():
            ref = JobRef.parse(address)
            try:
                sent += self._look_at(ref, now, backlogs)
            except JobNotFound:
                self.store.forget_active(address)
            except (StoreUnavailable, OperationalError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one job must not cost another
                self.on_unreadable(ref, deadline_ms, error)
        return sent

    def _look_at(self, ref: JobRef, now: int, backlogs: _Backlogs) -> int:
        record = self.store.load(ref)
        if not record.open:
            return 0
        if now >= record.deadline_ms + LEASE_MS:
            # Past the deadline leases are no longer renewed: after one TTL nobody is at it any more.
            self.on_expired(ref, record)
            return 0
        steps = runnable(record, now)
        held = self.store.leased(ref, steps)
        states = {step: record.steps.get(step, StepState()) for step in steps if step not in held}
        lost = [
            step
            for step, state in states.items()
            if (record.to_be_merged(now) and not state.sends and not state.attempts)
            or due(
                state, runnable_since_ms=runnable_since(record, step), now_ms=now, backlog=backlogs.of(step)
            )
        ]
        if lost:
            # Between the two looks a step may have ended, which lets go of its lease as well.
            still = runnable(self.store.load(ref), now)
            lost = [step for step in lost if step in still]
        if lost:
            self.store.mark_sent(ref, lost)
            send([bare(self.app, ref, step, record.mode) for step in lost])
            for step in lost:
                self.on_resent(ref, step, states[step].attempts)
        return len(lost)


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
