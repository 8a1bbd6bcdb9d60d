"""A Redis that takes connections and says nothing: probes, pages and streams are told, and wait for nobody else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from orchestrator.api import deployment as deployed
from orchestrator.api import probes
from orchestrator.api.access import Access
from orchestrator.api.app import make_app
from orchestrator.api.deployment import Deployment
from orchestrator.api.fleet import Feed
from orchestrator.api.sharing import Shared
from orchestrator.errors import StoreUnavailable
from orchestrator.settings import Settings
from tests.unit.api.asking import ask

SOON_S = 5.0
"""Half of what clients wait elsewhere."""


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployment whose Redis hangs, and which waits 0.1 s for it where the real one waits 2 s."""
    monkeypatch.setattr(deployed, "REDIS_TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        yield Deployment(Settings(redis_url=SecretStr(url), home=tmp_path))


def test_a_probe_is_answered_while_redis_is_still_waited_for(
    hanging: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(probes, "READY_S", 0.05)
    monkeypatch.setattr(hanging.client.redis, "ping", over.wait)

    async def probed() -> list[int]:
        app = make_app(hanging, Access(open=True))
        answers = [await ask(app, path) for path in ("/readyz", "/healthz")]
        monkeypatch.setattr(probes, "READY_S", SOON_S)
        over.set()
        return [answer.status for answer in (*answers, await ask(app, "/readyz"))]

    try:
        assert asyncio.run(asyncio.wait_for(probed(), SOON_S)) == [503, 200, 200]
    finally:
        over.set()


def test_who_looks_at_the_fleet_is_told_that_redis_hangs(hanging: Deployment) -> None:
    async def looks() -> list[bytes]:
        frames = Feed(hanging).frames()
        return [await anext(frames), await anext(frames)]

    assert b"event: problem" in asyncio.run(asyncio.wait_for(looks(), SOON_S))[1]


def test_a_look_waits_for_no_request() -> None:
    over = threading.Event()

    async def beside_them() -> int:
        requests = [asyncio.create_task(run_in_threadpool(over.wait)) for _ in range(50)]
        await asyncio.sleep(0)
        try:
            return await asyncio.wait_for(Shared(lambda: 7)(), SOON_S)
        finally:
            over.set()
            await asyncio.gather(*requests)

    assert asyncio.run(beside_them()) == 7


def test_a_look_is_taken_once_for_all_who_wait_for_it() -> None:
    begun, over, looks = threading.Event(), threading.Event(), 0

    def look() -> int:
        nonlocal looks
        looks += 1
        begun.set()
        over.wait()
        if looks == 1:
            raise StoreUnavailable("it hangs")
        return looks

    async def all_of_them() -> None:
        shared = Shared(look)
        waiting = [asyncio.create_task(shared()) for _ in range(3)]
        await asyncio.to_thread(begun.wait)
        waiting[0].cancel()
        over.set()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in told] == [asyncio.CancelledError, StoreUnavailable, StoreUnavailable]
        assert await shared() == 2

    asyncio.run(all_of_them())
