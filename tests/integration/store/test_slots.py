"""The fleet's slots, and who takes several at once. On a real Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from orchestrator.routing.outlook import Room
from orchestrator.store import JobRef, keys, room
from orchestrator.store.room import RoomStore

pytestmark = pytest.mark.integration

ALL = ("plan", "thesis", "antithesis", "synthesis")


@pytest.fixture
def store(client: redis.Redis) -> RoomStore:
    return RoomStore(client)


def opened(client: redis.Redis, *names: str) -> list[JobRef]:
    """Jobs under way, as admission lists them."""
    refs = [JobRef("default", name) for name in names]
    client.zadd(keys.ACTIVE, {str(ref): 10**13 for ref in refs})
    return refs


def test_where_no_worker_says_anything_nothing_is_known(store: RoomStore) -> None:
    assert store.look() is None
    assert store.take(JobRef("default", "a")) is None


def test_slots_of_processes_add_up_and_each_is_believed_once(store: RoomStore) -> None:
    store.say("one", 20, ALL)
    store.say("two", 4, ALL)
    store.say("two", 5, ALL)
    store.say("planner", 50, ("plan",))
    assert store.look() == Room(25)
    assert store.look(most_slots=8) == Room(8), "an endpoint that takes fewer calls is what counts"
    store.leave("one")
    assert store.look() == Room(5)


def test_a_persona_that_nobody_works_for_leaves_no_slots(store: RoomStore) -> None:
    store.say("one", 20, ("plan", "thesis", "synthesis"))
    assert store.look() == Room(0)
    store.say("two", 5, ("antithesis",))
    assert store.look() == Room(25)


def test_a_process_that_went_silent_is_not_believed(
    store: RoomStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.say("one", 20, ALL)
    monkeypatch.setattr(room, "BELIEVED_MS", -1)
    store.say("two", 5, ALL)
    assert store.look() == Room(20)
    assert "two" not in store._client.hkeys(keys.SLOTS)


def test_jobs_planned_in_the_same_moment_take_what_there_is_and_no_more(
    client: redis.Redis, store: RoomStore
) -> None:
    store.say("one", 16, ALL)
    refs = opened(client, *(f"j{n}" for n in range(10)))
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(store.take, refs))
    assert sum(each is not None and each.free >= 3 for each in found) == 3, (
        "3 x 3, and one for each of the other 7"
    )
    assert client.scard(keys.IN_PARTS) == 3
    assert store.look() == Room(16, jobs=10, pipelined=3)


def test_a_job_that_is_planned_again_finds_its_own_slots(client: redis.Redis, store: RoomStore) -> None:
    store.say("one", 3, ALL)
    (ref,) = opened(client, "a")
    assert store.take(ref) == store.take(ref) == Room(3)
    store.give_back(ref)
    assert client.scard(keys.IN_PARTS) == 0


def test_who_has_ended_takes_nothing_and_who_was_told_to_takes_it_anyway(
    client: redis.Redis, store: RoomStore
) -> None:
    store.say("one", 4, ALL)
    first, second = opened(client, "a", "b")
    store.take(first, always=True)
    store.take(second, always=True)
    assert store.look() == Room(4, jobs=2, pipelined=2)
    client.zrem(keys.ACTIVE, str(first))
    assert store.look() == Room(4, jobs=1, pipelined=1)
    assert client.smembers(keys.IN_PARTS) == {str(second)}


@pytest.mark.parametrize(
    "value", ["", "soon many all", "99999999999999 99999999 thesis", "99999999999999 -3 thesis"]
)
def test_what_no_process_would_say_is_passed_over(client: redis.Redis, store: RoomStore, value: str) -> None:
    client.hset(keys.SLOTS, "strange", value)
    store.say("one", 5, ALL)
    assert store.look() == Room(5)


def test_more_than_any_fleet_has_is_not_looked_through(
    client: redis.Redis, store: RoomStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST", 2)
    for name in ("one", "two", "three"):
        store.say(name, 5, ALL)
    assert store.look() is None
