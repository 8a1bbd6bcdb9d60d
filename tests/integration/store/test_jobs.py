"""The job record: accepted once, ended once, read whole, and gone in the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from pydantic import SecretStr

from orchestrator.broker import make_app
from orchestrator.contracts import (
    Complexity,
    Inputs,
    Passage,
    Reason,
    TaskSpec,
)
from orchestrator.contracts.events import JobEnd
from orchestrator.errors import InvalidInput, JobNotFound, RecordUnreadable, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, Ledger, connect, history
from orchestrator.store import keys as names
from orchestrator.store.record import Finished
from orchestrator.submission import submit
from tests.integration.store.conftest import plan, result, submitted

pytestmark = pytest.mark.integration
Accept = Callable[..., JobRef]


def end(ref: JobRef) -> JobEnd:
    return JobEnd(event_id="0" * 32, task_id=ref.task_id, status="complete", total_ms=1)


def test_the_same_spec_twice_is_one_job(store: JobStore) -> None:
    spec = TaskSpec(task_id="same", goal="Why?")
    assert store.accept(spec, deadline_s=60, event=submitted(spec)) == ("created", "same")
    assert store.accept(spec, deadline_s=60, event=submitted(spec)) == ("existing", "same")


def test_a_task_id_cannot_be_taken_over_by_another_body(store: JobStore) -> None:
    spec = TaskSpec(task_id="same", goal="Why?")
    other = TaskSpec(task_id="same", goal="Why not?")
    store.accept(spec, deadline_s=60, event=submitted(spec))
    assert store.accept(other, deadline_s=60, event=submitted(other)) == ("conflict", "same")
    assert store.load(JobRef("default", "same")).spec.goal == "Why?"


def test_an_idempotency_key_gives_back_the_first_job_also_under_another_task_id(store: JobStore) -> None:
    first = TaskSpec(task_id="one", goal="Why?", idempotency_key="k")
    again = TaskSpec(task_id="two", goal="Why?", idempotency_key="k")
    changed = TaskSpec(task_id="three", goal="Why not?", idempotency_key="k")
    elsewhere = TaskSpec(task_id="four", goal="Why not?", idempotency_key="k", tenant="other")
    assert store.accept(first, deadline_s=60, event=submitted(first)) == ("created", "one")
    assert store.accept(again, deadline_s=60, event=submitted(again)) == ("existing", "one")
    assert store.accept(changed, deadline_s=60, event=submitted(changed)) == ("conflict", "one")
    assert store.accept(elsewhere, deadline_s=60, event=submitted(elsewhere)) == ("created", "four")


def test_a_job_has_one_result_and_it_is_the_first(store: JobStore, accept: Accept) -> None:
    ref = accept()
    assert store.finish(ref, result(ref, "first"), events=[end(ref)]).first
    assert not store.finish(ref, result(ref, "second"), events=[end(ref)]).first
    record = store.load(ref)
    assert record.result is not None
    assert record.result.answer == "first"
    assert not record.open
    assert str(ref) not in dict(store.active())


def test_what_is_running_is_active_most_urgent_first(store: JobStore) -> None:
    for name, deadline_s in (("slow", 60.0), ("urgent", 5.0)):
        spec = TaskSpec(task_id=name, goal="Why?")
        store.accept(spec, deadline_s=deadline_s, event=submitted(spec))
    assert [address for address, _ in store.active()] == ["default/urgent", "default/slow"]


def test_the_record_reads_back_whole(store: JobStore, accept: Accept) -> None:
    ref = accept(mode="parallel")
    grant = store.acquire(ref, "plan", "w1")
    assert grant.granted is not None
    event = submitted(TaskSpec(task_id=ref.task_id, goal="Why?"))
    store.write_output(grant.granted.lease, plan(ref), events=[event])
    record = store.load(ref)
    assert record.plan == plan(ref)
    assert record.plan is not None
    assert record.plan.complexity == Complexity(score=1, source="observed")
    assert record.done == {"plan"}
    assert record.steps["plan"].attempts == 1
    assert record.steps["plan"].started_ms is not None
    assert record.deadline_ms - record.accepted_ms == 60_000


def test_every_event_is_in_the_jobs_stream_and_in_the_ledger(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    ref = accept()
    store.finish(ref, result(ref, "a"), events=[end(ref)])
    seen = [event.event for event in history(client, ref)]
    assert seen == ["job_submitted", "job_end"]
    assert len(Ledger(client).read()) == 2
    assert all(event.at_ms > 1_600_000_000_000 for event in history(client, ref))


def test_an_event_that_a_job_has_once_is_told_once(client: redis.Redis, accept: Accept) -> None:
    told: list[str] = []
    store = JobStore(client, observe=lambda event: told.append(event.event))
    ref = accept()
    spec = TaskSpec(task_id=ref.task_id, goal="Why?")
    for _ in range(2):
        store.emit(ref, submitted(spec), end(ref), once=["job_end"])
    expected = ["job_submitted", "job_end", "job_submitted"]
    assert told == expected
    assert [event.event for event in history(client, ref)][1:] == expected


def test_whoever_ends_a_job_hears_whether_it_owes_answers(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    ref, other = accept(), accept()
    client.sadd(names.OWED, str(other))
    assert not store.finish(ref, result(ref, "a"), events=[end(ref)]).owes
    assert store.finish(other, result(other, "a"), events=[end(other)]).owes
    assert store.finish(other, result(other, "again"), events=[]) == Finished(first=False, owes=True)


def test_every_key_of_a_job_has_a_ttl(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    ref = accept(idempotency_key="k")
    store.acquire(ref, "thesis", "w1")
    owned = {names.LEDGER, names.LEDGER_ID, names.ACTIVE}
    endless = [key for key in client.scan_iter() if key not in owned and client.pttl(key) < 0]
    assert endless == []


def test_a_job_that_expired_is_said_to_be_unknown(store: JobStore) -> None:
    with pytest.raises(JobNotFound, match="may have expired"):
        store.load(JobRef("default", "gone"))


def test_a_redis_that_is_away_is_said_to_be_away_without_its_address() -> None:
    away = JobStore(connect("redis://:hunter2@127.0.0.1:1/0"))
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        away.now_ms()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("length", "priority"), [(0, 0), (2, 9)])
def test_a_queues_length_counts_all_priorities(
    store: JobStore, client: redis.Redis, length: int, priority: int
) -> None:
    key = dict(zip(names.PRIORITY_STEPS, names.queue_lists("q"), strict=True))[priority]
    if length:
        client.rpush(key, *range(length))
    assert store.queue_length("q") == length


def test_a_spec_over_the_byte_cap_is_refused_before_anything_is_recorded(
    client: redis.Redis, redis_url: str
) -> None:
    settings = Settings(redis_url=SecretStr(redis_url))
    large = tuple(Passage(id=f"p{n}", source="s", text="x" * 6_000) for n in range(200))
    spec = TaskSpec(task_id="large", goal="Why?", inputs=Inputs(passages=large))
    with pytest.raises(InvalidInput, match="corpus"):
        submit(spec, store=JobStore(client), app=make_app(settings), settings=settings)
    assert list(client.scan_iter()) == []


def test_the_sweep_sees_every_active_job_however_many(
    store: JobStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.store.reading.ACTIVE_PAGE", 10)
    client.zadd(names.ACTIVE, {f"default/j{n}": n for n in range(25)})
    assert len(list(store.active())) == 25


def test_a_cause_is_stored_with_the_output_and_the_first_one_stays(store: JobStore, accept: Accept) -> None:
    ref = accept()
    granted = store.acquire(ref, "plan", "w1").granted
    assert granted is not None
    store.write_output(granted.lease, plan(ref), events=[], cause=Reason(code="no_evidence"))
    cause = store.load(ref).cause
    assert cause is not None
    assert cause.code == "no_evidence"


def test_a_field_that_a_newer_version_added_is_passed_over_in_the_store(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    ref = accept()
    spec = client.hget(ref.job, "spec")
    assert isinstance(spec, str)
    client.hset(ref.job, "spec", spec.replace('"goal"', '"mood":"new","goal"', 1))
    assert store.load(ref).spec.goal == "Why?"


@pytest.mark.parametrize("garbage", ["not JSON", "{}", "42"])
def test_a_record_that_cannot_be_read_says_so(
    store: JobStore, accept: Accept, client: redis.Redis, garbage: str
) -> None:
    ref = accept()
    client.hset(ref.job, "out:thesis", garbage)
    with pytest.raises(RecordUnreadable, match="cannot be read"):
        store.load(ref)


def test_an_idempotency_key_is_free_again_once_its_job_has_expired(
    store: JobStore, client: redis.Redis
) -> None:
    first = TaskSpec(task_id="one", goal="Why?", idempotency_key="k")
    store.accept(first, deadline_s=60, event=submitted(first))
    client.delete(JobRef("default", "one").job)
    other = TaskSpec(task_id="two", goal="Why not?", idempotency_key="k")
    assert store.accept(other, deadline_s=60, event=submitted(other)) == ("created", "two")


def test_bookkeeping_for_a_job_that_is_gone_makes_no_key(store: JobStore, client: redis.Redis) -> None:
    gone = JobRef("default", "gone")
    store.mark_sent(gone, ["thesis"])
    store.emit(gone, end(gone), once=["job_end"])
    assert list(client.scan_iter()) == []
