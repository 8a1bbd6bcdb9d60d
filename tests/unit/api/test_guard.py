"""What stands before every route: how many requests may be under way, and who is answered all the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from orchestrator.api import app
from orchestrator.api.access import Access
from orchestrator.api.app import Guard


class Held:
    """An application whose answers are held back until they are let go; probes are answered at once."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["state"]["caller"] is not None:
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def asked(guard: Guard, path: str, host: bytes = b"localhost") -> tuple[int, dict[str, str], Any]:
    """Ask for a path: status, headers and what the body says."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", host)]}
    await guard(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, json.loads(sent[1]["body"])


def test_so_many_requests_may_be_under_way_and_probes_are_answered_whatever_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "MOST_REQUESTS", 2)

    async def crowd() -> None:
        held = Held()
        guard = Guard(held, Access(open=True))
        two = [asyncio.create_task(asked(guard, "/api/v1/jobs")) for _ in range(2)]
        await asyncio.sleep(0)
        status, headers, problem = await asked(guard, "/api/v1/jobs")
        assert (status, headers["retry-after"], problem["code"]) == (503, "2", "too_busy")
        assert [(await asked(guard, path))[0] for path in ("/healthz", "/readyz")] == [200, 200]
        assert (await asked(guard, "/api/v1/jobs", b"evil.example"))[0] == 421
        held.go.set()
        assert [status for status, _, _ in await asyncio.gather(*two)] == [200, 200]
        assert (await asked(guard, "/api/v1/jobs"))[0] == 200

    asyncio.run(crowd())
