"""One call of a chain of models, on the process's event loop: attempts, the gate, fallbacks, and the bill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import structlog

from orchestrator.contracts import Fallback, Hedge, Usage
from orchestrator.errors import ModelError
from workers.llm.cancellation import Cancellation
from workers.llm.consequences import ANOTHER_MODEL_MAY_HELP
from workers.llm.exchange import Bounds, Exchange, Setup
from workers.llm.fallback import Candidate, all_failed, patience_until, stand_in, used_instead
from workers.llm.protocol import FinishReason, ModelRequest
from workers.llm.race import Known, MayGoOn, Race
from workers.llm.retry import retried

OnText = Callable[[str], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Completion:
    """A whole answer. Times are ms from the start of ``complete``, failed attempts and waits included.

    ``usage`` sums all attempts, as far as the endpoint told; ``first_token_ms`` is ``None`` for an empty
    answer. ``fallbacks`` names the models that failed before this one answered, ``hedges`` the backup that was made.
    """

    text: str
    usage: Usage
    provider: str
    model: str
    finish_reason: FinishReason
    first_token_ms: int | None
    model_ms: int
    attempts: int
    fallbacks: tuple[Fallback, ...] = ()
    hedges: tuple[Hedge, ...] = ()


class Call:
    """One ``Model.complete``: its attempts, and what they have brought and cost so far."""

    def __init__(
        self,
        setup: Setup,
        request: ModelRequest,
        deadline: float,
        on_text: OnText | None,
        may_go_on: MayGoOn | None = None,
    ) -> None:
        self._setup = setup
        self._candidate = setup.candidates[0]
        self._request = request
        self._deadline = deadline
        self._until = deadline
        self._on_text = on_text
        self._may_go_on = may_go_on
        self._started = time.monotonic()
        self._first_text: float | None = None
        self._heard: Exchange | None = None
        self._exchanges: list[Exchange] = []
        self._race: Race | None = None
        self._answered_by = self._candidate
        self._attempts = 0
        self.hedges: tuple[Hedge, ...] = ()
        """The backup that was made, if one was."""

    @property
    def asked(self) -> tuple[str, str]:
        """Provider and model that were asked last; where all failed, those that the failure is about."""
        return self._candidate.provider.name, self._candidate.provider.model

    @property
    def spent(self) -> Usage:
        """All attempts so far, as far as the endpoint told."""
        return sum((exchange.usage for exchange in self._exchanges), Usage())

    async def run(self, switch: Cancellation) -> Completion:
        """Answer, or raise what ``Model.complete`` does; a ``CancelledError`` is for the caller to tell apart."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        running = asyncio.get_running_loop()
        with switch.stopping(lambda: running.call_soon_threadsafe(task.cancel)):
            try:
                # The loop's clock is time.monotonic.
                async with asyncio.timeout_at(self._deadline):
                    return await self._answered()
            except TimeoutError:
                said = (
                    "before the model began to answer"
                    if self._first_text is None
                    else "while the model answered"
                )
                raise ModelError(
                    "deadline", f"the time was up {said}; allow more, or use a faster model"
                ) from None

    async def _answered(self) -> Completion:
        """The first answer of the chain."""
        failed: list[tuple[Candidate, ModelError]] = []
        for candidate in self._setup.candidates:
            self._candidate = candidate
            self._until = self._patience()
            try:
                answer = await retried(
                    self._attempt,
                    remaining_s=lambda: self._until - time.monotonic(),
                    policy=self._setup.policy,
                    on_retry=lambda kind: self._setup.meters.retried(self.asked[0], kind),
                )
            except ModelError as error:
                failed.append((candidate, error))
                # Others act on streamed text already, so no other model may begin anew; the caller resumes from it.
                acted_on = self._first_text is not None and self._request.streams
                if self._is_last or acted_on or error.kind not in ANOTHER_MODEL_MAY_HELP:
                    break
                self._setup.meters.fell_back(self.asked[0], error.kind)
                log.warning("model_fell_back", model=candidate.name, kind=error.kind)
                if self._first_text is not None:
                    self._begin_anew()
                self._first_text = None
            else:
                return replace(answer, fallbacks=used_instead(failed, self._answered_by))
        self._candidate = failed[0][0]
        raise all_failed(failed)

    async def _attempt(self) -> Completion:
        self._attempts += 1
        first = self._exchange(self._candidate, is_backup=False)
        bounds = Bounds(self._until, self._deadline, is_last=self._is_last)
        race = self._race = self._raced(first, bounds)
        if race is None:
            await first.run(bounds)
            return self._completion(first)
        try:
            winner = await race.run()
        finally:
            if race.outcome is not None:
                self._setup.meters.hedged(self.asked[0], race.outcome)
            if race.hedge is not None:
                self.hedges = (race.hedge,)
        if winner is not self._heard and self._heard is not None:
            self._begin_anew(winner.text)
        return self._completion(winner)

    def _exchange(self, candidate: Candidate, *, is_backup: bool) -> Exchange:
        exchange = Exchange(
            self._setup,
            candidate,
            self._request,
            speaks=self._speaks,
            heard=self._hears,
            is_backup=is_backup,
        )
        self._exchanges.append(exchange)
        return exchange

    def _raced(self, first: Exchange, bounds: Bounds) -> Race | None:
        """The attempt with a backup, where there may be one: no call has two."""
        setup, paces = self._setup, self._setup.paces
        if paces is None or paces.policy is None or setup.gate is None or self.hedges:
            return None
        provider = first.candidate.provider
        if not provider.address:
            return None
        scope = setup.gate.scopes(provider)[-1]
        pace = paces.expected(scope, setup.step)
        if pace is None or not pace.is_known:
            return None
        another = stand_in(setup.candidates, self._candidate) if paces.policy.elsewhere else self._candidate
        return Race(
            first,
            self._exchange(another, is_backup=True),
            known=Known(paces, scope, pace),
            bounds=bounds,
            told=self._request.streams,
            may_go_on=self._may_go_on,
        )

    def _speaks(self, exchange: Exchange) -> None:
        """An exchange says its first word."""
        self._first_text = self._first_text or exchange.first_at
        if self._race is not None:
            self._race.speaks(exchange)

    def _hears(self, exchange: Exchange, piece: str) -> None:
        """Of two that speak the first is heard, until the other one has answered."""
        self._heard = self._heard or exchange
        if exchange is self._heard and self._on_text is not None:
            self._on_text(piece)

    def _begin_anew(self, text: str = "") -> None:
        """Another exchange's text follows what was heard."""
        self._heard = None
        if self._on_text is not None:
            self._on_text("\n" + text)

    def _completion(self, exchange: Exchange) -> Completion:
        assert exchange.finish is not None, "it has answered"  # noqa: S101 - for mypy
        self._answered_by = exchange.candidate
        return Completion(
            text=exchange.text,
            usage=self.spent,
            provider=exchange.candidate.provider.name,
            model=exchange.finish.model,
            finish_reason=exchange.finish.reason,
            first_token_ms=None if self._first_text is None else self._ms_since_start(self._first_text),
            model_ms=self._ms_since_start(time.monotonic()),
            attempts=self._attempts,
            hedges=self.hedges,
        )

    @property
    def _is_last(self) -> bool:
        return self._candidate is self._setup.candidates[-1]

    def _patience(self) -> float:
        return patience_until(time.monotonic(), self._deadline, is_last=self._is_last)

    def _ms_since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)
