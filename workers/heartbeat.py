"""One heartbeat per process: renews the leases of all running steps, and tells those that lost theirs to stop.

It has a Redis client of its own with short timeouts, so that a slow reply to somebody else never costs a lease.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from orchestrator.contracts.events import Stopped
from orchestrator.errors import StoreUnavailable
from orchestrator.store import JobStore
from orchestrator.store.leases import LEASE_MS, Lease
from workers.telemetry import whereabouts

PERIOD_S = LEASE_MS / 3_000

log = structlog.get_logger(__name__)


@dataclass
class Held:
    """A lease that this process holds. ``watched`` says whether somebody wants live text."""

    lease: Lease
    watched: bool
    stopped: Stopped | None = None
    on_watched: Callable[[], None] | None = field(default=None, repr=False)
    _on_stop: Callable[[], None] | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def on_stop(self, call: Callable[[], None] | None) -> None:
        """Have ``call`` called (from the heartbeat's thread) when the lease is gone; at once where it already is."""
        with self._lock:
            self._on_stop = call
            stopped = self.stopped
        if stopped and call:
            call()

    def look(self, *, watched: bool) -> None:
        """Somebody watches, or nobody does. Who begins to is shown what there is (``on_watched``)."""
        begins, self.watched = watched and not self.watched, watched
        if begins and self.on_watched:
            self.on_watched()

    def stop(self, why: Stopped) -> None:
        """The lease is gone."""
        with self._lock:
            self.stopped = why
            call = self._on_stop
        if call:
            call()


class Heartbeat:
    """Renews every ``PERIOD_S``. ``store`` must be its own: a client with short timeouts."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._held: dict[Lease, Held] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._leaving = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def hold(self, lease: Lease, *, watched: bool) -> Iterator[Held]:
        """Keep a lease alive while the body runs."""
        held = Held(lease, watched)
        with self._lock:
            self._held[lease] = held
            leaving = self._leaving
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="triptych-heartbeat", daemon=True)
                self._thread.start()
        if leaving:
            held.stop("handed_over")
        try:
            yield held
        finally:
            with self._lock:
                del self._held[lease]

    def held(self) -> int:
        """How many steps this process is running."""
        with self._lock:
            return len(self._held)

    def hand_over(self) -> None:
        """Stop every step, also those that are yet to begin, so that another process does it."""
        with self._lock:
            self._leaving = True
            held = [one for one in self._held.values() if one.stopped is None]
        for one in held:
            self._stop_one(one, "handed_over")

    def close(self) -> None:
        """Stop renewing; leases that are still held run out by themselves."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - without a heartbeat every step of this process is paid twice
                log.error("heartbeat_failed", error=type(error).__name__, at=whereabouts(error))  # noqa: TRY400 - no text

    def beat(self) -> None:
        """Renew once. An unreachable Redis is no verdict: the fence decides at the write."""
        with self._lock:
            # What was handed over must not be ours again.
            held = [one for one in self._held.values() if one.stopped is None]
        if not held:
            return
        try:
            answers = self._store.renew([one.lease for one in held])
        except StoreUnavailable as error:
            log.warning("heartbeat_missed", leases=len(held), error=str(error))
            return
        for one, answer in zip(held, answers, strict=True):
            if answer == "kept" or answer == "kept_watched":  # noqa: PLR1714 - narrows the literal
                one.look(watched=answer == "kept_watched")
            elif answer != "expired" and one.stopped is None:
                # Past the deadline the model call ends by itself; what it brought may still be written.
                self._stop_one(one, answer)

    @staticmethod
    def _stop_one(one: Held, why: Stopped) -> None:
        try:
            one.stop(why)
        except Exception as error:  # noqa: BLE001 - one step's trouble; the others' leases still want renewing
            log.error("stop_failed", step=one.lease.step, error=type(error).__name__, at=whereabouts(error))  # noqa: TRY400 - no text
