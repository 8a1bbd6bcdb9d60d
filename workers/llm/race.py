"""A call and its backup: whoever is done first answers, and the other one's connection is closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.contracts import Hedge
from orchestrator.errors import ModelError, RetryableModelError
from orchestrator.report.pace import Pace
from orchestrator.store.endpoints import Scope
from workers.llm.consequences import RETRIED
from workers.llm.exchange import Bounds, Exchange
from workers.llm.hedging import Outcome, Progress, backup_after_s, falls_behind, look_every_s, next_move
from workers.llm.paces import Paces

MayGoOn = Callable[[], bool]


@dataclass(frozen=True)
class Known:
    """What a race is decided by: what was learned of the first call's deployment, and whom to ask for the budget."""

    paces: Paces
    scope: Scope
    pace: Pace


class Race:
    """One attempt of two calls. Runs on the loop; ``speaks`` is both exchanges' callback.

    ``told``: others act on each word, so the first word decides. Then ``may_go_on`` says whether another call could go
    on from what was said, where the one that speaks falls behind.
    """

    def __init__(
        self,
        first: Exchange,
        backup: Exchange,
        *,
        known: Known,
        bounds: Bounds,
        told: bool = False,
        may_go_on: MayGoOn | None = None,
    ) -> None:
        self._first = first
        self._backup = backup
        self._known = known
        self._bounds = bounds
        self._told = told
        self._may_go_on = may_go_on
        self._waited_s = 0.0
        self._refused = False
        self._winner: Exchange | None = None
        self._given_up: Exchange | None = None
        self._tasks: dict[Exchange, asyncio.Task[None]] = {}

    async def run(self) -> Exchange:
        """The exchange that answered. Raises what the attempt failed with, both connections closed."""
        self._start(self._first, self._first.run(self._bounds))
        self._start(self._backup, self._backed_up())
        watch = asyncio.create_task(self._cut_short())
        try:
            while (move := next_move(self._first.phase, self._backup.phase)) == "wait":
                running = [task for task in (*self._tasks.values(), watch) if not task.done()]
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            self._winner = {"first": self._first, "backup": self._backup}.get(move)
        finally:
            for exchange, task in self._tasks.items():
                if self._winner is not None:
                    exchange.lose()
                task.cancel()
            watch.cancel()
            await asyncio.wait([*self._tasks.values(), watch])
        if self._winner is not None:
            return self._winner
        failed = self._first if move == "fail as first" else self._backup
        assert failed.error is not None, "a phase of failure comes with its error"  # noqa: S101 - for mypy
        raise failed.error

    def speaks(self, exchange: Exchange) -> None:
        """``exchange`` says its first word: where it is heard by others, cut the other one."""
        if self._told:
            loser = self._first if exchange is self._backup else self._backup
            loser.lose()
            self._tasks[loser].cancel()

    @property
    def outcome(self) -> Outcome | None:
        """What became of the backup; ``None`` where none was called for."""
        if self._refused:
            return "refused"
        if self._given_up is not None or (self._winner is self._backup):
            return "won"
        if not self._backup.sent.is_set():
            return None
        return "lost" if self._winner is self._first else "neither"

    @property
    def hedge(self) -> Hedge | None:
        """What to record; ``None`` where no backup was made."""
        if self._given_up is None and not self._backup.sent.is_set():
            return None
        return Hedge(
            model=(self._given_up or self._backup).candidate.name[:300],
            after_ms=round(self._waited_s * 1_000),
            won=self.outcome == "won",
        )

    def _start(self, exchange: Exchange, running: Coroutine[Any, Any, object]) -> None:
        async def settled() -> None:
            try:
                await running
            except (ModelError, RetryableModelError) as error:
                # What broke off in the middle is not asked again, but the backup may still answer.
                passes = isinstance(error, RetryableModelError) or (
                    exchange.spoken.is_set() and error.kind in RETRIED
                )
                exchange.error, exchange.phase = error, "failed" if passes else "final"
            except Exception as error:  # noqa: BLE001 - raised by whoever waits for the attempt
                exchange.error, exchange.phase = error, "final"

        self._tasks[exchange] = asyncio.create_task(settled())

    async def _backed_up(self) -> None:
        """Make the backup once the first is late, if it may be made at all."""
        backup, first = self._backup, self._first
        await first.sent.wait()
        latest = first.first_word_by or self._bounds.deadline
        # Once the first speaks where it is told, this task is cut: only untold calls can be found slow here.
        late = await self._is_silent(latest) or await self._is_slow(first)
        if not late or not await self._granted():
            backup.phase = "unmade"
            return
        # A first call that speaks has no bound on its first word any more; a backup has one of its own.
        by = None if first.spoken.is_set() else first.first_word_by
        try:
            await backup.run(replace(self._bounds, first_word=by))
        except ModelError:
            self._refused = not backup.sent.is_set()
            raise
        finally:
            if not backup.sent.is_set():
                self._known.paces.give_back(self._known.scope)

    async def _granted(self) -> bool:
        """Whether the budget has one more backup."""
        self._waited_s = time.monotonic() - self._first.sent_at
        granted = await self._known.paces.take(self._known.scope)
        self._refused = not granted
        return granted

    async def _is_silent(self, latest: float) -> bool:
        """Return once the first call is late with its first word, or has said it: then ``False``."""
        after_s = backup_after_s(self._known.pace, latest - self._first.sent_at)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if after_s is None else self._first.sent_at + after_s):
                await self._first.spoken.wait()
                return False
        return True

    async def _is_slow(self, exchange: Exchange) -> bool:
        """Return once a call that speaks falls behind; ``False`` where nobody could tell."""
        await exchange.spoken.wait()
        look_s = look_every_s(self._known.pace)
        while look_s is not None:
            await asyncio.sleep(look_s)
            if self._falls_behind(exchange):
                return True
        return False

    def _falls_behind(self, exchange: Exchange) -> bool:
        sent, goes_on = exchange.sent_at, self._told
        if exchange.first_at is None or (goes_on and not (self._may_go_on and self._may_go_on())):
            return False
        progress = Progress(time.monotonic() - sent, exchange.first_at - sent, exchange.chars)
        return falls_behind(self._known.pace, progress, self._bounds.deadline - sent, goes_on=goes_on)

    async def _cut_short(self) -> None:
        """Cut a call that others hear once it falls behind: the attempt fails, and another call goes on from there."""
        if not self._told or self._may_go_on is None:
            return
        spoken = [asyncio.create_task(each.spoken.wait()) for each in (self._first, self._backup)]
        try:
            await asyncio.wait(spoken, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in spoken:
                each.cancel()
        speaker = self._first if self._first.spoken.is_set() else self._backup
        if not await self._is_slow(speaker) or not await self._granted():
            return
        if not self._falls_behind(speaker):  # any more: it has gone on meanwhile
            self._known.paces.give_back(self._known.scope)
            return
        self._given_up = speaker
        speaker.lose()
        self._tasks[speaker].cancel()
        await asyncio.wait([self._tasks[speaker]])
        if speaker.phase == "cut":
            speaker.error = ModelError("overloaded", f"{speaker.candidate.name} answered too slowly")
            speaker.phase = "final"
        else:  # it has ended in the same moment
            self._given_up = None
