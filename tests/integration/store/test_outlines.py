"""What the sweep reads of many jobs at once: how far they are, and not a word of what was said."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import redis

from orchestrator.broker import make_app
from orchestrator.errors import JobNotFound, RecordUnreadable
from orchestrator.recovery import Sweep, runnable, runnable_since
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore
from orchestrator.store.record import Outline
from tests.integration.store.conftest import ended, output, plan

pytestmark = pytest.mark.integration
Accept = Callable[..., JobRef]


def written(store: JobStore, ref: JobRef, *steps: str) -> JobRef:
    """Have these steps written."""
    for step in steps:
        grant = store.acquire(ref, step, uuid.uuid4().hex)
        assert grant.granted is not None
        said = plan(ref) if step == "plan" else output(ref)
        store.write_output(grant.granted.lease, said, events=[ended(ref, step)], sends=["synthesis"])
    return ref


@pytest.mark.parametrize(
    "steps", [(), ("plan",), ("plan", "thesis"), ("plan", "thesis", "antithesis_standalone")]
)
def test_an_outline_tells_of_a_job_what_its_record_tells(
    store: JobStore, accept: Accept, client: redis.Redis, steps: tuple[str, ...]
) -> None:
    ref = written(store, accept(mode="parallel"), *steps)
    client.hset(ref.job, "out:claim:1", '{"id": "t1", "text": "One."}')
    (outline,) = store.outlines([ref])
    record = store.load(ref)
    assert isinstance(outline, Outline)
    for name in ("open", "accepted_ms", "deadline_ms", "plan", "awaited", "steps", "cause", "done", "ready"):
        assert getattr(outline, name) == getattr(record, name), name
    now = record.accepted_ms + 5
    assert runnable(outline, now) == runnable(record, now)
    assert runnable_since(outline, "synthesis") == runnable_since(record, "synthesis")
    assert outline.to_be_merged(now) == record.to_be_merged(now)


def test_what_is_wrong_with_one_job_is_told_of_that_job(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    gone, odd, cut, fine = JobRef("default", "nobody"), accept(), accept(), accept()
    client.delete(odd.job)
    client.lpush(odd.job, "x")
    client.hset(cut.job, "deadline_ms", "soon")
    kinds = [type(found) for found in store.outlines([gone, odd, cut, fine])]
    assert kinds == [JobNotFound, RecordUnreadable, RecordUnreadable, Outline]


def test_a_sweep_goes_on_past_jobs_that_cannot_be_read(
    store: JobStore, accept: Accept, client: redis.Redis, settings: Settings
) -> None:
    odd = [written(store, accept(mode="pipelined"), "plan") for _ in range(2)]
    by_claim = plan(odd[0]).model_copy(update={"mode": "pipelined"})
    client.hset(odd[0].job, mapping={"out:claim:x": "{}", "out:plan": by_claim.to_wire()})
    client.hset(odd[1].job, "accepted_ms", "{}")
    lost = written(store, accept(mode="parallel"), "plan")
    client.hset(lost.job, mapping={"ended:plan": 0, "accepted_ms": 0})
    resent: list[tuple[JobRef, str]] = []
    unreadable: list[JobRef] = []
    sweep = Sweep(
        store=store,
        app=make_app(settings),
        on_expired=lambda *_: None,
        on_resent=lambda ref, step, _: resent.append((ref, step)),
        on_unreadable=lambda ref, *_: unreadable.append(ref),
    )
    assert sweep.run() == 2
    assert resent == [(lost, "thesis"), (lost, "antithesis_standalone")]
    assert set(unreadable) == set(odd)
