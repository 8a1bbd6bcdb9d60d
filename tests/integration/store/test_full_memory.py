"""A full Redis: each change of state is done whole or not at all, and what is under way is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from orchestrator.contracts import Passage, Reason, TaskSpec
from orchestrator.errors import StoreRefused
from orchestrator.store import JobRef, JobStore, history
from orchestrator.store.leases import Lease
from tests.integration.store.conftest import ended, output, result, submitted
from tests.integration.store.test_leases import Accept, granted, lapse

pytestmark = pytest.mark.integration


@pytest.fixture
def fill(client: redis.Redis) -> Iterator[Callable[[], None]]:
    """From this call on no memory is left."""

    def fill() -> None:
        client.config_set("maxmemory", "1mb")

    yield fill
    client.config_set("maxmemory", "0")


def everything(client: redis.Redis) -> dict[str, bytes | None]:
    return {key: client.dump(key) for key in client.scan_iter("*")}


def once_more(store: JobStore, ref: JobRef) -> None:
    spec = TaskSpec(task_id="new", goal="Why?", idempotency_key="k")
    store.accept(spec, deadline_s=60, event=submitted(spec))


def first_lease(store: JobStore, ref: JobRef) -> None:
    store.acquire(ref, "antithesis", "w1")


def second_lease(store: JobStore, ref: JobRef) -> None:
    assert store.acquire(ref, "thesis", "w2").status == "held"


def sent(store: JobStore, ref: JobRef) -> None:
    store.mark_sent(ref, ["thesis", "antithesis"])


@pytest.mark.parametrize("new", [once_more, first_lease, second_lease, sent])
def test_what_is_new_is_refused_and_leaves_nothing(
    store: JobStore,
    accept: Accept,
    client: redis.Redis,
    fill: Callable[[], None],
    new: Callable[[JobStore, JobRef], None],
) -> None:
    ref = accept()
    granted(store, ref)
    before = everything(client)
    fill()
    with pytest.raises(StoreRefused, match="memory is full"):
        new(store, ref)
    after = everything(client)
    lease = ref.lease("thesis")  # its TTL goes on
    assert {**after, lease: before[lease]} == before


@pytest.mark.parametrize("lapsed", [False, True])
def test_what_is_under_way_is_kept_to_its_end(
    store: JobStore, accept: Accept, client: redis.Redis, fill: Callable[[], None], lapsed: bool
) -> None:
    """A lease that ran out meanwhile is still its owner's, and is renewed."""
    ref = accept()
    lease: Lease = granted(store, ref)
    fill()
    if lapsed:
        lapse(client, lease)
    assert store.renew([lease]) == ["kept"]
    store.emit(ref, ended(ref, "plan"))
    brought = Passage(id="p9", source="a.md", text="Because.")
    cause = Reason(code="plan_failed", detail="a test")
    written = store.write_output(
        lease, output(ref), events=(ended(ref),), passages=(brought,), cause=cause, keep_lease=True
    )
    assert written.status == "written"
    store.emit(ref, ended(ref), once=("thesis_end",))
    store.emit(ref, ended(ref), once=("thesis_end",))
    assert store.finish(ref, result(ref), events=(ended(ref, "synthesis"),), final_step="thesis").first
    record = store.load(ref)
    assert (record.open, record.cause, record.outputs["thesis"].summary) == (False, cause, "yes")
    assert record.result is not None
    assert store.passages(ref) == (brought,)
    assert len(history(client, ref)) == 5
    assert not client.exists(ref.lease("thesis"))
    assert client.pttl(ref.job) > 0
