"""How a worker ends. Told once, it takes no more messages and finishes its steps; told again, it hands them over.

Celery's own handlers know a second SIGTERM as nothing at all, and its cold shutdown waits for threads that it cannot
interrupt. A step that is handed over stops at its model call, lets go of its lease, and is in the queue again.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog
from celery.platforms import EX_OK
from celery.worker import state

from workers.heartbeat import Heartbeat

LOOK_S = 0.02
HURRY_S = 10.0
"""How long handing over may take. Redis may be away: leases that cannot be let go of run out by themselves."""

log = structlog.get_logger(__name__)


class Draining:
    """Ends this process well. Steps get ``drain_s`` to finish, and then are handed over unasked.

    ``consuming`` tells whether messages are still taken: what is handed over must not come back to this process.
    """

    def __init__(self, heartbeat: Heartbeat, *, consuming: Callable[[], bool], drain_s: float) -> None:
        self._heartbeat = heartbeat
        self._consuming = consuming
        self._drain_s = drain_s
        # Its put may interrupt itself, which a handler's does when two signals come at once.
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()

    def listen(self) -> None:
        """Take the signals over from Celery. Call on the main thread, once its worker is up."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._tell)
        threading.Thread(target=self._run, name="triptych-draining", daemon=True).start()

    def _tell(self, number: int, _frame: FrameType | None) -> None:
        state.should_stop = EX_OK  # type: ignore[assignment]  # the stubs know its first value only
        self._told.put(number)

    def _run(self) -> None:
        first = self._told.get()
        log.info("draining", steps=self._heartbeat.held())
        if first != signal.SIGQUIT:
            with suppress(queue.Empty):
                self._told.get(timeout=self._drain_s)
        end = time.monotonic() + HURRY_S
        while self._consuming() and time.monotonic() < end:
            time.sleep(LOOK_S)
        log.warning("handing_over", steps=self._heartbeat.held())
        self._heartbeat.hand_over()
        time.sleep(max(0.0, end - time.monotonic()))
        log.error("ended_with_steps", steps=self._heartbeat.held())
        os._exit(1)
