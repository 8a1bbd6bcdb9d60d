"""What stands before every route: how many requests may be under way, and under which path it may be served."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from orchestrator.api import app, probes
from orchestrator.api.access import Access
from orchestrator.api.app import Guard, make_app
from orchestrator.api.deployment import Deployment
from orchestrator.api.metrics import ApiMetrics
from orchestrator.api.page import pages
from orchestrator.api.serve import check_prefix
from orchestrator.errors import InvalidInput
from orchestrator.settings import Settings
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
        guard = Guard(held, Access(open=True), ApiMetrics())
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


def test_what_begins_a_path_of_its_own_is_no_prefix(tmp_path: Path) -> None:
    deployment = Deployment(Settings(redis_url=SecretStr("redis://nowhere.invalid/0"), home=tmp_path))
    whole: FastAPI = make_app(deployment, Access(open=True))._app  # type: ignore[attr-defined]  # the guard's
    others: list[Any] = [*pages.router().routes, *probes.router(deployment).routes]
    paths = [*whole.openapi()["paths"], *(route.path for route in others), "/static/page.css"]
    taken = {
        re.sub(r"\{.*?\}", "x", path[: cut.start()])
        for path in paths
        for cut in re.finditer("(?<=.)(/|$)", path)
    }
    assert {"/api", "/api/v1", "/api/v1/jobs/x", "/jobs/x", "/static", "/healthz"} <= taken
    for prefix in taken - {"/"}:
        with pytest.raises(InvalidInput, match="is a path of this server's own"):
            check_prefix(prefix)
    for prefix in ("", "/", "/triptych/", "/api/triptych", "/ops/jobs", "/jobsite"):
        check_prefix(prefix)
