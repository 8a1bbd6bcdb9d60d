"""What stands before every route: how many requests may be under way, and who is answered all the same."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.types import Receive, Scope, Send

from orchestrator.api import app
from orchestrator.api.access import Access
from orchestrator.api.app import Guard
from tests.unit.api.asking import ask

JOBS = "/api/v1/jobs"


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


def test_so_many_requests_may_be_under_way_and_probes_are_answered_whatever_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "MOST_REQUESTS", 2)

    async def crowd() -> None:
        held = Held()
        guard = Guard(held, Access(open=True))
        two = [asyncio.create_task(ask(guard, JOBS)) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await ask(guard, JOBS)
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        assert json.loads(refused.body)["code"] == "too_busy"
        assert [(await ask(guard, path)).status for path in ("/healthz", "/readyz")] == [200, 200]
        assert (await ask(guard, JOBS, host="evil.example")).status == 421
        held.go.set()
        assert [answer.status for answer in await asyncio.gather(*two)] == [200, 200]
        assert (await ask(guard, JOBS)).status == 200

    asyncio.run(crowd())
