"""A TCP proxy before a Redis server that can be slow, cut connections, swallow replies or go dumb."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CHUNK = 65_536


@dataclass(eq=False)
class _Pair:
    """One client's connection and the one to the server that goes with it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    dumb: bool
    doomed: bool = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """Listens on a port of its own until ``close``. Every method may be called from the test's thread."""

    def __init__(self, upstream: Path | int) -> None:
        """``upstream``: a server's socket, or its port on this machine."""
        self._upstream = upstream
        self._pairs: set[_Pair] = set()
        self._latency_s = 0.0
        self._dumb = self._refusing = self._muted = False
        self._lose, self._lose_reply_to = b"", b""
        self.lost = threading.Event()
        """Set when what ``lose`` or ``lose_reply_to`` waits for was thrown away."""
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def connections(self) -> int:
        """How many are open and alive."""
        return self._do(lambda: sum(not pair.dumb for pair in self._pairs))

    def slow(self, one_way_s: float) -> None:
        """Hold every chunk back for this long, in either direction."""
        self._do(lambda: setattr(self, "_latency_s", one_way_s))

    def cut(self) -> int:
        """Reset all connections; new ones are fine. Returns how many there were."""
        return self._do(self._cut)

    def refuse(self) -> None:
        """Reset all connections, and every new one, until ``heal``."""

        def refuse() -> None:
            self._refusing = True
            self._cut()

        self._do(refuse)

    def go_dumb(self, *, newcomers: bool = False) -> None:
        """Make all connections half-open: they stay, and nothing ever passes again, not even their end.

        ``newcomers``: new ones are accepted and dumb too, until ``heal``.
        """

        def dumb() -> None:
            self._dumb = newcomers
            for pair in self._pairs:
                pair.dumb = True

        self._do(dumb)

    def mute(self) -> None:
        """Pass every request on and no reply back, until ``heal``."""
        self._do(lambda: setattr(self, "_muted", True))

    def heal(self) -> None:
        """Serve new connections well. What was half-open stays so: that is for its user to find out."""

        def heal() -> None:
            self._dumb = self._refusing = self._muted = False
            self._latency_s = 0.0

        self._do(heal)

    def lose(self, request: bytes) -> None:
        """Reset the connection of the next request that holds these bytes, and do not pass it on."""
        self.lost.clear()
        self._do(lambda: setattr(self, "_lose", request))

    def lose_reply_to(self, request: bytes) -> None:
        """Pass on the next request that holds these bytes, and reset its connection instead of the reply."""
        self.lost.clear()
        self._do(lambda: setattr(self, "_lose_reply_to", request))

    def close(self) -> None:
        """Stop listening and reset everything."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, call: Callable[[], T]) -> T:
        async def run() -> T:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(5)

    def _cut(self) -> int:
        pairs = [pair for pair in self._pairs if not pair.dumb]
        for pair in pairs:
            pair.abort()
        return len(pairs)

    async def _stop(self) -> None:
        self._server.close()
        for pair in self._pairs:
            pair.dumb = False
        self._cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            above, below = await (
                asyncio.open_unix_connection(self._upstream)
                if isinstance(self._upstream, Path)
                else asyncio.open_connection("127.0.0.1", self._upstream)
            )
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, below, dumb=self._dumb)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._up(pair, reader, below), self._down(pair, above, writer))
        except (ConnectionError, asyncio.CancelledError):
            pair.abort()
        finally:
            self._pairs.discard(pair)

    async def _up(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for chunk in self._chunks(pair, reader, writer):
            if self._lose and self._lose in chunk:
                self._lose = b""
                self.lost.set()
                pair.abort()
                return
            if self._lose_reply_to and self._lose_reply_to in chunk:
                self._lose_reply_to = b""
                pair.doomed = True
            writer.write(chunk)
            await writer.drain()

    async def _down(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for chunk in self._chunks(pair, reader, writer):
            if pair.doomed:
                self.lost.set()
                pair.abort()
                return
            if self._muted:
                continue
            writer.write(chunk)
            await writer.drain()

    async def _chunks(
        self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AsyncIterator[bytes]:
        """What comes in, as late as it has to be; the other side is closed at its end."""
        try:
            while chunk := await reader.read(CHUNK):
                if self._latency_s:
                    await asyncio.sleep(self._latency_s)
                if not pair.dumb:
                    yield chunk
        except ConnectionError:
            pass
        if not pair.dumb:
            writer.close()
