"""This process's side of what the fleet learns of its models: what to expect of a call, and whether it may be hedged.

What was learned is kept here for a while and read again on the threads of the permits, so that no call waits for it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from orchestrator.report.pace import Pace
from orchestrator.store.endpoints import Scope
from orchestrator.store.paces import PaceStore, Seen
from workers.llm.hedging import HedgePolicy
from workers.llm.permits import Permits

REFRESH_S = 15.0

_Key = tuple[str, str]


class Paces:
    """One process's. Threads may share it; without a ``policy`` it learns and hedges nothing."""

    def __init__(self, store: PaceStore, permits: Permits, policy: HedgePolicy | None) -> None:
        self.policy = policy
        self._store = store
        self._permits = permits
        self._lock = threading.Lock()
        self._known: dict[_Key, Pace] = {}
        self._read_at: dict[_Key, float] = {}

    def expected(self, scope: Scope, step: str) -> Pace | None:
        """What is known here of a deployment's pace; asks for news where that is old. Never blocks."""
        key, now = (scope.id, step), time.monotonic()
        with self._lock:
            known = self._known.get(key)
            if now - self._read_at.get(key, -REFRESH_S) < REFRESH_S:
                return known
            self._read_at[key] = now

        def read() -> None:
            pace = self._store.pace(scope, step)
            with self._lock:
                self._known[key] = pace

        self._in_background(read)
        return known

    def learn(self, scope: Scope, step: str, seen: Seen) -> None:
        """Tell the fleet of a call. Never blocks; while Redis is away it is forgotten."""
        self._in_background(lambda: self._store.learn(scope, step, seen))

    async def take(self, scope: Scope) -> bool:
        """Whether the fleet's budget has one more backup of this deployment's calls; none while Redis is away."""
        if self.policy is None:
            return False
        share = self.policy.share
        return bool(await asyncio.wrap_future(self._permits.shared(lambda: self._store.take(scope, share))))

    def give_back(self, scope: Scope) -> None:
        """A backup that was taken is not made."""
        self._in_background(lambda: self._store.give_back(scope))

    def _in_background(self, call: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the process ends
            self._permits.shared(call)
