"""A call and its backup: whoever speaks first answers, and the other one's connection is closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from orchestrator.contracts import Hedge
from orchestrator.errors import ModelError, RetryableModelError
from orchestrator.report.pace import Pace
from orchestrator.store.endpoints import Scope
from workers.llm.exchange import Bounds, Exchange
from workers.llm.hedging import Outcome, backup_after_s, next_move
from workers.llm.paces import Paces


class Race:
    """One attempt of two calls. Runs on the loop; ``speaks`` is both exchanges' callback."""

    def __init__(
        self, first: Exchange, backup: Exchange, *, paces: Paces, scope: Scope, pace: Pace, bounds: Bounds
    ) -> None:
        self._first = first
        self._backup = backup
        self._paces = paces
        self._scope = scope
        self._pace = pace
        self._bounds = bounds
        self._waited_s = 0.0
        self._refused = False
        self._tasks: dict[Exchange, asyncio.Task[None]] = {}

    async def run(self) -> Exchange:
        """The exchange that answered. Raises what the attempt failed with, both connections closed."""
        self._start(self._first, self._first.run(self._bounds))
        self._start(self._backup, self._backed_up())
        try:
            while (move := next_move(self._first.phase, self._backup.phase)) == "wait":
                running = [task for task in self._tasks.values() if not task.done()]
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.wait(self._tasks.values())
        if move == "first":
            return self._first
        if move == "backup":
            return self._backup
        failed = self._first if move == "fail as first" else self._backup
        assert failed.error is not None, "a phase of failure comes with its error"  # noqa: S101 - for mypy
        raise failed.error

    def speaks(self, winner: Exchange) -> None:
        """``winner`` says its first word: cut the other one."""
        loser = self._first if winner is self._backup else self._backup
        loser.lose()
        self._tasks[loser].cancel()

    @property
    def outcome(self) -> Outcome | None:
        """What became of the backup; ``None`` where none was called for."""
        if self._refused:
            return "refused"
        if not self._backup.sent.is_set():
            return None
        if self._backup.phase == "answered":
            return "won"
        return "lost" if self._first.phase == "answered" else "neither"

    @property
    def hedge(self) -> Hedge | None:
        """What to record; ``None`` where no backup was made."""
        if not self._backup.sent.is_set():
            return None
        return Hedge(
            model=self._backup.candidate.name[:300],
            after_ms=round(self._waited_s * 1_000),
            won=self._backup.phase == "answered",
        )

    def _start(self, exchange: Exchange, running: Coroutine[Any, Any, object]) -> None:
        async def settled() -> None:
            try:
                await running
            except (ModelError, RetryableModelError) as error:
                exchange.error = error
                exchange.phase = "failed" if isinstance(error, RetryableModelError) else "final"
            except Exception as error:  # noqa: BLE001 - raised by whoever waits for the attempt
                exchange.error, exchange.phase = error, "final"

        self._tasks[exchange] = asyncio.create_task(settled())

    async def _backed_up(self) -> None:
        """Make the backup once the first has been silent for too long, if it may be made at all."""
        backup, first, now = self._backup, self._first, time.monotonic
        await first.sent.wait()
        latest = first.first_word_by or self._bounds.deadline
        after_s = backup_after_s(self._pace, latest - first.sent_at)
        if after_s is None:
            backup.phase = "unmade"
            return
        await asyncio.sleep(first.sent_at + after_s - now())
        if not await self._paces.take(self._scope):
            self._refused, backup.phase = True, "unmade"
            return
        self._waited_s = now() - first.sent_at
        try:
            await backup.run(replace(self._bounds, first_word=first.first_word_by))
        except ModelError:
            self._refused = not backup.sent.is_set()
            raise
        finally:
            if not backup.sent.is_set():
                self._paces.give_back(self._scope)
