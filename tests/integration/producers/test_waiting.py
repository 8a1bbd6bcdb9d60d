"""Waiting: one connection for all, at once, through outages, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
import redis
from pydantic import SecretStr

from orchestrator.client import AsyncClient, Client, blocking, waiting
from orchestrator.contracts.events import Event, JobEnd, StepRecovered, TaskStart
from orchestrator.errors import InvalidInput, JobNotFound, StillRunning, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, LiveText
from orchestrator.store.origin import origin
from orchestrator.store.stream import publish_text
from tests.integration.conftest import question
from tests.nodes import wait_for
from tests.servers import Valkey

pytestmark = pytest.mark.integration

Heard = tuple[str, Event | LiveText | None]


@pytest.fixture(autouse=True)
def _fresh_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a hub of its own, which ends with it; those of other files may still linger."""
    EARLIER.update(t for t in threading.enumerate() if t.name == "triptych-waits")
    monkeypatch.setattr(waiting, "_hubs", {})
    monkeypatch.setattr(waiting, "LINGER_S", 0.05)
    monkeypatch.setattr(waiting, "BLOCK_MS", 200)
    yield
    wait_for("the hubs' threads to end", lambda: not hub_threads())


EARLIER: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def hub_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "triptych-waits" and t not in EARLIER]


def followers(client: Client) -> int:
    return len(client.hub._followers)


def blocked(server: redis.Redis) -> list[dict[str, str]]:
    return [c for c in server.client_list() if c["cmd"] == "xread" and "b" in c["flags"]]


def told(following: Iterator[Heard]) -> Heard:
    """What comes next; idle moments may come before it, on a busy machine."""
    return next(heard for heard in following if heard[1] is not None)


def start(client: Client, ref: JobRef) -> None:
    """Something happens to the job."""
    client.store.emit(ref, TaskStart(**origin(ref, "plan", 1)))


