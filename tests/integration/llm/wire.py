"""A model server that sends exactly the bytes that a test wrote, and notices when the client hangs up."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


class Gate:
    """Holds an answer back until the test opens it, from its own thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._opened = asyncio.Event()
        self._loop = loop

    def open(self) -> None:
        """Let the answer go on."""
        self._loop.call_soon_threadsafe(self._opened.set)

    async def passed(self, reader: asyncio.StreamReader) -> bool:
        """Wait; False where the client hung up first."""
        opened, gone = (asyncio.ensure_future(each) for each in (self._opened.wait(), reader.read(1)))
        done, waiting = await asyncio.wait((opened, gone), return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)  # else the next request finds the reader taken
        return opened in done


Step = bytes | Literal["hold", "abort"] | Gate
"""Bytes to send, ``hold``: send nothing until the client hangs up, ``abort``: reset the connection, or a gate."""

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def events(*payloads: dict[str, Any] | str) -> list[Step]:
    """A whole, well-formed stream of these payloads, each in a chunk of its own."""
    return [STREAM, *(event(payload) for payload in payloads), END]


def event(payload: dict[str, Any] | str) -> bytes:
    data = payload if isinstance(payload, str) else json.dumps(payload)
    return chunk(f"data: {data}\n\n".encode())


def document(
    body: dict[str, Any] | str, *, status: int = 200, kind: str = "application/json", **headers: str
) -> bytes:
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} .", f"content-type: {kind}", f"content-length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: Any
    at: float = field(default_factory=time.monotonic)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once the client has gone before its answer was whole."""


class WireServer:
    """One reply per request, in order; a request too many gets a 418, which no test expects."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._scheme = "http" if tls is None else "https"
        self.hung_up = threading.Event()
        self._replies: deque[tuple[Step, ...]] = deque()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{'127.0.0.1' if self._scheme == 'http' else 'localhost'}:{self.port}"

    def reply(self, *steps: Step) -> None:
        self._replies.append(steps)

    def gate(self) -> Gate:
        """A gate for an answer of this server."""
        return Gate(self._loop)

    def steps_for(self, request: Request) -> Sequence[Step]:
        """What to answer; a subclass may look at the request."""
        return self._replies.popleft() if self._replies else (document("{}", status=418),)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(first.split(" ")[1], headers, json.loads(body))
        self.requests.append(request)
        steps = self.steps_for(request)
        try:
            sent = await self._send(steps, reader, writer)
        except ConnectionError:
            request.hung_up.set()
            raise
        if not sent and "abort" not in steps:
            request.hung_up.set()
            self.hung_up.set()
        # Without a length or chunks, the connection's end is the body's end.
        return (
            sent and isinstance(steps[0], bytes) and (b"content-length" in steps[0] or b"chunked" in steps[0])
        )

    @staticmethod
    async def _send(
        steps: Sequence[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        for step in steps:
            if step == "abort":
                writer.transport.abort()
                return False
            if step == "hold":
                await reader.read()
                return False
            if isinstance(step, Gate):
                if not await step.passed(reader):
                    return False
                continue
            writer.write(step)
            await writer.drain()
        return True
