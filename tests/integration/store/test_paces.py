"""What a fleet learns of its models, and the budget of backups that it shares. On a real Redis."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
import redis

from orchestrator.contracts import Usage
from orchestrator.settings.limits import Limit
from orchestrator.store import keys, paces
from orchestrator.store.endpoints import EndpointStore, Scope
from orchestrator.store.paces import PaceStore, Seen
from tests.integration.store.test_endpoints import POLICY, scopes_of

pytestmark = pytest.mark.integration

THERE = Scope.of("https://models.test:443/v1", "openai:a", Limit())
ELSEWHERE = Scope.of("https://models.test:443/v1", "openai:b", Limit())
CALL = Seen(0.7, 4.5, Usage(input_tokens=1_624, cached_tokens=1_024, output_tokens=228, calls=1))


@pytest.fixture
def store(client: redis.Redis) -> PaceStore:
    return PaceStore(client)


def seen(store: PaceStore, times: int, call: Seen = CALL, scope: Scope = THERE, step: str = "thesis") -> None:
    for _ in range(times):
        store.learn(scope, step, call)


def window_passes(client: redis.Redis, scope: Scope, slots: int) -> None:
    """Let time pass for what is stored of a window."""
    key = keys.backups(scope.id)
    found = cast("dict[str, str]", client.hgetall(key))
    client.delete(key)
    for name in found:
        if name[0] == "n":
            number, at = int(found[name]) - slots, name[1:]
            counts: dict[str, Any] = {"n": number, "c": found[f"c{at}"], "b": found[f"b{at}"]}
            client.hset(key, mapping={f"{what}{number % 10}": value for what, value in counts.items()})


def test_what_was_seen_is_told_per_model_and_step(store: PaceStore) -> None:
    seen(store, 3)
    seen(store, 1, Seen(first_s=2.0, usage=Usage(calls=1, estimated_tokens=7)))
    seen(store, 1, Seen(0.6, 4.0, Usage(calls=1), backup=True, won=True))
    seen(store, 2, scope=ELSEWHERE, step="rebuttal")
    told = store.look(0.5)
    assert [(pace.model, pace.step, pace.calls) for pace in told.paces] == [
        ("openai:a", "thesis", 5), ("openai:b", "rebuttal", 2),
    ]  # fmt: skip
    first = told.paces[0]
    assert (first.seen, first.backups, first.backups_won, first.estimated_tokens) == (5, 1, 1, 7)
    assert (first.input_tokens, first.cached_tokens, first.output_tokens) == (4_872, 3_072, 684)
    assert first.first_token_s.p50 == pytest.approx(0.7, rel=0.05)
    assert first.answer_s.p99 == pytest.approx(4.5, rel=0.05)
    # The backup is no call that could have one.
    assert [(b.model, b.calls, b.backups, b.allowed) for b in told.budgets] == [
        ("openai:a", 4, 0, 2), ("openai:b", 2, 0, 1),
    ]  # fmt: skip


def test_what_was_seen_long_ago_is_forgotten(
    store: PaceStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "GENERATION", 10)
    seen(store, 10, Seen(9.0, usage=Usage(calls=1)))
    seen(store, 10)
    assert store.pace(THERE, "thesis").seen == 20
    seen(store, 1)
    pace = store.pace(THERE, "thesis")
    assert (pace.seen, len(pace.firsts)) == (11, 1)
    client.hincrby(keys.learned(THERE.id, "thesis")[0], "began", -paces.GENERATION_MS - 1)
    seen(store, 1)
    assert store.pace(THERE, "thesis").seen == 2


def test_every_key_goes_by_itself(
    store: PaceStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "GENERATION", 1)
    seen(store, 2)
    assert store.take(THERE, 1.0)
    store.give_back(ELSEWHERE)
    found = cast("list[str]", list(client.scan_iter("*")))
    assert len(found) == 5
    assert all(0 < client.pttl(key) <= paces.KEEP_MS for key in found)


def test_backups_keep_to_their_share_of_calls_however_many_ask(store: PaceStore) -> None:
    seen(store, 99)
    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda _: store.take(THERE, 0.1), range(40)))
    assert sum(granted) == 9
    seen(store, 1)
    assert [store.take(THERE, 0.1), store.take(THERE, 0.1)] == [True, False]
    store.give_back(THERE)
    assert [store.take(THERE, 0.1), store.take(THERE, 0.1)] == [True, False]
    assert not store.take(ELSEWHERE, 0.1)  # another model's calls are not its own


def test_the_window_moves_on(store: PaceStore, client: redis.Redis) -> None:
    seen(store, 100)
    assert sum(store.take(THERE, 0.1) for _ in range(5)) == 5
    window_passes(client, THERE, 5)
    seen(store, 20)
    assert sum(store.take(THERE, 0.1) for _ in range(2)) == 2
    window_passes(client, THERE, 6)
    # The hundred calls and their five backups are gone; twenty calls and two backups are left.
    assert not store.take(THERE, 0.1)
    seen(store, 10)
    assert [store.take(THERE, 0.1), store.take(THERE, 0.1)] == [True, False]


# A backup at the gate: through at once, or not at all


def ask(client: redis.Redis, token: str, scopes: list[Scope], **how: Any) -> str | None:
    return EndpointStore(client).ask(token, scopes, order=9, tokens=0, **how).obstacle


def full(client: redis.Redis) -> list[Scope]:
    scopes = scopes_of(there=Limit(concurrency=1))
    assert ask(client, "w1/1", scopes) is None
    return scopes


def taken_by_who_waits(client: redis.Redis) -> list[Scope]:
    scopes = full(client)
    assert ask(client, "w1/2", scopes) == "full"
    EndpointStore(client).settle("w1/1", scopes, ("ok", "ok"), policy=POLICY)
    return scopes


def cooling(client: redis.Redis) -> list[Scope]:
    EndpointStore(client).settle("w1/1", scopes_of(), ("ok", "nothing"), cool_s=30.0, policy=POLICY)
    return scopes_of()


def broken(client: redis.Redis) -> list[Scope]:
    for _ in range(POLICY.failures):
        EndpointStore(client).settle("w1/1", scopes_of(), ("ok", "failed"), policy=POLICY)
    return scopes_of()


def due_for_a_probe(client: redis.Redis) -> list[Scope]:
    scopes = broken(client)
    client.hset(scopes[-1].key, "open_until", 1)
    return scopes


@pytest.mark.parametrize(
    ("trouble", "obstacle"),
    [
        (full, "full"),
        (taken_by_who_waits, "full"),
        (cooling, "cooling"),
        (broken, "open"),
        (due_for_a_probe, "probing"),
    ],
)
def test_where_a_call_would_have_to_wait_a_backup_is_refused_and_leaves_no_trace(
    client: redis.Redis, trouble: Callable[[redis.Redis], list[Scope]], obstacle: str
) -> None:
    scopes = trouble(client)
    lines = {key: client.zrange(key, 0, -1) for key in client.scan_iter("*:line")}
    assert ask(client, "w2/1", scopes, at_once=True) == obstacle
    assert {key: client.zrange(key, 0, -1) for key in client.scan_iter("*:line")} == lines
    assert not any(client.zscore(key, "w2/1") for key in client.scan_iter("*:held"))


def test_a_backup_that_passes_holds_a_permit_like_any_call(client: redis.Redis) -> None:
    scopes = scopes_of(there=Limit(concurrency=1))
    assert ask(client, "w1/1", scopes, at_once=True) is None
    assert ask(client, "w1/2", scopes) == "full"
