"""Asking an application without a server between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    """What it said."""

    status: int
    headers: dict[str, str]
    body: bytes


async def ask(app: ASGIApp, path: str, *, method: str = "GET", host: str = "localhost") -> Answer:
    """Ask for a path."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    parts = iter([{"type": "http.request"}])

    async def receive() -> Message:
        return next(parts, None) or await asyncio.get_running_loop().create_future()

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", host.encode())],
    }
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
