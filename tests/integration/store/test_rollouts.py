"""A rollout in a real Redis: one at a time, compare-and-set, every job counted once, every move in the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import redis

from orchestrator import rolling
from orchestrator.contracts import Assignment
from orchestrator.contracts.events import Event, JobEnd, RolloutMoved, RolloutStarted, parse_event
from orchestrator.contracts.rollout import Stage
from orchestrator.errors import InvalidInput, RecordUnreadable
from orchestrator.rollout.replay import replay
from orchestrator.rollout.tally import Fold, counted
from orchestrator.routing.modes import Steering
from orchestrator.store import JobRef, JobStore, Ledger, keys
from orchestrator.store.rollouts import HISTORY, Rollout, RolloutStore
from tests.integration.store.conftest import result
from tests.unit.rollout.cases import end as ended_job

pytestmark = pytest.mark.integration
Accept = Callable[..., JobRef]


def begin(client: redis.Redis, *shares: float, hold_s: float = 0.0, count: int = 3, **fields: Any) -> Rollout:
    spec = rolling.new_spec(
        **{
            "from_mode": "sequential",
            "to_mode": "parallel",
            "stages": tuple(Stage(share=s, hold_s=hold_s, count=count) for s in shares or (50.0, 100.0)),
            "margin": 0.9,
            "slower": 10.0,
            **fields,
        }
    )
    return rolling.start(client, spec, who="kim@ops", why="trial")


def finish(store: JobStore, ref: JobRef, stands: Rollout, *, canary: bool, **fields: Any) -> JobEnd:
    """End a job that was assigned at the share of the stage."""
    share = stands.spec.stages[stands.status.stage].share
    end = ended_job(0, rollout=stands.spec.id, share=share, draw=0.0 if canary else 99.99, **fields)
    end = end.model_copy(update={"task_id": ref.task_id, "event_id": f"{int(ref.task_id[3:]):032x}"})
    store.finish(ref, result(ref), events=[end], counts=counted(end))
    return end


def ledger(client: redis.Redis) -> list[Event]:
    return [parse_event(raw, at_ms=int(entry.partition("-")[0])) for entry, raw in Ledger(client).all()]


def loaded(client: redis.Redis) -> Rollout:
    stands = RolloutStore(client).load()
    assert stands is not None
    return stands


def test_without_one_the_settings_decide(client: redis.Redis) -> None:
    assert RolloutStore(client).load() is None
    assert rolling.orders(client) == rolling.Orders(None, None)
    assert rolling.tick(client) is None
    assert not rolling.clear(client, who="kim")
    with pytest.raises(InvalidInput, match="there is none"):
        rolling.ask(client, "pause", who="kim", why="")
    assert ledger(client) == []


def test_a_job_is_counted_once_with_its_end(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    stands = begin(client)
    ref = accept()
    end = finish(store, ref, stands, canary=True, evidence_ok=False)
    store.finish(ref, result(ref), events=[end], counts=counted(end))
    found = loaded(client)
    assert found.counted == 1
    assert (found.tallies[50.0].canary.jobs, found.tallies[50.0].canary.failures) == (1, 1)
    fold = Fold(stands.spec.id)
    fold.add(ledger(client))
    assert fold.tallies == found.tallies


def test_a_job_of_an_earlier_rollout_counts_for_none(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    first = begin(client)
    rolling.ask(client, "abort", who="kim", why="")
    second = begin(client)
    finish(store, accept(), first, canary=True)
    assert (loaded(client).spec, loaded(client).counted) == (second.spec, 0)
    rolling.ask(client, "abort", who="kim", why="")
    assert rolling.clear(client, who="kim")
    finish(store, accept(), second, canary=True)
    assert not client.exists(keys.ROLLOUT_TALLY)


def test_a_tally_that_is_full_costs_no_result(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    stands = begin(client)
    client.hset(keys.ROLLOUT_TALLY, "50:canary:ms2", 2**63 - 1)
    ref = accept()
    finish(store, ref, stands, canary=True)
    assert store.load(ref).result is not None
    assert loaded(client).counted == 1


def test_a_failing_canary_is_rolled_back_at_the_first_tick_also_while_paused(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    stands = begin(client, hold_s=3_600)
    rolling.ask(client, "pause", who="lee@ops", why="lunch")
    for number in range(5):
        assert rolling.tick(client) is None, number
        finish(store, accept(), stands, canary=True, status="failed", evidence_ok=False)
    found = rolling.tick(client)
    assert found is not None
    assert found.move == "roll_back"
    assert loaded(client).status.phase == "rolled_back"
    assert rolling.orders(client).steering == Steering("sequential", "parallel", 0.0, None)
    assert rolling.tick(client) is None, "it is sticky"
    with pytest.raises(InvalidInput, match="has ended"):
        rolling.ask(client, "resume", who="kim", why="")
    assert [e.move for e in ledger(client) if isinstance(e, RolloutMoved)] == ["pause", "roll_back"]


def run_through(store: JobStore, accept: Accept, client: redis.Redis) -> list[str]:
    """Tick, and end jobs of both sides until it has ended."""
    made: list[str] = []
    for _ in range(60):
        stands = loaded(client)
        if stands.status.phase == "complete":
            return made
        if move := rolling.tick(client):
            made.append(move.move)
            continue
        finish(store, accept(), stands, canary=True)
        if stands.spec.stages[stands.status.stage].share < 100:
            finish(store, accept(), stands, canary=False)
    raise AssertionError("it never ended")


def test_a_good_one_goes_all_the_way_and_the_ledger_bears_it_out(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    stands = begin(client, 5.0, 50.0, 100.0)
    assert run_through(store, accept, client) == ["advance", "advance", "complete"]
    again = replay(ledger(client), stands.spec.id)
    assert [each.recorded.move for each in again] == ["advance", "advance", "complete"]
    assert all(each.same for each in again)
    assert [each.recorded.share for each in again] == [50.0, 100.0, 100.0]
    assert rolling.orders(client).steering == Steering("sequential", "parallel", 100.0, None)


def test_a_ledger_that_says_something_else_is_found_out(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    stands = begin(client, 5.0, 100.0)
    run_through(store, accept, client)
    events = ledger(client)
    without = [e for e in events if not isinstance(e, JobEnd) or e.task_id != _first_job(events)]
    assert not all(each.same for each in replay(without, stands.spec.id))


def _first_job(events: Sequence[Event]) -> str:
    return next(e.task_id for e in events if isinstance(e, JobEnd))


def test_a_job_that_ends_while_it_is_decided_is_decided_on(
    store: JobStore, accept: Accept, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided on three jobs, stored with three: a fourth that comes in between has it decided anew."""
    stands = begin(client, 50.0, 100.0)
    for canary in (True, True, True, False, False, False):
        finish(store, accept(), stands, canary=canary)
    late = [accept()]
    change = RolloutStore.change

    def meanwhile(self: RolloutStore, *args: Any, **options: Any) -> Any:
        while late:
            finish(store, late.pop(), stands, canary=True)
        return change(self, *args, **options)

    monkeypatch.setattr(RolloutStore, "change", meanwhile)
    move = rolling.tick(client)
    assert move is not None
    assert move.why.startswith("4 jobs at 50 %")
    assert all(each.same for each in replay(ledger(client), stands.spec.id))


