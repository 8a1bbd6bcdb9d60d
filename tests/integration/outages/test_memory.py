"""Redis' memory is full (maxmemory, noeviction): new work is refused, what is under way is kept, nobody dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from orchestrator.broker import make_app
from orchestrator.client import Client
from orchestrator.errors import StoreRefused
from orchestrator.store import JobRef, keys
from tests.integration.conftest import StartWorker, question
from tests.integration.outages.conftest import Busy
from tests.model_server import ModelServer, through
from tests.nodes import wait_for
from tests.proxy import Proxy
from tests.servers import unacked

pytestmark = pytest.mark.integration


@contextmanager
def full(look: redis.Redis) -> Iterator[None]:
    """No memory is left in this time."""
    look.config_set("maxmemory", "1mb")
    try:
        yield
    finally:
        look.config_set("maxmemory", "0")


def test_a_submission_is_refused_with_what_to_do_and_leaves_nothing(
    producer: Client, look: redis.Redis
) -> None:
    spec = question()
    with full(look), pytest.raises(StoreRefused, match=r"memory is full.*raise its maxmemory"):
        producer.submit(spec)
    assert not list(look.scan_iter(f"*{spec.task_id}*"))
    assert not look.exists(keys.LEDGER)
    assert producer.submit(spec).created


def test_what_was_paid_for_is_kept_and_the_job_goes_on_when_there_is_room(
    busy: Busy, start_busy: StartWorker, producer: Client, look: redis.Redis
) -> None:
    worker = start_busy()
    busy.begin(3)
    with full(look):
        busy.finish()
        wait_for("the outputs", lambda: all(len(producer.store.load(ref).outputs) == 2 for ref in busy.refs))
        wait_for("the messages to be acknowledged", lambda: not any(unacked(look).values()))
        assert len(busy.model.asked) == 6, "a new step began"
    busy.check(worker, look)


def test_a_job_whose_last_step_is_under_way_ends_in_a_full_redis(
    start_busy: StartWorker, model: ModelServer, producer: Client, look: redis.Redis
) -> None:
    """For longer than a lease lives: it is renewed."""
    worker, gate = start_busy(), model.gate()
    model.script("synthesis", through(gate))
    ref = producer.submit(question(mode="parallel")).ref
    wait_for("the synthesis to be written", lambda: model.of("synthesis"))
    with full(look):
        before = look.pttl(ref.lease("synthesis"))
        wait_for("the lease to be renewed", lambda: look.pttl(ref.lease("synthesis")) > before)
        gate.open()
        assert producer.wait(ref, within_s=10).status == "complete"
    assert worker.status == "running"
    assert len(model.asked) == 3


def test_a_message_that_cannot_be_booked_is_worked_on_when_there_is_room(
    busy: Busy, start_busy: StartWorker, producer: Client, look: redis.Redis
) -> None:
    worker = start_busy()
    worker.kill("SIGSTOP")
    busy.refs.append(producer.submit(question(mode="parallel")).ref)
    with full(look):
        worker.kill("SIGCONT")
        wait_for("the message to be taken", lambda: "could not be booked" in worker.logs())
        assert unacked(look) == {"unacked": 0, "index": 0}
        wait_for("the step to wait", lambda: "memory is full" in worker.logs())
    busy.check(worker, look)


def test_a_worker_that_loses_its_connection_or_starts_meanwhile_comes_back(
    busy: Busy, start_busy: StartWorker, proxy: Proxy, look: redis.Redis
) -> None:
    worker = start_busy(REDIS_URL=proxy.url)
    busy.begin(1)
    with full(look):
        proxy.cut()
        wait_for("the worker to lose its broker", lambda: "Connection to broker lost" in worker.logs())
        other = start_busy(ready=False)
        wait_for("the other to be refused", lambda: "Connection to broker lost" in other.logs())
    busy.finish()
    busy.check(worker, look)
    other.ready()


def test_a_celery_producers_message_is_not_lost(
    start_worker: StartWorker, producer: Client, look: redis.Redis
) -> None:
    """It is all that there is of its job: it waits until the record can be written."""
    worker = start_worker()
    worker.kill("SIGSTOP")
    spec = question()
    make_app(producer.settings).send_task(
        "triptych.submit", [spec.model_dump(mode="json")], queue="triptych.v2.plan"
    )
    with full(look):
        worker.kill("SIGCONT")
        wait_for("the submission to wait", lambda: "memory is full" in worker.logs())
    ref = JobRef(spec.tenant, spec.task_id)
    wait_for("the record", lambda: look.exists(ref.job))
    assert producer.wait(ref, within_s=30).status == "complete"
