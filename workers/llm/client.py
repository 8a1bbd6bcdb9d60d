"""The model as personas see it: one blocking call on a task's thread, the I/O on the process's event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from orchestrator.contracts import Usage
from orchestrator.errors import JobCancelled, JobError, LeaseLost, ModelError, RetryableModelError
from workers.llm import loop
from workers.llm.cancellation import Cancellation
from workers.llm.gate import Entry, Gate
from workers.llm.meters import Meters
from workers.llm.protocol import Delta, Finish, FinishReason, ModelRequest, Provider, Spent
from workers.llm.retry import RetryPolicy, retried

MAX_ANSWER_CHARS = 1_000_000
"""Longest answer, in characters: about 60 times the default limit on output tokens."""

_LOOP_GRACE_S = 5.0

OnText = Callable[[str], None]


def most_tokens(request: ModelRequest) -> int:
    """What a call may cost: its prompt at four bytes a token, and the longest answer."""
    prompt = (request.system, *(turn.text for turn in request.turns))
    return sum(len(text.encode("utf-8", "replace")) for text in prompt) // 4 + request.max_output_tokens


@dataclass(frozen=True)
class Completion:
    """A whole answer. Times are ms from the start of ``complete``, failed attempts and waits included.

    ``usage`` sums all attempts, as far as the endpoint told; ``first_token_ms`` is ``None`` for an empty
    answer.
    """

    text: str
    usage: Usage
    provider: str
    model: str
    finish_reason: FinishReason
    first_token_ms: int | None
    model_ms: int
    attempts: int


class Model:
    """One provider behind a blocking call. Threads may share it; never call it on the loop's thread.

    Calls pass ``gate``, those of a lower ``order`` before others.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        gate: Gate | None = None,
        order: int = 0,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.provider = provider
        self.policy = policy or RetryPolicy()
        self.meters = gate.meters if gate else Meters()
        self._gate = gate
        self._order = order

    @asynccontextmanager
    async def entered(self, request: ModelRequest, deadline: float) -> AsyncIterator[Entry]:
        """Pass the gate for one attempt; see ``Gate.entered``."""
        if self._gate is None:
            yield Entry()
            return
        async with self._gate.entered(
            self.provider, order=self._order, tokens=most_tokens(request), until=deadline, deadline=deadline
        ) as entry:
            yield entry

    def complete(
        self,
        request: ModelRequest,
        *,
        deadline: float,
        on_text: OnText | None = None,
        cancel: Cancellation | None = None,
    ) -> Completion:
        """Answer ``request`` before ``deadline`` (``time.monotonic()`` seconds); blocks until then at most.

        ``on_text`` gets each piece of text as it comes, on the event loop's thread: it must be quick and must
        not raise. After ``complete`` has returned or raised, it is not called again and the connection is
        released.

        Raises ``ModelError``, of kind ``deadline`` when time was up; ``JobCancelled`` once ``cancel`` is
        thrown; ``LeaseLost`` when the worker is stopping. Their ``usage`` is what the call is known to have
        cost, their ``asked`` whom it went to.
        """
        switch = cancel or Cancellation()
        if switch.cancelled:
            raise JobCancelled("the job was cancelled")
        if deadline <= time.monotonic():
            raise ModelError("deadline", "the time was up before the model was asked")
        call = _Call(self, request, deadline, on_text)
        future = loop.submit(call.run(switch))
        try:
            return self._waited_for(future, deadline, switch)
        except JobError as error:
            error.usage = call.spent
            error.asked = (self.provider.name, self.provider.model)
            raise
        finally:
            future.cancel()  # in case a signal interrupted the wait

    @staticmethod
    def _waited_for(
        future: concurrent.futures.Future[Completion], deadline: float, switch: Cancellation
    ) -> Completion:
        try:
            return future.result(timeout=max(0.0, deadline - time.monotonic()) + _LOOP_GRACE_S)
        except concurrent.futures.CancelledError:
            if switch.cancelled:
                raise JobCancelled("the job was cancelled") from None
            raise LeaseLost("the worker is stopping; another one takes the step") from None
        except TimeoutError:  # the loop itself is stuck: its own timeout would have come first
            raise ModelError("deadline", "the model's event loop did not answer in time") from None


class _Call:
    """One ``complete``: its attempts, and what they have brought and cost so far."""

    def __init__(self, model: Model, request: ModelRequest, deadline: float, on_text: OnText | None) -> None:
        self._model = model
        self._provider = model.provider
        self._request = request
        self._deadline = deadline
        self._on_text = on_text
        self._started = time.monotonic()
        self._first_text: float | None = None
        self._settled = Usage()
        self._running = Usage()
        self._attempts = 0

    async def run(self, switch: Cancellation) -> Completion:
        task = cast("asyncio.Task[object]", asyncio.current_task())
        running = asyncio.get_running_loop()
        with switch.stopping(lambda: running.call_soon_threadsafe(task.cancel)):
            try:
                # The loop's clock is time.monotonic.
                async with asyncio.timeout_at(self._deadline):
                    return await retried(
                        self._attempt,
                        remaining_s=self._remaining_s,
                        policy=self._model.policy,
                        on_retry=lambda kind: self._model.meters.retried(self._provider.name, kind),
                    )
            except TimeoutError:
                said = (
                    "before the model began to answer"
                    if self._first_text is None
                    else "while the model answered"
                )
                raise ModelError(
                    "deadline", f"the time was up {said}; allow more, or use a faster model"
                ) from None

    @property
    def spent(self) -> Usage:
        """All attempts so far, as far as the endpoint told."""
        return self._settled + self._running

    def _remaining_s(self) -> float:
        return self._deadline - time.monotonic()

    async def _attempt(self) -> Completion:
        self._settled, self._running = self.spent, Usage()
        async with self._model.entered(self._request, self._deadline) as entry:
            self._attempts += 1
            return await self._streamed(entry)

    async def _streamed(self, entry: Entry) -> Completion:
        pieces: list[str] = []
        chars = 0
        finish: Finish | None = None
        try:
            stream = cast("AsyncGenerator[Delta | Spent | Finish]", self._provider.stream(self._request))
            async with aclosing(stream):
                async for item in stream:
                    if isinstance(item, Delta):
                        if not entry.spoke:
                            entry.spoke = True
                            self._first_text = self._first_text or time.monotonic()
                        chars += len(item.text)
                        if chars > MAX_ANSWER_CHARS:
                            raise ModelError(
                                "provider", f"the answer is over {MAX_ANSWER_CHARS:,} characters"
                            )
                        pieces.append(item.text)
                        if self._on_text is not None:
                            self._on_text(item.text)
                    else:
                        finish = item if isinstance(item, Finish) else None
                        self._running = entry.usage = item.usage
        except RetryableModelError as error:
            # A provider must not, but a second answer after half of a first one would be a wrong answer.
            if pieces:
                raise ModelError(error.kind, error.message) from error
            raise
        if finish is None:
            raise ModelError("truncated", f"{self._provider.name} ended its answer in the middle")
        return Completion(
            text="".join(pieces),
            usage=self.spent,
            provider=self._provider.name,
            model=finish.model,
            finish_reason=finish.reason,
            first_token_ms=None if self._first_text is None else self._ms_since_start(self._first_text),
            model_ms=self._ms_since_start(time.monotonic()),
            attempts=self._attempts,
        )

    def _ms_since_start(self, moment: float) -> int:
        return round((moment - self._started) * 1000)