def test_of_many_that_tick_at_once_one_moves_it(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    stands = begin(client, 50.0, 100.0)
    for canary in (True, False) * 4:
        finish(store, accept(), stands, canary=canary)
    barrier, moves = threading.Barrier(8), list[Any]()

    def one() -> None:
        barrier.wait()
        moves.append(rolling.tick(client))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(move is not None for move in moves) == 1
    assert (loaded(client).status.rev, loaded(client).status.stage) == (2, 1)


def test_a_reply_that_was_lost_is_no_second_move(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(client)
    change = RolloutStore.change

    def twice(self: RolloutStore, *args: Any, **options: Any) -> Any:
        change(self, *args, **options)
        return change(self, *args, **options)

    monkeypatch.setattr(RolloutStore, "change", twice)
    assert rolling.ask(client, "pause", who="kim", why="").status.phase == "paused"
    assert (loaded(client).status.rev, len(RolloutStore(client).history())) == (2, 2)


def test_only_one_is_under_way(client: redis.Redis) -> None:
    first = begin(client)
    with pytest.raises(InvalidInput, match="is under way"):
        begin(client)
    with pytest.raises(InvalidInput, match="under way"):
        rolling.clear(client, who="kim")
    rolling.ask(client, "abort", who="kim", why="enough")
    assert begin(client).spec.id != first.spec.id


def test_it_wants_a_reason(client: redis.Redis) -> None:
    spec = begin(client).spec
    rolling.ask(client, "abort", who="kim", why="")
    with pytest.raises(InvalidInput, match="--why"):
        rolling.start(client, spec, who="kim", why=" ")


def test_the_history_knows_who_and_why_and_is_bounded(client: redis.Redis) -> None:
    begin(client)
    for _ in range(HISTORY):
        rolling.ask(client, "pause", who="kim@ops", why="lunch")
        rolling.ask(client, "resume", who="lee@ops", why="back")
    found = RolloutStore(client).history()
    assert len(found) == HISTORY
    assert (found[-1].who, found[-1].why) == ("lee@ops", "back")
    told = [e for e in ledger(client) if isinstance(e, RolloutStarted | RolloutMoved)]
    assert len(told) == 1 + 2 * HISTORY


def test_what_cannot_be_read_means_the_old_mode_and_can_be_cleared(client: redis.Redis) -> None:
    begin(client)
    client.hset(keys.ROLLOUT, "status", "{")
    assert rolling.orders(client).steering == rolling.UNREADABLE
    with pytest.raises(RecordUnreadable, match="triptych rollout clear"):
        rolling.tick(client)
    assert rolling.clear(client, who="kim")
    assert rolling.orders(client).steering is None


def test_what_a_newer_version_added_is_passed_over(client: redis.Redis) -> None:
    stands = begin(client)
    spec = stands.spec.model_dump_json().replace('"margin"', '"novel":1,"margin"')
    client.hset(keys.ROLLOUT, "spec", spec)
    assert loaded(client).spec == stands.spec


def test_a_full_redis_takes_counts_and_a_rollback(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    stands = begin(client)
    refs = [accept() for _ in range(5)]
    client.config_set("maxmemory", "1mb")
    try:
        for ref in refs:
            finish(store, ref, stands, canary=True, status="failed", evidence_ok=False)
        assert loaded(client).counted == 5
        assert rolling.tick(client) is not None
    finally:
        client.config_set("maxmemory", "0")
    assert loaded(client).status.phase == "rolled_back"


def test_an_assignment_of_an_older_version_is_no_rollouts() -> None:
    old = Assignment.model_validate({"arm": "parallel", "share": 5.0, "draw": 1.0})
    assert old.rollout is None
