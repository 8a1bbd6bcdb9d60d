"""Serving the application: its socket, its signals, and an end at which open streams are ended too."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.errors import InvalidInput

MOST_CONNECTIONS = 1_000
"""From here on who asks nothing is not waited for. None is refused: the next may be a probe's."""
MOST_FILES = 4_096
"""Many systems let a process open 1,024 unless it asks for more; each connection is one."""
STALLED_MS = 30_000
"""A reader that takes nothing for so long has left, whatever its connection says."""
PATIENCE_S = 10.0
"""What a request may take to come, its headers at least: who only connects takes a place that others need."""
CROWDED_S = 1.0
"""The same, where ``MOST_CONNECTIONS`` are open."""
_OURS = re.compile(r"api|(api/v1|healthz|jobs|latency|readyz|static)(/.*)?")
"""A proxy may cut the prefix off or leave it: of a path that begins with one of these nobody could tell."""
END_S = 5
"""What requests under way get to end when the server is told to."""


def listen(host: str, port: int) -> socket.socket:
    """Open the port; 0 takes a free one. Raises ``InvalidInput`` where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        # The system's own words: Python adds the address, and a name that is not known has a number of its own.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise InvalidInput(
            "--port", f"{port} on {host} cannot be opened ({why}); choose another, or 0 for a free one"
        ) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; what is accepted here inherits it
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)
    return opened


def check_prefix(prefix: str) -> None:
    """Raise ``InvalidInput`` where that is no path to be served under; none at all is one."""
    path = prefix.strip("/")
    if path and not all(re.fullmatch(r"(?!\.+$)[A-Za-z0-9._~-]+", part) for part in path.split("/")):
        raise InvalidInput(
            "--url-prefix", "is a path of plain segments, such as /ops/triptych: letters, digits, and . _ ~ -"
        )
    if _OURS.fullmatch(path):
        raise InvalidInput(
            "--url-prefix", f"/{path} is a path of this server's own; choose another, such as /triptych"
        )


def address_of(opened: socket.socket, host: str, prefix: str) -> str:
    """Give the URL that a browser on this machine would use."""
    shown = f"[{host}]" if ":" in host else host
    path = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    return f"http://{shown}:{opened.getsockname()[1]}/{path}"


def serve(
    app: ASGIApp, opened: socket.socket, *, closing: asyncio.Event, died: Callable[[], bool] = lambda: False
) -> None:
    """Serve until SIGTERM, or until ``died`` says so once a second. ``closing`` is set first of all at the end.

    Raises ``KeyboardInterrupt`` after SIGINT.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=END_S,
    )
    server = _Server(config, closing)
    waiting = Waiting()

    async def look() -> None:
        server.should_exit = server.should_exit or died()
        connections = cast("Collection[H11Protocol]", server.server_state.connections)
        for connection in waiting.too_long(connections, time.monotonic()):
            connection.transport.close()  # what is still to be sent to it is sent

    config.callback_notify, config.timeout_notify = look, 1
    _allow_files()
    server.run(sockets=[opened])
    if server.interrupted:
        raise KeyboardInterrupt


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < MOST_FILES:
        most = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Waiting:
    """Connections that have asked nothing yet, or nothing more, and since when: uvicorn waits for these for ever."""

    def __init__(self) -> None:
        self._since: dict[H11Protocol, tuple[object, float]] = {}

    def too_long(self, connections: Collection[H11Protocol], now: float) -> list[H11Protocol]:
        """Give those of which no new request has come for ``PATIENCE_S``. ``now`` is in s, by any clock."""
        before, self._since = self._since, {}
        patience_s = PATIENCE_S if len(connections) < MOST_CONNECTIONS else CROWDED_S
        for connection in connections:
            last = connection.cycle
            if last is None or last.response_complete:
                known = before.get(connection, (last, now))
                self._since[connection] = known if known[0] is last else (last, now)
        return [connection for connection, (_, since) in self._since.items() if now - since >= patience_s]


class _Server(uvicorn.Server):
    """uvicorn, but that its end begins with ours, and that a signal which it has obeyed is not raised again."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing
        self.interrupted = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn."""
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn."""
        self.interrupted = self.interrupted or sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._closing.set()
        await super().shutdown(sockets)
