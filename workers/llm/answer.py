"""The reading side of a call: a response as events, bounded in bytes and in silence, its breaks told apart."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import aiohttp

from orchestrator.errors import ModelError, RetryableModelError
from workers.llm.failures import Failure, Target
from workers.llm.sse import Event, EventParser

MAX_STREAM_BYTES = 64 * 1_048_576
MAX_DOCUMENT_BYTES = 4 * 1_048_576

# How long after the terminator the body may take to end; its end is what lets the connection be kept.
_LAST_BYTES_S = 0.25


@dataclass(frozen=True)
class Limits:
    """How long a silent endpoint is waited for, in seconds; a call's deadline cuts all of them short.

    ``first_text_s`` is longer than ``idle_s`` because models that reason first may send nothing meanwhile.
    ``tail_s`` is what may follow the finish reason: usage, and the terminator.
    """

    connect_s: float = 10.0
    first_text_s: float = 120.0
    idle_s: float = 30.0
    tail_s: float = 5.0


class _Watchdog:
    """Closes a response that stays silent for too long.

    One timer that moves when it fires: ``asyncio.timeout`` around every read took 5 to 10 us of a chunk's 50.
    """

    def __init__(self, response: aiohttp.ClientResponse, limit_s: float) -> None:
        self.fired = False
        self.limit_s = limit_s
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._until = math.inf
        self.heard()
        self._timer = self._loop.call_at(self._heard + limit_s, self._check)

    def heard(self) -> None:
        self._heard = self._loop.time()

    def allow(self, limit_s: float) -> None:
        """Bear this much silence from now on."""
        self.limit_s = limit_s
        self._check()

    def end_within(self, wait_s: float) -> None:
        """Bear nothing, not even noise, beyond this."""
        self._until = min(self._until, self._loop.time() + wait_s)
        self._check()

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        self._timer.cancel()
        due = min(self._heard + self.limit_s, self._until)
        if self._loop.time() >= due:
            self.fired = True
            self._response.close()  # whoever reads from it gets a ClientError
        else:
            self._timer = self._loop.call_at(due, self._check)


class Answer:
    """A response's events. The adapter says when text has begun (``speaks``) and when the answer is whole."""

    def __init__(self, response: aiohttp.ClientResponse, target: Target, limits: Limits) -> None:
        self._response = response
        self._target = target
        self._limits = limits
        self._is_document = response.content_type == "application/json"
        self._parser = EventParser()
        self._watchdog = _Watchdog(response, limits.first_text_s)
        self._bytes = 0
        self._spoke = False
        self._whole = False

    async def read(self) -> list[Event]:
        """The next events; an empty list is the stream's end, or the end of what is worth waiting for."""
        if self._is_document:
            return await self._read_document()
        while chunk := await self._read_some():
            if events := self._parser.feed(chunk):
                return events
        return []

    def speaks(self) -> None:
        """Text has begun: nothing is retryable from now on."""
        if not self._spoke:
            self._spoke = True
            self._watchdog.allow(self._limits.idle_s)

    def whole(self, *, terminated: bool) -> None:
        """The answer is complete: what breaks from now on is no error, and little is waited for."""
        self._whole = True
        self._watchdog.end_within(_LAST_BYTES_S if terminated else self._limits.tail_s)

    def close(self) -> None:
        """Watch no longer; the response is its opener's to release."""
        self._watchdog.stop()

    def failed(self, failure: Failure) -> Failure:
        """``failure``, final where text was already handed on."""
        if self._spoke and isinstance(failure, RetryableModelError):
            return ModelError(failure.kind, failure.message)
        return failure

    def cut(self) -> Failure:
        """The stream ended before the answer did."""
        return self.failed(
            RetryableModelError("truncated", f"{self._target.host} ended its answer in the middle")
        )

    def malformed(self) -> ModelError:
        """The stream holds something that is not part of an answer."""
        return ModelError(
            "provider",
            f"{self._target.host} sent a chunk that is not an answer's; check {self._target.url_setting}",
        )

    async def _read_some(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if self._whole:
                return b""
            if self._watchdog.fired:
                silent = f"{self._target.host} sent nothing for {self._watchdog.limit_s:g} s"
                raise self.failed(RetryableModelError("truncated", silent)) from None
            raise self.cut() from error
        self._watchdog.heard()
        self._bytes += len(chunk)
        if self._bytes > MAX_STREAM_BYTES:
            raise ModelError(
                "provider", f"{self._target.host} sent over {MAX_STREAM_BYTES:,} bytes for one answer"
            )
        return chunk

    async def _read_document(self) -> list[Event]:
        """Take the JSON document that some gateways send instead of a stream as its only event."""
        pieces = []
        while chunk := await self._read_some():
            pieces.append(chunk)
            if self._bytes > MAX_DOCUMENT_BYTES:
                raise ModelError(
                    "provider", f"{self._target.host} sent over {MAX_DOCUMENT_BYTES:,} bytes of JSON"
                )
        return [Event("", b"".join(pieces))] if pieces else []
