"""What workers share about endpoints: pauses, permits, a line in order, rates, a breaker. On a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from orchestrator.settings.limits import Limit
from orchestrator.store import keys
from orchestrator.store.endpoints import PERMIT_MS, BreakerPolicy, EndpointStore, Scope

pytestmark = pytest.mark.integration

POLICY = BreakerPolicy()
SECRETIVE = "https://key-in-the-path.test:443/v1"
OK, FAILED, NOTHING = ("ok", "ok"), ("ok", "failed"), ("nothing", "nothing")


def scopes_of(model: str = "a", *, endpoint: Limit | None = None, there: Limit | None = None) -> list[Scope]:
    return [
        Scope.of(SECRETIVE, "openai", endpoint or Limit()),
        Scope.of(SECRETIVE, f"openai:{model}", there or Limit()),
    ]


class Fleet:
    """Two workers' views of the same Redis; time passes by moving back what is stored."""

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client  # decoded responses, which redis-py's types cannot tell
        self.store = EndpointStore(client)
        self._numbers = 0

    def ask(self, scopes: list[Scope], token: str = "", *, order: int = 9, tokens: int = 0) -> Any:
        self._numbers += 1
        token = token or f"w1/{self._numbers}"
        return token, self.store.ask(token, scopes, order=order, tokens=tokens)

    def obstacle(self, scopes: list[Scope], token: str = "", **how: Any) -> str | None:
        _, turn = self.ask(scopes, token, **how)
        obstacle: str | None = turn.obstacle
        return obstacle

    def settle(self, token: str, scopes: list[Scope], said: Any = OK, **how: Any) -> Any:
        return self.store.settle(token, scopes, said, policy=POLICY, **how)

    def call(self, scopes: list[Scope], said: Any, **how: Any) -> Any:
        token, turn = self.ask(scopes)
        assert turn.obstacle is None
        return self.settle(token, scopes, said, **how)

    def passes(self, scope: Scope, ms: int) -> None:
        """Let time pass for what is stored of a scope."""
        state = self.client.hgetall(scope.key)
        for field, value in state.items():
            if field.endswith(("_until", "_at")):
                self.client.hset(scope.key, field, int(float(value)) - ms)
            elif field[0] == "n" and field[1:].isdecimal():
                self.client.hset(scope.key, field, int(value) - ms * 6 // POLICY.window_ms)
        for list_key in (f"{scope.key}:held", f"{scope.key}:seen"):
            for member in self.client.zrange(list_key, 0, -1):
                self.client.zincrby(list_key, -ms, member)

    def woken(self, process: str = "w1") -> list[str]:
        return self.store.woken(process, timeout_s=0.01)


@pytest.fixture
def fleet(client: redis.Redis) -> Fleet:
    return Fleet(client)


def test_without_limits_and_trouble_nothing_is_stored_before_a_call_has_ended(
    fleet: Fleet, client: redis.Redis
) -> None:
    _, turn = fleet.ask(scopes_of())
    assert (turn.obstacle, turn.holds) == (None, False)
    assert client.dbsize() == 0


# Pauses


def test_a_pause_holds_for_the_deployment_that_asked_for_it_and_no_other(fleet: Fleet) -> None:
    assert fleet.call(scopes_of("a"), ("ok", "nothing"), cool_s=30.0) == [("cooled", "openai:a")]
    token, turn = fleet.ask(scopes_of("a"), "w2/1")
    assert (turn.obstacle, turn.name) == ("cooling", "openai:a")
    assert 29.0 < turn.at_least_s <= 30.0
    assert fleet.obstacle(scopes_of("b")) is None
    fleet.passes(scopes_of("a")[1], 30_001)
    assert fleet.obstacle(scopes_of("a"), token) is None


def test_a_longer_pause_is_never_shortened_and_none_is_endless(fleet: Fleet) -> None:
    scopes = scopes_of()
    one, two = fleet.ask(scopes)[0], fleet.ask(scopes)[0]
    fleet.settle(one, scopes, ("ok", "nothing"), cool_s=30.0)
    assert fleet.settle(two, scopes, ("ok", "nothing"), cool_s=5.0) == []
    assert fleet.ask(scopes)[1].at_least_s > 29.0
    fleet.settle(one, scopes, ("ok", "nothing"), cool_s=1e9)
    assert 3_590.0 < fleet.ask(scopes)[1].at_least_s <= 3_600.0


# Concurrency


def test_a_limit_counts_all_workers_and_a_permit_that_comes_back_wakes_the_next(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(concurrency=2))
    assert [fleet.obstacle(scopes, token) for token in ("w1/1", "w2/1", "w3/1")] == [None, None, "full"]
    assert fleet.woken("w3") == []
    fleet.settle("w2/1", scopes)
    assert fleet.woken("w3") == ["w3/1"]
    assert fleet.obstacle(scopes, "w3/1") is None
    assert fleet.obstacle(scopes, "w1/2") == "full"


def test_the_endpoints_limit_counts_all_its_models(fleet: Fleet) -> None:
    endpoint = Limit(concurrency=1)
    assert fleet.obstacle(scopes_of("a", endpoint=endpoint), "w1/1") is None
    _, turn = fleet.ask(scopes_of("b", endpoint=endpoint), "w1/2")
    assert (turn.obstacle, turn.name) == ("full", "openai")


def test_who_waits_for_one_scope_is_in_nobodys_way_at_the_other(fleet: Fleet) -> None:
    endpoint, there = Limit(concurrency=3), Limit(concurrency=1)
    busy = scopes_of("a", endpoint=endpoint, there=there)
    assert [fleet.obstacle(busy), fleet.obstacle(busy, order=0)] == [None, "full"]
    assert fleet.obstacle(scopes_of("b", endpoint=endpoint)) is None


def test_finish_before_you_start_and_first_come_first_served(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(concurrency=1))
    assert fleet.obstacle(scopes, "w1/0") is None
    arrived = [
        ("new", 9),
        ("new2", 9),
        ("rebuttal", 6),
        ("synthesis", 0),
        ("resolution", 3),
        ("synthesis2", 0),
    ]
    for name, order in arrived:
        assert fleet.obstacle(scopes, f"{name}/1", order=order) == "full"
    served, running = [], "w1/0"
    for _ in arrived:
        fleet.settle(running, scopes)
        (running,) = (t for name, _ in arrived for t in fleet.woken(name))
        # Who comes at this very moment is behind those who were there, unless his is the earlier kind of step.
        assert fleet.obstacle(scopes, "w9/1", order=9) == "full"
        assert fleet.obstacle(scopes, running) is None
        served.append(running.partition("/")[0])
    assert served == ["synthesis", "synthesis2", "resolution", "rebuttal", "new", "new2"]


def test_the_permits_and_the_place_of_a_dead_worker_run_out(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(concurrency=1))
    assert fleet.obstacle(scopes, "dead/1") is None
    assert fleet.obstacle(scopes, "dead/2", order=0) == "full"
    fleet.passes(scopes[1], PERMIT_MS + 1)
    assert fleet.obstacle(scopes, "w1/1") is None


def test_a_call_that_runs_keeps_its_permit_and_one_that_ended_gets_none_back(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(concurrency=1))
    assert fleet.ask(scopes, "w1/1")[1].holds
    fleet.passes(scopes[1], PERMIT_MS - 1_000)
    fleet.store.keep([("w1/1", scopes)])
    fleet.passes(scopes[1], PERMIT_MS - 1_000)
    assert fleet.obstacle(scopes, "w1/2") == "full"
    fleet.settle("w1/1", scopes)
    fleet.store.keep([("w1/1", scopes)])
    assert fleet.obstacle(scopes, "w1/2") is None


def test_asking_twice_is_asking_once(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(concurrency=1, rpm=2))
    assert [fleet.obstacle(scopes, "w1/1") for _ in range(5)] == [None] * 5
    fleet.settle("w1/1", scopes)
    assert fleet.obstacle(scopes, "w1/2") is None


# Rates


def test_requests_a_minute_are_counted_for_all_and_come_back_evenly(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(rpm=6))
    for number in range(6):
        fleet.settle(fleet.ask(scopes, f"w{number}/1")[0], scopes)
    token, turn = fleet.ask(scopes, "w1/2")
    assert (turn.obstacle, turn.name) == ("rate", "openai:a")
    assert 9.0 < turn.at_least_s <= 10.0
    fleet.passes(scopes[1], 5_001)
    assert fleet.obstacle(scopes, token) == "rate"  # and keeps its place by asking
    fleet.passes(scopes[1], 5_001)
    assert fleet.obstacle(scopes, "w9/1") == "rate", "who waits goes first"
    assert fleet.obstacle(scopes, token) is None


def test_tokens_are_reserved_and_what_was_not_used_is_given_back(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(tpm=1_000))
    token, turn = fleet.ask(scopes, tokens=900)
    assert turn.obstacle is None
    waiting, turn = fleet.ask(scopes, tokens=500)
    assert turn.obstacle == "rate"
    assert 23.0 < turn.at_least_s <= 24.0
    fleet.settle(token, scopes, tokens=900, used=100)
    assert fleet.woken() == [waiting]
    assert fleet.obstacle(scopes, waiting, tokens=500) is None
    # Used beyond what was reserved: the next pays for it.
    fleet.settle(waiting, scopes, tokens=500, used=1_000)
    assert fleet.ask(scopes, tokens=1)[1].at_least_s > 5.0


def test_a_call_beyond_all_limits_takes_a_full_bucket(fleet: Fleet) -> None:
    scopes = scopes_of(there=Limit(tpm=1_000))
    token, turn = fleet.ask(scopes, tokens=5_000)
    assert turn.obstacle is None
    fleet.settle(token, scopes, tokens=5_000, used=1_000)
    assert fleet.ask(scopes, tokens=1_000)[1].at_least_s > 59.0


# The breaker


def broken(fleet: Fleet, scopes: list[Scope], said: Any = FAILED) -> list[Any]:
    tokens = [fleet.ask(scopes)[0] for _ in range(POLICY.failures)]
    return [change for token in tokens for change in fleet.settle(token, scopes, said)]


def test_failures_of_all_workers_open_a_deployments_breaker_and_not_its_neighbours(fleet: Fleet) -> None:
    assert broken(fleet, scopes_of("a")) == [("opened", "openai:a")]
    _, turn = fleet.ask(scopes_of("a"), "w2/1")
    assert (turn.obstacle, turn.name) == ("open", "openai:a")
    assert 4.0 < turn.at_least_s <= 5.0
    assert fleet.obstacle(scopes_of("b")) is None


def test_an_endpoint_that_cannot_be_reached_is_closed_to_all_its_models(fleet: Fleet) -> None:
    assert broken(fleet, scopes_of("a"), ("failed", "nothing")) == [("opened", "openai")]
    assert fleet.obstacle(scopes_of("b")) == "open"


def test_a_failure_now_and_then_opens_nothing(fleet: Fleet) -> None:
    scopes = scopes_of()
    for said in [OK] * 11 + [FAILED] * 10:
        assert fleet.call(scopes, said) == []
    assert fleet.call(scopes, FAILED) == [("opened", "openai:a")]  # as often as not


def test_failures_of_long_ago_count_no_more(fleet: Fleet) -> None:
    scopes = scopes_of()
    for _ in range(POLICY.failures - 1):
        fleet.call(scopes, FAILED)
    fleet.passes(scopes[1], POLICY.window_ms)
    assert fleet.call(scopes, FAILED) == []


def test_what_says_nothing_of_a_deployment_opens_nothing(fleet: Fleet) -> None:
    assert broken(fleet, scopes_of(), NOTHING) + broken(fleet, scopes_of(), ("ok", "nothing")) == []


def test_when_its_time_is_up_one_call_probes_and_closes_it_for_all(fleet: Fleet) -> None:
    scopes = scopes_of()
    broken(fleet, scopes)
    early, _ = fleet.ask(scopes, "w2/1")
    fleet.passes(scopes[1], 5_001)
    assert fleet.obstacle(scopes, "w3/1") == "probing", "who waits goes first"
    _, turn = fleet.ask(scopes, early)
    assert (turn.obstacle, turn.holds) == (None, True)
    assert fleet.obstacle(scopes, "w3/1") == "probing"
    assert fleet.settle(early, scopes) == [("closed", "openai:a")]
    assert fleet.woken("w3") == ["w3/1"]
    assert fleet.obstacle(scopes, "w3/1") is None
    # It starts afresh: the failures of before are gone.
    assert fleet.call(scopes, FAILED) == []


def test_a_probe_that_fails_opens_it_for_longer_up_to_a_bound(fleet: Fleet) -> None:
    scopes = scopes_of()
    broken(fleet, scopes)
    pauses = []
    for _ in range(6):
        fleet.passes(scopes[1], POLICY.most_ms + 1)
        assert fleet.call(scopes, FAILED) == [("opened", "openai:a")]
        token, turn = fleet.ask(scopes)
        fleet.settle(token, scopes, NOTHING)
        pauses.append(round(turn.at_least_s))
    assert pauses == [10, 20, 40, 60, 60, 60]


@pytest.mark.parametrize("how", ["says nothing", "its worker dies"])
def test_a_probe_that_tells_nothing_leaves_its_place_to_another(fleet: Fleet, how: str) -> None:
    scopes = scopes_of()
    broken(fleet, scopes)
    fleet.passes(scopes[1], 5_001)
    assert fleet.obstacle(scopes, "w1/p") is None
    if how == "says nothing":
        assert fleet.settle("w1/p", scopes, NOTHING) == []
    else:
        assert fleet.obstacle(scopes, "w2/1") == "probing"
        fleet.passes(scopes[1], PERMIT_MS + 1)
    assert fleet.obstacle(scopes, "w2/2") is None


def test_calls_from_before_it_opened_neither_close_it_nor_open_it_again(fleet: Fleet) -> None:
    scopes = scopes_of()
    old = [fleet.ask(scopes)[0] for _ in range(2)]
    broken(fleet, scopes)
    assert [fleet.settle(old[0], scopes, OK), fleet.settle(old[1], scopes, FAILED)] == [[], []]
    assert fleet.obstacle(scopes) == "open"


# What stays behind


def test_it_can_be_looked_at_and_names_no_address(fleet: Fleet, client: redis.Redis) -> None:
    limited = Limit(concurrency=1, rpm=100, tpm=100_000)
    scopes = scopes_of("a", endpoint=limited, there=limited)
    for said in [FAILED] * POLICY.failures:
        fleet.call(scopes, said)
    fleet.call(scopes_of("b"), ("ok", "nothing"), cool_s=60)
    fleet.ask(scopes)
    opened, cooling = fleet.store.look()
    assert (opened.name, opened.is_open, opened.cooling_s) == ("openai:a", True, 0.0)
    assert 4.0 < opened.open_s <= 5.0
    assert (cooling.name, cooling.is_open) == ("openai:b", False)
    assert 59.0 < cooling.cooling_s <= 60.0
    for key in client.scan_iter():
        assert 0 < client.pttl(key) <= 7_200_000, key
        kinds = {"hash": client.hgetall, "list": lambda k: client.lrange(k, 0, -1)}
        kind = client.type(key)
        held = kinds[kind](key) if kind in kinds else client.zrange(key, 0, -1, withscores=True)
        assert "key-in-the-path" not in f"{key} {held}"


def test_keys_do_not_grow_with_calls(fleet: Fleet, client: redis.Redis) -> None:
    scopes = scopes_of(there=Limit(concurrency=5, rpm=10_000, tpm=10**8))
    sizes = []
    for number in range(300):
        fleet.call(scopes, FAILED if number % 10 == 0 else OK, tokens=10, used=5)
        sizes.append(client.dbsize())
    assert max(sizes) == sizes[0] <= 4
    assert client.hlen(scopes[1].key) <= 30
    assert not any(key.startswith(keys.TURN) for key in client.scan_iter())


def test_what_somebody_else_wrote_there_is_no_reason_to_crash(fleet: Fleet, client: redis.Redis) -> None:
    from orchestrator.errors import RecordUnreadable

    client.set(scopes_of()[0].key, "what?")
    with pytest.raises(RecordUnreadable):
        fleet.ask(scopes_of())
