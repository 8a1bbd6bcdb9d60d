"""One request to one model: through the gate, and its answer as it comes, with what it is known to have cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass
from typing import cast

from orchestrator.contracts import Usage
from orchestrator.errors import ModelError, RetryableModelError
from orchestrator.store.paces import Seen
from workers.llm.fallback import Candidate, patience_until
from workers.llm.gate import Entry, Gate
from workers.llm.hedging import Phase
from workers.llm.meters import Meters
from workers.llm.paces import Paces
from workers.llm.protocol import Delta, Finish, ModelRequest, Spent, estimated
from workers.llm.retry import RetryPolicy

MAX_ANSWER_CHARS = 1_000_000
"""Longest answer, in characters: about 60 times the default limit on output tokens."""


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
class Setup:
    """What all calls of a model have in common; ``step`` is the kind of step that they are made for."""

    candidates: tuple[Candidate, ...]
    gate: Gate | None
    order: int
    policy: RetryPolicy
    paces: Paces | None = None
    step: str = ""

    @property
    def meters(self) -> Meters:
        """Where calls are counted."""
        return self.gate.meters if self.gate else Meters()


@dataclass(frozen=True)
class Bounds:
    """Until when (``time.monotonic()``) a call may wait at the gate, and in all.

    ``first_word``: and for its first word; ``None`` leaves that to be reckoned from when it is let through, and where
    no other model stands ready (``is_last``) there is no such bound.
    """

    gate: float
    deadline: float
    is_last: bool = True
    first_word: float | None = None


class Exchange:
    """One request and its answer. ``heard`` gets each piece of its text, ``speaks`` is called before the first."""

    def __init__(
        self,
        setup: Setup,
        candidate: Candidate,
        request: ModelRequest,
        *,
        speaks: Callable[[Exchange], None],
        heard: Callable[[Exchange, str], None],
        is_backup: bool = False,
    ) -> None:
        self.candidate = candidate
        self.is_backup = is_backup
        self.phase: Phase = "unsent"
        self.usage = Usage()
        self.finish: Finish | None = None
        self.error: Exception | None = None
        self.sent = asyncio.Event()
        self.spoken = asyncio.Event()
        self.sent_at = 0.0
        self.first_word_by: float | None = None
        self.first_at: float | None = None
        """When it said its first word."""
        self.chars = 0
        """How much it has said so far."""
        self._setup = setup
        self._request = request
        self._speaks = speaks
        self._heard = heard
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """What it has said so far."""
        return "".join(self._pieces)

    async def run(self, bounds: Bounds) -> Finish:
        """Ask, and read the whole answer. Raises ``ModelError``, ``RetryableModelError``; only before text the latter.

        A backup is let through at once, or fails with ``ModelError`` while it is still ``unsent``.
        """
        async with self._entered(bounds) as entry:
            self.sent_at, self.phase = time.monotonic(), "asked"
            if not bounds.is_last:
                self.first_word_by = bounds.first_word or patience_until(
                    self.sent_at, bounds.deadline, is_last=False
                )
            self.sent.set()
            try:
                # Once it speaks it has all the time there is.
                async with asyncio.timeout_at(self.first_word_by) as hurry:
                    self.finish = await self._answered(entry, hurry)
            except TimeoutError:
                silent_s = time.monotonic() - self.sent_at
                raise RetryableModelError(
                    "overloaded", f"{self.candidate.name} did not begin to answer in {silent_s:.0f} s"
                ) from None
            finally:
                self._tell(entry)
        self.phase = "answered"
        return self.finish

    def lose(self) -> None:
        """Another call answers in its place: it is about to be cut, and was paid for. One that ended has ended."""
        if self.phase == "asked":
            self.phase = "cut"

    def _entered(self, bounds: Bounds) -> AbstractAsyncContextManager[Entry]:
        gate = self._setup.gate
        if gate is None:
            return nullcontext(Entry())
        return gate.entered(
            self.candidate.provider,
            order=self._setup.order,
            tokens=prompt_tokens(self._request) + self._request.max_output_tokens,
            until=bounds.gate,
            deadline=bounds.deadline,
            at_once=self.is_backup,
        )

    async def _answered(self, entry: Entry, hurry: asyncio.Timeout) -> Finish:
        try:
            finish = await self._read(entry, hurry)
        except BaseException as error:
            if self.phase == "cut" and not self.usage.calls:
                # It had its request, whether or not it had begun to say so.
                self.usage = Usage(calls=1)
            self.usage = entry.usage = completed(self.usage, self._request, self._pieces)
            # A provider must not, but a second answer after half of a first one would be a wrong answer.
            if self._pieces and isinstance(error, RetryableModelError):
                raise ModelError(error.kind, error.message) from error
            raise
        if not finish.usage.tokens:
            self.usage = entry.usage = completed(finish.usage, self._request, self._pieces)
        if self.first_at is None:
            self._speaks(self)  # an answer without a word is one all the same
        return finish

    async def _read(self, entry: Entry, hurry: asyncio.Timeout) -> Finish:
        """The answer's end; its text goes into ``_pieces`` as it comes."""
        provider, finish = self.candidate.provider, None
        stream = cast("AsyncGenerator[Delta | Spent | Finish]", provider.stream(self._request))
        async with aclosing(stream):
            async for item in stream:
                if isinstance(item, Delta):
                    if self.first_at is None:
                        entry.spoke = True
                        hurry.reschedule(None)
                        self.first_at = time.monotonic()
                        self.spoken.set()
                        self._speaks(self)
                    self.chars += len(item.text)
                    if self.chars > MAX_ANSWER_CHARS:
                        raise ModelError("provider", f"the answer is over {MAX_ANSWER_CHARS:,} characters")
                    self._pieces.append(item.text)
                    self._heard(self, item.text)
                else:
                    finish = item if isinstance(item, Finish) else None
                    self.usage = entry.usage = item.usage
        if finish is None:
            raise ModelError("truncated", f"{provider.name} ended its answer in the middle")
        return finish

    def _tell(self, entry: Entry) -> None:
        """What the fleet learns of it."""
        paces, scope = self._setup.paces, entry.deployment
        if paces is None or scope is None:
            return
        took_s, first_s = time.monotonic() - self.sent_at, None
        at_least = self.phase == "cut" and not self.is_backup
        if self.first_at is not None:
            first_s = self.first_at - self.sent_at
        elif at_least:
            first_s = took_s
        seen = Seen(
            first_s=first_s,
            whole_s=took_s if self.finish or at_least else None,
            chars=self.chars if self.finish else None,
            usage=self.usage,
            backup=self.is_backup,
            won=self.is_backup and self.finish is not None,
        )
        if seen.usage.calls or seen.backup:
            paces.learn(scope, self._setup.step, seen)
