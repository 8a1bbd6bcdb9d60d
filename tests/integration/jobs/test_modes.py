"""One job through the whole house: real Valkey, real worker processes, the extractive engine."""

from __future__ import annotations

import json
import threading

import pytest
import redis
from pytest_celery import CeleryTestSetup

from orchestrator.broker import make_app, queue_for
from orchestrator.canvas import job_canvas, send
from orchestrator.client import Client
from orchestrator.contracts.events import JobSubmitted, ParallelExecutionStart, StepStart, UnknownEvent
from orchestrator.errors import IdempotencyConflict
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, history
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("mode", "steps"),
    [
        ("sequential", ["plan", "thesis", "antithesis", "synthesis"]),
        ("parallel", ["plan", "thesis", "antithesis_standalone", "synthesis"]),
        ("single", ["plan", "synthesis"]),
    ],
)
def test_a_job_ends_with_a_cited_answer_in_either_mode(
    celery_setup: CeleryTestSetup, producer: Client, mode: str, steps: list[str]
) -> None:
    assert celery_setup.ready(docker=True)
    ref = producer.submit(question(mode=mode)).ref
    result = producer.wait(ref)

    assert result.status == "complete", result.reasons
    assert result.mode == mode
    assert "asked for" in result.mode_reason or mode in result.mode_reason
    assert result.provenance.llm_used is False
    assert result.claims
    sources = {p.id: p.text for p in result.passages}
    for claim in result.claims:
        assert claim.citations, f"{claim.text!r} cites nothing"
        assert all(c.quote in sources[c.passage_id] for c in claim.citations)
    ran = [t.step for t in result.timings.steps]
    assert sorted(ran) == sorted(steps)
    assert (ran[0], ran[-1]) == ("plan", "synthesis")
    assert 0 < result.timings.critical_path_ms <= result.timings.total_ms


def test_side_by_side_is_said_so_in_the_ledger(celery_setup: CeleryTestSetup, producer: Client) -> None:
    ref = producer.submit(question(mode="parallel")).ref
    producer.wait(ref)
    events = history(producer.redis, ref)
    both = [e for e in events if isinstance(e, ParallelExecutionStart)]
    assert len(both) == 1
    starts = {e.step: e.at_ms for e in events if isinstance(e, StepStart)}
    accepted = events[0].at_ms
    assert abs(both[0].thesis_start_ms - (starts["thesis"] - accepted)) < 500
    assert abs(both[0].antithesis_start_ms - (starts["antithesis_standalone"] - accepted)) < 500


def test_every_event_says_who_wrote_it(celery_setup: CeleryTestSetup, producer: Client) -> None:
    ref = producer.submit(question()).ref
    producer.wait(ref)
    events = history(producer.redis, ref)
    names = [e.event for e in events]
    assert names[0] == "job_submitted"
    assert names[-1] == "job_end"
    assert {"task_start", "plan_ready", "thesis_start", "thesis_end", "antithesis_end", "eval"} <= set(names)
    assert len({e.event_id for e in events}) == len(events)
    by_workers = [e for e in events if not isinstance(e, (JobSubmitted, UnknownEvent))]
    assert len(by_workers) == len(events) - 1
    assert all(e.process_id and e.thread_id and e.worker for e in by_workers)
    assert [e.at_ms for e in events] == sorted(e.at_ms for e in events)


def test_messages_carry_ids_and_nothing_else(client: redis.Redis, producer: Client) -> None:
    """No worker runs: the message lies in its queue and can be read."""
    spec = question()
    producer.submit(spec)
    keys = [key for key in client.scan_iter() if key.startswith(queue_for("plan"))]
    assert len(keys) == 1
    raw = client.lindex(keys[0], 0)
    assert raw is not None
    assert spec.task_id in raw
    assert spec.goal not in raw
    assert "pilot" not in raw
    message = json.loads(raw)
    assert message["headers"]["task"] == "triptych.plan"
    assert message["headers"]["id"] == f"default.{spec.task_id}.plan"


def test_canvases_that_are_sent_at_once_do_not_wait_for_each_other(
    client: redis.Redis, settings: Settings
) -> None:
    """More threads than the pool has producers: a plan queue that fills up, say."""
    app, together = make_app(settings), threading.Barrier(30)

    def plan(number: int) -> None:
        canvas = job_canvas(app, JobRef("default", f"job{number}"), "parallel")
        together.wait()
        send(canvas)

    threads = [threading.Thread(target=plan, args=(n,), daemon=True) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [thread for thread in threads if thread.is_alive()] == []
    assert JobStore(client).queue_length(queue_for("thesis")) == 30


def test_an_idempotency_key_runs_one_job(celery_setup: CeleryTestSetup, producer: Client) -> None:
    first = producer.submit(question(idempotency_key="order-1"))
    again = producer.submit(question(idempotency_key="order-1"))
    assert first.created
    assert not again.created
    assert again.ref == first.ref
    with pytest.raises(IdempotencyConflict, match="different body"):
        producer.submit(question(idempotency_key="order-1", goal="Something else?"))
    assert producer.wait(first.ref).status == "complete"


def test_workers_of_single_queues_finish_a_job_together(start_worker: StartWorker, producer: Client) -> None:
    for queues in ("plan", "thesis", "antithesis,synthesis"):
        start_worker("--queues", queues)
    ref = producer.submit(question(mode="parallel")).ref
    assert producer.wait(ref).status == "complete"
    pids = {e.step: e.process_id for e in history(producer.redis, ref) if isinstance(e, StepStart)}
    assert len(set(pids.values())) == 3
    assert pids["antithesis_standalone"] == pids["synthesis"]


def test_nothing_of_celerys_is_left_behind(
    celery_setup: CeleryTestSetup, producer: Client, client: redis.Redis
) -> None:
    before = client.pubsub_channels("celery-task-meta-*")
    for mode in ("sequential", "parallel"):
        producer.wait(producer.submit(question(mode=mode)).ref)
    assert client.pubsub_channels("celery-task-meta-*") == before
    # A message is acknowledged after its step, so the last one a moment after the result is there.
    wait_for("the last acknowledgement", lambda: client.hlen("unacked") == 0)
    endless = [key for key in client.scan_iter("*") if client.ttl(key) < 0 and key.startswith("celery-task")]
    assert endless == []
