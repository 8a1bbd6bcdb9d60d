"""The messages that a process has taken: what is booked of them, when, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import redis
from kombu.asynchronous import Hub, get_event_loop, set_event_loop

from orchestrator.broker import make_app
from orchestrator.broker.taken import Taken
from orchestrator.settings import Settings
from tests.integration.producers.test_bad_messages import QUEUE, message
from tests.servers import unacked

pytestmark = pytest.mark.integration


class Loop:
    """An event loop whose time passes when a test says so."""

    def __init__(self) -> None:
        self._later: list[Callable[[], None]] = []

    def call_later(self, _delay_s: float, callback: Callable[[], None]) -> None:
        self._later.append(callback)

    def passes(self) -> None:
        due, self._later = self._later, []
        for callback in due:
            callback()


@pytest.fixture
def loop() -> Iterator[Loop]:
    before, loop = get_event_loop(), Loop()
    set_event_loop(cast("Hub", loop))
    yield loop
    set_event_loop(before)


@pytest.fixture
def taken(settings: Settings) -> Iterator[Taken]:
    connection: Any = make_app(settings).connection_for_read()
    yield connection.default_channel.qos
    connection.close()


def take(taken: Taken, task: str = "triptych.thesis") -> str:
    """Have it take a message; returns its tag."""
    raw = message(task)
    whole = taken.channel.Message(raw, channel=taken.channel)
    tag = str(whole.delivery_tag)
    taken.append(whole, tag)
    return tag


def bookings(client: redis.Redis) -> int:
    """How many this server has had."""
    return int(client.info("commandstats").get("cmdstat_hset", {}).get("calls", 0))


def test_a_step_that_ends_soon_is_never_booked(loop: Loop, taken: Taken, client: redis.Redis) -> None:
    before = bookings(client)
    taken.ack(take(taken))
    loop.passes()
    assert bookings(client) == before


def test_what_lasts_is_booked_and_in_the_end_acknowledged(
    loop: Loop, taken: Taken, client: redis.Redis
) -> None:
    tags = [take(taken), take(taken)]
    loop.passes()
    assert unacked(client) == {"unacked": 2, "index": 2}
    for tag in tags:
        taken.ack(tag)
    loop.passes()
    assert unacked(client) == {"unacked": 0, "index": 0}


def test_a_job_on_its_way_in_is_booked_at_once(loop: Loop, taken: Taken, client: redis.Redis) -> None:
    """Nothing else knows of it."""
    tag = take(taken, "triptych.submit")
    assert unacked(client) == {"unacked": 1, "index": 1}
    taken.ack(tag)
    loop.passes()
    assert unacked(client) == {"unacked": 0, "index": 0}


@pytest.mark.parametrize("booked", [True, False])
def test_what_nobody_will_work_on_goes_back_into_its_queue(
    loop: Loop, taken: Taken, client: redis.Redis, booked: bool
) -> None:
    taken.ack(take(taken))
    refused, _ = take(taken), take(taken)
    if booked:
        loop.passes()
    taken.reject(refused, requeue=True)
    assert client.llen(QUEUE) == 1
    taken.restore_unacked_once()
    assert client.llen(QUEUE) == 2
    assert unacked(client) == {"unacked": 0, "index": 0}


def test_what_may_be_booked_is_acknowledged_all_the_same(
    loop: Loop, taken: Taken, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has booked it, and its answer was lost."""
    tag = take(taken)
    write = taken._write

    def lost() -> None:
        monkeypatch.undo()
        kept = dict(taken._unbooked)
        write()
        taken._unbooked.update(kept)
        raise redis.ConnectionError

    monkeypatch.setattr(taken, "_write", lost)
    loop.passes()
    assert unacked(client) == {"unacked": 1, "index": 1}
    taken.ack(tag)
    loop.passes()
    assert unacked(client) == {"unacked": 0, "index": 0}
