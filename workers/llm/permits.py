"""This process's side of what a fleet shares about endpoints: its permits, its waiting calls, and being alone.

Commands run on a few threads of their own, so that a slow Redis never holds up the event loop. One more thread, there
while a call waits or holds a permit, renews what is held and wakes those whose turn it is.
"""

from __future__ import annotations

import itertools
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import structlog

from orchestrator.errors import RecordUnreadable, StoreUnavailable
from orchestrator.store.endpoints import PERMIT_MS, Change, EndpointStore, Scope, Turn
from workers.telemetry import whereabouts

KEEP_S = PERMIT_MS / 3_000
AWAY_S = 1.0
"""After a command that Redis did not answer, no other is tried for so long."""
THREADS = 8

T = TypeVar("T")
Settle = Callable[[EndpointStore], "list[tuple[Change, str]]"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Held:
    """A running call; ``keeps`` where its permits have to be renewed."""

    scopes: Sequence[Scope]
    keeps: bool


class Permits:
    """One process's permits. ``listener`` needs a client that may block for longer than a second."""

    def __init__(self, store: EndpointStore, listener: EndpointStore) -> None:
        self._store = store
        self._listener = listener
        host = re.sub(r"[^\w.-]", "-", socket.gethostname())
        self._process = f"{host}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}
        self._waiting: dict[str, Callable[[], object]] = {}
        self._cooling: dict[str, float] = {}
        self._away_until = 0.0
        self._thread: threading.Thread | None = None
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="triptych-permits")

    def token(self) -> str:
        """A new call's name."""
        return f"{self._process}/{next(self._numbers)}"

    def ask(
        self,
        token: str,
        scopes: Sequence[Scope],
        wake: Callable[[], object],
        *,
        order: int,
        tokens: int,
        at_once: bool = False,
    ) -> Future[Turn]:
        """Ask for permits. ``wake`` is called, on some thread, when a call that waits is to ask again.

        One that has to be let through ``at_once`` or not at all waits in no line.
        """
        return self._pool.submit(
            self._asked, token, scopes, wake, order=order, tokens=tokens, at_once=at_once
        )

    def settle(self, token: str, settle: Settle, *, after: Future[Turn]) -> Future[list[tuple[Change, str]]]:
        """Give back what the call has, once its last ``ask`` is through: a permit that comes late is given back too.

        ``settle`` calls the store; what it changed comes back.
        """
        settled: Future[list[tuple[Change, str]]] = Future()
        settled.set_running_or_notify_cancel()  # whoever waits for it may be cancelled, this may not

        def run() -> None:
            try:
                settled.set_result(self._settled(token, settle))
            except BaseException as error:  # noqa: BLE001 - it is the waiting call's
                settled.set_exception(error)

        after.add_done_callback(lambda _: self._pool.submit(run))
        return settled

    def shared(self, call: Callable[[], T]) -> Future[T | None]:
        """Run another store's command on the same threads; ``None`` while Redis is away."""
        return self._pool.submit(self._shared, call)

    def rest(self, scope: Scope, seconds: float) -> None:
        """Remember a pause, for when Redis is away."""
        with self._lock:
            self._cooling[scope.id] = max(self._cooling.get(scope.id, 0.0), time.monotonic() + seconds)

    def close(self) -> None:
        """Finish what was handed in; a later call raises ``RuntimeError``."""
        self._pool.shutdown(wait=True)

    def _asked(
        self,
        token: str,
        scopes: Sequence[Scope],
        wake: Callable[[], object],
        *,
        order: int,
        tokens: int,
        at_once: bool,
    ) -> Turn:
        turn = self._shared(
            lambda: self._store.ask(token, scopes, order=order, tokens=tokens, at_once=at_once)
        )
        with self._lock:
            if turn is None:
                turn = self._alone(scopes)
            if turn.obstacle is None:
                self._waiting.pop(token, None)
                self._held[token] = Held(scopes, turn.holds)
            elif not at_once:
                self._waiting[token] = wake
            if ((turn.obstacle and not at_once) or turn.holds) and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="triptych-wake", daemon=True)
                self._thread.start()
        if turn.obstacle == "cooling":
            self.rest(next(scope for scope in scopes if scope.name == turn.name), turn.at_least_s)
        return turn

    def _settled(self, token: str, settle: Settle) -> list[tuple[Change, str]]:
        with self._lock:
            self._held.pop(token, None)
            self._waiting.pop(token, None)
        return self._shared(lambda: settle(self._store)) or []

    def _shared(self, call: Callable[[], T]) -> T | None:
        """What Redis says; ``None`` while it is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return call()
        except (StoreUnavailable, RecordUnreadable) as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("limits_not_shared", error=str(error))
            return None

    def _alone(self, scopes: Sequence[Scope]) -> Turn:
        now = time.monotonic()
        for scope in scopes:
            left = self._cooling.get(scope.id, 0.0) - now
            if left > 0:
                return Turn("cooling", at_least_s=left, name=scope.name)
            running = sum(scope in held.scopes for held in self._held.values())
            if 0 < scope.limit.concurrency <= running:
                return Turn("full", name=scope.name)
        return Turn()

    def _run(self) -> None:
        kept = time.monotonic()
        while True:
            with self._lock:
                held = [(token, held.scopes) for token, held in self._held.items() if held.keeps]
                if not held and not self._waiting:
                    self._thread = None
                    return
            try:
                if time.monotonic() - kept >= KEEP_S:
                    kept = time.monotonic()
                    if held:
                        self._listener.keep(held)
                woken = self._listener.woken(self._process, timeout_s=1.0)
            except (StoreUnavailable, RecordUnreadable):
                # Nobody is woken meanwhile; who waits asks again by himself, and finds that we are alone.
                time.sleep(AWAY_S)
                continue
            except Exception as error:  # noqa: BLE001 - without this thread no permit lasts and nobody is woken
                log.error("permits_failed", error=type(error).__name__, at=whereabouts(error))  # noqa: TRY400 - no text
                time.sleep(AWAY_S)
                continue
            with self._lock:
                wakes = [self._waiting[token] for token in woken if token in self._waiting]
            for wake in wakes:
                with suppress(RuntimeError):  # its loop has just been closed
                    wake()