def test_fifty_waits_share_one_thread_and_one_connection(producer: Client, client: redis.Redis) -> None:
    refs = [producer.submit(question()).ref for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        waits = [pool.submit(producer.wait, ref) for ref in refs]
        wait_for("all to be followed", lambda: followers(producer) == 50 and blocked(client))
        assert len(hub_threads()) == 1
        assert len(blocked(client)) <= 1, "none where the hub is between two reads"
        for ref in refs:
            producer.cancel(ref, who="a test")
        assert {w.result(10).task_id for w in waits} == {ref.task_id for ref in refs}
    assert followers(producer) == 0


def test_clients_of_one_process_share_it_too(producer: Client, settings: Settings) -> None:
    assert Client(settings).hub is producer.hub


def test_a_new_follower_does_not_wait_for_the_blocking_read_to_end(
    producer: Client, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read would block for a minute: the idle mark of a stream comes long before."""
    monkeypatch.setattr(waiting, "BLOCK_MS", 60_000)
    monkeypatch.setattr(blocking, "IDLE_S", 20.0)
    quiet, busy = producer.submit(question()).ref, producer.submit(question()).ref
    following = producer.stream(quiet)
    first = next(following)
    assert first[1] is not None
    wait_for("the hub to block", lambda: blocked(client))
    assert next(producer.stream(busy))[1] is not None
    producer.cancel(quiet, who="a test")
    del following
    client.client_kill_filter(_type="normal", skipme=True)  # let the hub's thread end


def test_everything_is_heard_once_and_in_order_from_any_entry_on(producer: Client) -> None:
    ref = producer.submit(question()).ref
    for _ in range(5):
        start(producer, ref)
    producer.cancel(ref, who="a test")
    whole = list(producer.stream(ref))
    assert [event.event for _, event in whole if event and not isinstance(event, LiveText)] == [
        "job_submitted", *["task_start"] * 5, "job_end",
    ]  # fmt: skip
    for position, (entry_id, _) in enumerate(whole[:-1]):
        assert list(producer.stream(ref, after=entry_id)) == whole[position + 1 :]


def test_a_follower_further_back_repeats_nothing_to_the_others(producer: Client) -> None:
    ref = producer.submit(question()).ref
    ahead = producer.stream(ref)
    heard = [told(ahead)]
    start(producer, ref)
    behind = producer.stream(ref)
    both = [told(behind), told(behind)]
    heard.append(told(ahead))
    assert heard == both
    producer.cancel(ref, who="a test")
    assert [e for _, e in ahead if e] == [e for _, e in behind if e]


def test_killed_connections_lose_and_repeat_nothing(producer: Client, client: redis.Redis) -> None:
    ref = producer.submit(question()).ref
    following = producer.stream(ref)
    ids = [next(following)[0]]
    for _ in range(5):
        wait_for("the hub to block", lambda: blocked(client))
        client.client_kill_filter(_type="normal", skipme=True)
        start(producer, ref)
        ids += [i for i, event in [next(following)] if event is not None]
    producer.cancel(ref, who="a test")
    ids += [i for i, event in following if event is not None]
    stored = [i for i, _ in client.xrange(ref.events)]  # type: ignore[union-attr]  # redis-py's unions; the fixture sets it
    assert ids == stored


@pytest.fixture
def server() -> Iterator[Valkey]:
    running = Valkey(appendfsync="always")
    yield running
    running.close()


def test_a_restarted_server_loses_and_repeats_nothing(server: Valkey) -> None:
    with Client(Settings(redis_url=SecretStr(server.url))) as producer:
        ref = producer.submit(question()).ref
        heard: list[str] = []
        ended = threading.Event()

        def follow() -> None:
            heard.extend(i for i, event in producer.stream(ref) if event is not None)
            ended.set()

        waiter = threading.Thread(target=follow)
        waiter.start()
        for _ in range(2):
            start(producer, ref)
            server.kill()
            server.start()
        producer.cancel(ref, who="a test")
        assert ended.wait(10)
        assert heard == [i for i, _ in server.connect().xrange(ref.events)]  # type: ignore[union-attr]  # redis-py's unions; the fixture sets it


def test_a_server_that_stays_away_is_reported_after_the_time_given(server: Valkey) -> None:
    with Client(Settings(redis_url=SecretStr(server.url))) as producer:
        ref = producer.submit(question()).ref
        following = producer.stream(ref, timeout_s=0.3)
        next(following)
        server.kill()
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            list(following)


def test_a_job_that_is_not_there_is_not_waited_for(producer: Client) -> None:
    with pytest.raises(JobNotFound, match="no-such-job"):
        producer.wait(JobRef("default", "no-such-job"), timeout_s=None)


def test_a_record_that_vanishes_ends_the_wait(
    producer: Client, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "UPKEEP_S", 0.05)
    monkeypatch.setattr(waiting, "BLOCK_MS", 50)
    ref = producer.submit(question()).ref
    following = producer.stream(ref)
    next(following)
    client.delete(ref.job)
    with pytest.raises(JobNotFound):
        list(following)


def test_giving_up_leaves_nothing_behind_and_the_job_alone(producer: Client) -> None:
    ref = producer.submit(question()).ref
    with pytest.raises(StillRunning, match="goes on"):
        producer.wait(ref, within_s=0.05)
    next(producer.stream(ref))
    assert followers(producer) == 0
    producer.cancel(ref, who="a test")
    assert producer.wait(ref, within_s=5).status == "failed"


def test_only_who_watches_asks_for_live_text(producer: Client, client: redis.Redis) -> None:
    ref = producer.submit(question()).ref
    with pytest.raises(StillRunning):
        producer.wait(ref, within_s=0.1)
    assert not client.exists(ref.watch)
    watching = producer.stream(ref)
    next(watching)
    assert client.exists(ref.watch)
    words = LiveText(step="thesis", attempt=1, text="We", chars=2)
    publish_text(client, [(ref, words)])
    assert told(watching)[1] == words


def test_who_comes_later_is_shown_the_live_text_so_far(producer: Client, client: redis.Redis) -> None:
    ref = producer.submit(question()).ref
    first = producer.stream(ref)
    next(first)
    words = [LiveText(step="thesis", attempt=1, text=text, chars=len(text)) for text in ("We", "We find")]
    publish_text(client, [(ref, each) for each in words])
    assert [told(first)[1], told(first)[1]] == words
    shown = (heard for _, heard in producer.stream(ref, within_s=20) if isinstance(heard, LiveText))
    assert list(islice(shown, 2)) == words


def test_live_text_never_pushes_out_an_event(producer: Client, client: redis.Redis) -> None:
    ref = producer.submit(question()).ref
    before = client.xlen(ref.events)
    for n in range(300):
        frames = [(ref, LiveText(step="thesis", attempt=1, text=str(n), chars=n))] * 10
        publish_text(client, frames)
    assert client.xlen(ref.events) == before
    assert client.xlen(ref.live) < 500
    assert 0 < client.pttl(ref.live) <= 60_000


def test_a_waiter_ends_a_job_that_no_worker_is_there_to_end(
    producer: Client, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker runs and none ever will: the wait ends all the same."""
    ref = producer.submit(question()).ref
    client.hset(ref.job, "deadline_ms", 1)
    result = producer.wait(ref, within_s=20)
    assert result.status == "failed"
    assert "deadline" in [reason.code for reason in result.reasons]


def test_what_is_no_entry_id_is_refused(producer: Client) -> None:
    with pytest.raises(InvalidInput, match="after"):
        next(producer.stream(JobRef("default", "x"), after="$"))


def test_an_entry_that_somebody_else_wrote_is_passed_over(producer: Client, client: redis.Redis) -> None:
    ref = producer.submit(question()).ref
    client.xadd(ref.events, {"e": "not json"})
    client.xadd(ref.events, {"x": "y"})
    producer.cancel(ref, who="a test")
    assert isinstance(list(producer.stream(ref))[-1][1], JobEnd)


def test_a_forked_child_waits_with_a_thread_of_its_own(producer: Client) -> None:
    ref = producer.submit(question()).ref
    next(producer.stream(ref))  # the hub runs
    child = os.fork()
    if child == 0:
        _, event = next(producer.stream(ref))
        os._exit(0 if event is not None else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0


# asyncio


def run(settings: Settings, body: Callable[[AsyncClient], object]) -> None:
    async def main() -> None:
        async with AsyncClient(settings) as client:
            await body(client)  # type: ignore[misc]  # a scripted body

    asyncio.run(main())


def test_async_waits_need_no_thread_each(settings: Settings, producer: Client, client: redis.Redis) -> None:
    async def many(over: AsyncClient) -> None:
        refs = [(await over.submit(question())).ref for _ in range(100)]
        waits = [asyncio.create_task(over.wait(ref)) for ref in refs]
        await asyncio.to_thread(wait_for, "all to be followed", lambda: followers(producer) == 100)
        assert len(hub_threads()) == 1
        assert len(blocked(client)) <= 1
        for ref in refs:
            await over.cancel(ref, who="a test")
        assert {r.task_id for r in await asyncio.gather(*waits)} == {ref.task_id for ref in refs}

    run(settings, many)
    assert followers(producer) == 0


def test_async_streams_iterate_events_and_resume(settings: Settings) -> None:
    async def follow(over: AsyncClient) -> None:
        ref = (await over.submit(question())).ref
        seen = []
        async for entry_id, event in over.stream(ref):
            seen.append((entry_id, event))
            if len(seen) == 1:
                await over.cancel(ref, who="a test")
        rest = [item async for item in over.stream(ref, after=seen[0][0])]
        assert rest == seen[1:]
        assert isinstance(seen[-1][1], JobEnd)

    run(settings, follow)


def test_a_cancelled_await_leaves_nothing_behind(settings: Settings, producer: Client) -> None:
    async def give_up(over: AsyncClient) -> None:
        ref = (await over.submit(question())).ref
        wait = asyncio.create_task(over.wait(ref))
        await asyncio.to_thread(wait_for, "the wait", lambda: followers(producer))
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        assert followers(producer) == 0
        with pytest.raises(StillRunning):
            await over.wait(ref, within_s=0.05)

    run(settings, give_up)
    assert followers(producer) == 0


def test_a_loop_that_closed_under_its_wait_is_let_go(settings: Settings, producer: Client) -> None:
    ref = producer.submit(question()).ref
    loop = asyncio.new_event_loop()
    over = AsyncClient(settings)
    stream = over.stream(ref)
    loop.run_until_complete(anext(stream))
    loop.close()
    assert followers(producer) == 1
    producer.store.emit(ref, StepRecovered(**origin(ref, "plan")))
    wait_for("the hub to notice", lambda: followers(producer) == 0)
