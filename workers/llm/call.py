"""One call of a chain of models, on the process's event loop: attempts, the gate, fallbacks, and the bill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import cast

import structlog

from orchestrator.contracts import Fallback, Usage
from orchestrator.errors import ModelError, RetryableModelError
from workers.llm.cancellation import Cancellation
from workers.llm.consequences import ANOTHER_MODEL_MAY_HELP
from workers.llm.fallback import Candidate, all_failed, patience_until, used_instead
from workers.llm.gate import Entry, Gate
from workers.llm.meters import Meters
from workers.llm.protocol import Delta, Finish, FinishReason, ModelRequest, Spent, estimated
from workers.llm.retry import RetryPolicy, retried

MAX_ANSWER_CHARS = 1_000_000
"""Longest answer, in characters: about 60 times the default limit on output tokens."""

OnText = Callable[[str], None]

log = structlog.get_logger(__name__)


def prompt_tokens(request: ModelRequest) -> int:
    """What a prompt costs, estimated."""
    return estimated(request.system, *(turn.text for turn in request.turns))


def completed(usage: Usage, request: ModelRequest, heard: Iterable[str]) -> Usage:
    """``usage`` with an estimate of what the endpoint did not tell: of the prompt, and of what it said beyond it."""
    if not usage.calls:
        return usage
    prompt = 0 if usage.input_tokens else prompt_tokens(request)
    unsaid = max(0, estimated(*heard) - usage.output_tokens)
    return usage.model_copy(update={"estimated_tokens": prompt + unsaid})


@dataclass(frozen=True)
class Completion:
    """A whole answer. Times are ms from the start of ``complete``, failed attempts and waits included.

    ``usage`` sums all attempts, as far as the endpoint told; ``first_token_ms`` is ``None`` for an empty
    answer. ``fallbacks`` names the models that failed before this one answered.
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


@dataclass(frozen=True)
class Setup:
    """What all calls of a model have in common."""

    candidates: tuple[Candidate, ...]
    gate: Gate | None
    order: int
    policy: RetryPolicy

    @property
    def meters(self) -> Meters:
        """Where calls are counted."""
        return self.gate.meters if self.gate else Meters()


class Call:
    """One ``Model.complete``: its attempts, and what they have brought and cost so far."""

    def __init__(self, setup: Setup, request: ModelRequest, deadline: float, on_text: OnText | None) -> None:
        self._setup = setup
        self._candidate = setup.candidates[0]
        self._request = request
        self._deadline = deadline
        self._until = deadline
        self._on_text = on_text
        self._started = time.monotonic()
        self._first_text: float | None = None
        self._settled = Usage()
        self._running = Usage()
        self._attempts = 0

    @property
    def asked(self) -> tuple[str, str]:
        """Provider and model that were asked last; where all failed, those that the failure is about."""
        return self._candidate.provider.name, self._candidate.provider.model

    @property
    def spent(self) -> Usage:
        """All attempts so far, as far as the endpoint told."""
        return self._settled + self._running

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
                # What others act on already cannot be begun anew; whoever asked goes on from there.
                stands = self._first_text is not None and self._request.brief.streams
                if self._is_last or stands or error.kind not in ANOTHER_MODEL_MAY_HELP:
                    break
                self._setup.meters.fell_back(self.asked[0], error.kind)
                log.warning("model_fell_back", model=candidate.name, kind=error.kind)
                if self._first_text is not None and self._on_text is not None:
                    self._on_text("\n")
                self._first_text = None
            else:
                return replace(answer, fallbacks=used_instead(failed, candidate))
        self._candidate = failed[0][0]
        raise all_failed(failed)

    async def _attempt(self) -> Completion:
        self._settled, self._running = self.spent, Usage()
        gate = self._setup.gate
        entered = (
            nullcontext(Entry())
            if gate is None
            else gate.entered(
                self._candidate.provider,
                order=self._setup.order,
                tokens=prompt_tokens(self._request) + self._request.max_output_tokens,
                until=self._until,
                deadline=self._deadline,
            )
        )
        async with entered as entry:
            self._attempts += 1
            began = time.monotonic()
            try:
                # Once it speaks it has all the time there is.
                async with asyncio.timeout_at(None if self._is_last else self._patience()) as hurry:
                    return await self._streamed(entry, hurry)
            except TimeoutError:
                silent_s = time.monotonic() - began
                raise RetryableModelError(
                    "overloaded", f"{self._candidate.name} did not begin to answer in {silent_s:.0f} s"
                ) from None

    @property
    def _is_last(self) -> bool:
        return self._candidate is self._setup.candidates[-1]

    def _patience(self) -> float:
        return patience_until(time.monotonic(), self._deadline, is_last=self._is_last)

    async def _streamed(self, entry: Entry, hurry: asyncio.Timeout) -> Completion:
        pieces: list[str] = []
        try:
            finish = await self._read(entry, hurry, pieces)
        except BaseException as error:
            self._running = entry.usage = completed(self._running, self._request, pieces)
            # A provider must not, but a second answer after half of a first one would be a wrong answer.
            if pieces and isinstance(error, RetryableModelError):
                raise ModelError(error.kind, error.message) from error
            raise
        if not finish.usage.tokens:
            self._running = entry.usage = completed(finish.usage, self._request, pieces)
        return Completion(
            text="".join(pieces),
            usage=self.spent,
            provider=self.asked[0],
            model=finish.model,
            finish_reason=finish.reason,
            first_token_ms=None if self._first_text is None else self._ms_since_start(self._first_text),
            model_ms=self._ms_since_start(time.monotonic()),
            attempts=self._attempts,
        )

    async def _read(self, entry: Entry, hurry: asyncio.Timeout, pieces: list[str]) -> Finish:
        """The answer's end; its text goes into ``pieces`` as it comes."""
        provider, chars, finish = self._candidate.provider, 0, None
        stream = cast("AsyncGenerator[Delta | Spent | Finish]", provider.stream(self._request))
        async with aclosing(stream):
            async for item in stream:
                if isinstance(item, Delta):
                    if not entry.spoke:
                        entry.spoke = True
                        hurry.reschedule(None)
                        self._first_text = self._first_text or time.monotonic()
                    chars += len(item.text)
                    if chars > MAX_ANSWER_CHARS:
                        raise ModelError("provider", f"the answer is over {MAX_ANSWER_CHARS:,} characters")
                    pieces.append(item.text)
                    if self._on_text is not None:
                        self._on_text(item.text)
                else:
                    finish = item if isinstance(item, Finish) else None
                    self._running = entry.usage = item.usage
        if finish is None:
            raise ModelError("truncated", f"{provider.name} ended its answer in the middle")
        return finish

    def _ms_since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)
