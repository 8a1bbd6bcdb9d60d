"""Redis goes away under producers: waits and streams resume, and what was not accepted is refused clearly."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from pydantic import SecretStr

from orchestrator.broker import make_app
from orchestrator.client import AsyncClient, Client, waiting
from orchestrator.contracts.events import TaskStart
from orchestrator.errors import IdempotencyConflict, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, connect
from orchestrator.store.origin import origin
from orchestrator.submission import submit
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for
from tests.proxy import Proxy
from tests.servers import Valkey

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _fresh_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_hubs", {})
    monkeypatch.setattr(waiting, "LINGER_S", 0.05)
    monkeypatch.setattr(waiting, "BLOCK_MS", 200)


@pytest.fixture
def remote(proxy: Proxy) -> Iterator[Client]:
    """A producer with the proxy before it."""
    client = Client(Settings(redis_url=SecretStr(proxy.url)))
    yield client
    client.close()


def hang_up(valkey: Valkey, proxy: Proxy) -> None:
    proxy.cut()


def forget(valkey: Valkey, proxy: Proxy) -> None:
    proxy.go_dumb()


def drag(valkey: Valkey, proxy: Proxy) -> None:
    proxy.slow(0.2)


def restart(valkey: Valkey, proxy: Proxy) -> None:
    valkey.stop()
    valkey.start()


def crash(valkey: Valkey, proxy: Proxy) -> None:
    valkey.kill()
    valkey.start()


FAULTS = [hang_up, forget, drag, restart, crash]


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """Every write is on disk before it is acknowledged, so that a crash takes nothing back."""
    server = Valkey(appendfsync="always")
    yield server
    server.close()


def stored(look: redis.Redis, ref: JobRef) -> list[str]:
    return [entry_id for entry_id, _ in cast("list[Any]", look.xrange(ref.events))]


def something_happens(look: redis.Redis, ref: JobRef) -> None:
    JobStore(look).emit(ref, TaskStart(**origin(ref, "plan", 1)))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stream_goes_on_where_it_was(
    valkey: Valkey,
    proxy: Proxy,
    remote: Client,
    producer: Client,
    look: redis.Redis,
    fault: Callable[[Valkey, Proxy], None],
) -> None:
    ref = remote.submit(question()).ref
    heard: list[str] = []

    def follow() -> None:
        heard.extend(entry_id for entry_id, event in remote.stream(ref) if event is not None)

    following = threading.Thread(target=follow)
    following.start()
    for _ in range(2):
        something_happens(look, ref)
        fault(valkey, proxy)
        something_happens(look, ref)
    producer.cancel(ref, who="a test")
    following.join(30)
    assert heard == stored(look, ref)
    assert len(heard) == 6


@pytest.mark.parametrize("fault", FAULTS)
def test_an_async_wait_and_stream_go_on_where_they_were(
    valkey: Valkey,
    proxy: Proxy,
    producer: Client,
    look: redis.Redis,
    fault: Callable[[Valkey, Proxy], None],
) -> None:
    async def main() -> tuple[list[str], JobRef]:
        async with AsyncClient(Settings(redis_url=SecretStr(proxy.url))) as client:
            ref = (await client.submit(question())).ref

            async def follow() -> list[str]:
                return [entry_id async for entry_id, event in client.stream(ref) if event is not None]

            following, waiting_ = asyncio.create_task(follow()), asyncio.create_task(client.wait(ref))
            await asyncio.to_thread(something_happens, look, ref)
            await asyncio.to_thread(fault, valkey, proxy)
            await asyncio.to_thread(producer.cancel, ref, who="a test")
            assert (await asyncio.wait_for(waiting_, 30)).status == "failed"
            return await following, ref

    heard, ref = asyncio.run(main())
    assert heard == stored(look, ref)
    assert len(heard) == 3


def test_an_event_whose_reply_was_lost_is_told_once(proxy: Proxy, remote: Client, look: redis.Redis) -> None:
    ref = remote.submit(question()).ref
    proxy.lose_reply_to(b"task_start")
    something_happens(remote.redis, ref)
    assert proxy.lost.is_set()
    assert len(stored(look, ref)) == 2


def test_a_submission_whose_reply_was_lost_is_accepted_once(
    proxy: Proxy, remote: Client, look: redis.Redis
) -> None:
    spec = question()
    proxy.lose_reply_to(spec.task_id.encode())
    ref = remote.submit(spec).ref
    assert proxy.lost.is_set()
    assert len(stored(look, ref)) == 1
    assert not remote.submit(spec).created


def test_a_submission_that_nobody_answers_may_be_accepted_and_can_be_repeated(
    proxy: Proxy, producer: Client
) -> None:
    """The server does what it is asked, and no reply comes back."""
    first, second = question(idempotency_key="one-order"), question(idempotency_key="one-order")
    store, app = JobStore(connect(proxy.url, timeout_s=1.5)), make_app(producer.settings)
    submit(question(), store=store, app=app, settings=producer.settings)  # is connected, has its scripts
    proxy.mute()
    with pytest.raises(StoreUnavailable, match=f"{first.task_id}.*not known.*it runs once"):
        submit(first, store=store, app=app, settings=producer.settings)
    again = producer.submit(second)
    assert (again.created, again.ref.task_id) == (False, first.task_id)
    with pytest.raises(IdempotencyConflict):
        producer.submit(question(goal="Something else?", idempotency_key="one-order"))


def test_while_redis_is_away_a_submission_is_refused_and_leaves_nothing(
    valkey: Valkey, producer: Client, look: redis.Redis
) -> None:
    spec = question()
    valkey.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        producer.submit(spec)
    valkey.start()
    assert not look.exists(JobRef(spec.tenant, spec.task_id).job)
    assert producer.submit(spec).created


def triptych(*arguments: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [Path(sys.executable).parent / "triptych", *arguments],
        env={**os.environ, "REDIS_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_says_that_redis_is_away(valkey: Valkey) -> None:
    valkey.stop()
    submitted = triptych("submit", "Why?", "--corpus", "handbook", url=valkey.url)
    out, err = submitted.communicate(timeout=30)
    assert (submitted.returncode, out) == (2, "")
    assert "Redis cannot be reached" in err
    assert "Traceback" not in err


def test_the_command_that_watches_waits_an_outage_out(
    valkey: Valkey, producer: Client, start_worker: StartWorker
) -> None:
    ref = producer.submit(question()).ref
    watching = triptych("watch", ref.task_id, "--plain", url=valkey.url)
    look = valkey.connect()
    wait_for("the command to follow", lambda: any(c["cmd"] == "xread" for c in look.client_list()))
    valkey.stop()
    valkey.start()
    start_worker()
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert "Conclusion" in out


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_outage_between_a_jobs_end_and_its_result_is_waited_out(
    proxy: Proxy, remote: Client, producer: Client, monkeypatch: pytest.MonkeyPatch, asynchronous: bool
) -> None:
    """The end has been heard; Redis goes away before the result is asked for, and comes back."""
    ref = producer.submit(question()).ref
    producer.cancel(ref, who="a test")
    asked: list[bool] = []

    def then_refuse(self: Client, ref: JobRef) -> Any:
        if len(asked) == 0:
            proxy.refuse()
        if len(asked) == 2:
            proxy.heal()
        asked.append(True)
        return self.store.load(ref).result

    monkeypatch.setattr(Client, "result", then_refuse)
    if asynchronous:
        result = asyncio.run(AsyncClient(remote.settings).wait(ref, within_s=30))
    else:
        result = remote.wait(ref, within_s=30)
    assert result.reasons[0].code == "cancelled"
    assert len(asked) >= 3, "it was away when first asked"
