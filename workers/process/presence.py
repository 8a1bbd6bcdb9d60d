"""Tells the fleet every two seconds what this process can take: its slots and for whose messages, and questions."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress

from orchestrator.broker import JUDGE_QUEUE, QUEUES
from orchestrator.errors import StoreUnavailable
from orchestrator.store.desk import Desk
from orchestrator.store.origin import host
from orchestrator.store.room import RoomStore

EVERY_S = 2.0


class Presence:
    """One process's. ``serving`` is asked each time; a process that takes nothing is not there.

    Its slots are those that jobs can have: the judge's questions are part of none.
    """

    def __init__(
        self, store: RoomStore, desk: Desk, slots: int, serving: Callable[[], Collection[str]]
    ) -> None:
        self._store = store
        self._desk = desk
        self._slots = slots
        self._serving = serving
        self._process = f"{host()[:100]}:{uuid.uuid4().hex[:12]}"
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to tell, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-presence", daemon=True).start()

    def close(self) -> None:
        """Be gone."""
        self._stop.set()
        self.say(())

    def say(self, queues: Collection[str]) -> None:
        """Tell once. While Redis is away nobody hears it, and nobody has to: the next time is soon."""
        with suppress(StoreUnavailable):
            if JUDGE_QUEUE in queues:
                self._desk.serve()
            if jobs := set(queues).intersection(QUEUES):
                self._store.say(self._process, self._slots, jobs)
            else:
                self._store.leave(self._process)

    def _run(self) -> None:
        while True:
            self.say(self._serving())
            if self._stop.wait(EVERY_S):
                return
