"""The client for asyncio. A wait is a queue on the process's hub, not a thread; commands run in the loop's executor."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Self

from orchestrator.client.blocking import Client, Outage, Overdue, found, patience, unpacked
from orchestrator.client.waiting import Follower, Heard, is_end
from orchestrator.contracts import Result, TaskSpec
from orchestrator.contracts.events import Event
from orchestrator.errors import StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, LiveText
from orchestrator.store.connection import TIMEOUT_S

if TYPE_CHECKING:
    from orchestrator.submission import Submitted


class _Unread(asyncio.Queue[Heard]):
    """What a reader has not taken yet: every event, and of live text the newest of each step, however slow it is."""

    def _put(self, item: Heard) -> None:
        if isinstance(item, tuple) and isinstance(item[1], LiveText):
            waiting: deque[Heard] = self._queue  # type: ignore[attr-defined]  # asyncio's own, for those that derive
            for at, other in enumerate(waiting):
                if isinstance(other, tuple) and _same_text(other[1], item[1]):
                    waiting[at] = item
                    return
        super()._put(item)


def _same_text(one: Event | LiveText, other: LiveText) -> bool:
    return isinstance(one, LiveText) and (one.step, one.attempt) == (other.step, other.attempt)


class AsyncClient:
    """A producer's connection to one deployment; each method is the awaitable twin of ``Client``'s."""

    def __init__(self, settings: Settings, *, redis_timeout_s: float = TIMEOUT_S) -> None:
        self._client = Client(settings, redis_timeout_s=redis_timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def check(self) -> None:
        """See ``Client.check``."""
        await asyncio.to_thread(self._client.check)

    async def submit(self, spec: TaskSpec) -> Submitted:
        """See ``Client.submit``. Cancelling the await does not undo a submission that is under way."""
        return await asyncio.to_thread(self._client.submit, spec)

    async def result(self, ref: JobRef) -> Result | None:
        """See ``Client.result``."""
        return await asyncio.to_thread(self._client.result, ref)

    async def cancel(self, ref: JobRef, *, who: str) -> bool:
        """See ``Client.cancel``."""
        return await asyncio.to_thread(self._client.cancel, ref, who=who)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)

    async def stream(
        self,
        ref: JobRef,
        *,
        after: str = "0",
        watch: bool = True,
        timeout_s: float | None = 60.0,
        within_s: float | None = None,
    ) -> AsyncGenerator[tuple[str, Event | LiveText | None], None]:
        """See ``Client.stream``."""
        until = None if within_s is None else time.monotonic() + within_s
        overdue = Overdue(self._client.store, ref)
        loop = asyncio.get_running_loop()
        heard = _Unread()

        def put(item: Heard) -> None:
            loop.call_soon_threadsafe(heard.put_nowait, item)

        follower, hub, last = Follower(ref, put, after=after, watch=watch), self._client.hub, after
        try:
            if hub.follow(follower):
                await asyncio.to_thread(hub.interrupt, self._client.redis)
            while True:
                try:
                    async with asyncio.timeout(patience(ref, until)):
                        item = await heard.get()
                except TimeoutError:
                    hub.check(follower, timeout_s=timeout_s)
                    await asyncio.to_thread(overdue.look)
                    yield last, None
                    continue
                last, event = unpacked(item)
                yield last, event
                if is_end(event):
                    return
        finally:
            hub.leave(follower)

    async def wait(
        self, ref: JobRef, *, timeout_s: float | None = 60.0, within_s: float | None = None
    ) -> Result:
        """See ``Client.wait``. Cancelling the await leaves nothing behind."""
        async for _ in self.stream(ref, watch=False, timeout_s=timeout_s, within_s=within_s):
            pass
        outage = Outage(timeout_s)
        while True:
            try:
                return found(ref, await self.result(ref))
            except StoreUnavailable as problem:
                await asyncio.sleep(outage.pause_s(problem))
