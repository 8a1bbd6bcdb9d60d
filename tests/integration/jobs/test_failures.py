"""What a job becomes when something is wrong: named, and never called complete."""

from __future__ import annotations

import os
import signal

import pytest
import redis
from pytest_celery import CeleryTestSetup

from orchestrator.client import Client
from orchestrator.contracts import Inputs
from orchestrator.contracts.events import StepEnd, StepRecovered, StepStart
from orchestrator.store import history
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


def test_a_question_that_the_documents_do_not_cover_fails_with_no_evidence(
    celery_setup: CeleryTestSetup, producer: Client
) -> None:
    result = producer.wait(producer.submit(question(goal="Which glacier feeds the river Rhone?")).ref)
    assert result.status == "failed"
    assert [r.code for r in result.reasons] == ["no_evidence"]
    assert result.claims == ()


def test_a_corpus_that_nobody_has_fails_the_plan_and_says_what_to_do(
    celery_setup: CeleryTestSetup, producer: Client
) -> None:
    result = producer.wait(producer.submit(question(inputs=Inputs(corpus="missing"))).ref)
    assert result.status == "failed"
    assert result.reasons[0].code == "plan_failed"
    assert "missing" in result.reasons[0].detail


def test_a_job_that_nobody_works_on_can_be_cancelled(producer: Client) -> None:
    ref = producer.submit(question()).ref
    assert producer.cancel(ref, who="a test")
    result = producer.wait(ref)
    assert result.status == "failed"
    assert result.reasons[0].code == "cancelled"
    assert not producer.cancel(ref, who="a test")


def test_a_worker_killed_in_the_middle_costs_seconds_not_the_job(
    start_worker: StartWorker, producer: Client, client: redis.Redis
) -> None:
    """The worker is stopped while it holds a step (SIGSTOP makes the moment certain), then killed."""
    first = start_worker("--queues", "plan")
    ref = producer.submit(question(mode="parallel")).ref
    wait_for("the plan", lambda: producer.store.load(ref).plan is not None)
    lease = producer.store.acquire(ref, "thesis", "a worker that died")
    assert lease.status == "granted"
    os.kill(first.pid, signal.SIGKILL)

    start_worker()
    result = producer.wait(ref)
    assert result.status == "complete", result.reasons
    thesis = next(o for o in result.outputs if o.step == "thesis")
    assert thesis.attempt == 2
    events = history(client, ref)
    assert any(isinstance(e, StepRecovered) and e.step == "thesis" for e in events)


def test_a_message_that_was_lost_is_sent_again(
    start_worker: StartWorker, producer: Client, client: redis.Redis
) -> None:
    ref = producer.submit(question()).ref
    for key in list(client.scan_iter("triptych.v*")):
        client.delete(key)  # what a kill between BRPOP and the unacked set does
    start_worker()
    assert producer.wait(ref).status == "complete"


def test_a_message_that_comes_twice_is_worked_once(
    celery_setup: CeleryTestSetup, producer: Client, client: redis.Redis
) -> None:
    from orchestrator.canvas import bare, send

    ref = producer.submit(question(mode="parallel")).ref
    for step in ("plan", "thesis", "antithesis_standalone", "synthesis"):
        send([bare(celery_setup.app, ref, step, "sequential")] * 3)
    assert producer.wait(ref).status == "complete"
    ended = [e.step for e in history(client, ref) if isinstance(e, StepEnd)]
    assert sorted(s for s in ended if s) == ["antithesis_standalone", "plan", "synthesis", "thesis"]


def test_the_deadline_ends_a_job_that_nobody_works_on(start_worker: StartWorker, producer: Client) -> None:
    """Only the plan's queue is served: thesis and antithesis wait for workers that never come."""
    start_worker("--queues", "plan")
    ref = producer.submit(question(deadline_s=2.0)).ref
    result = producer.wait(ref)
    assert result.status == "failed"
    assert {r.code for r in result.reasons} >= {"deadline", "all_personas_lost"}


def test_sigterm_lets_a_running_job_finish(start_worker: StartWorker, producer: Client) -> None:
    worker = start_worker()
    ref = producer.submit(question()).ref
    worker.kill("SIGTERM")
    assert worker.wait() == 0
    start_worker()
    assert producer.wait(ref).status == "complete"


def test_a_worker_without_its_settings_says_so_and_ends(start_worker: StartWorker) -> None:
    node = start_worker(ready=False, TRIPTYCH_MODEL="openai:gpt-x")
    assert node.wait() == 2
    assert "OPENAI_API_KEY" in node.logs()
    assert "Traceback" not in node.logs()


def test_a_fleets_worker_does_not_answer_without_a_model_unless_it_is_told_to(
    start_worker: StartWorker,
) -> None:
    node = start_worker(ready=False, TRIPTYCH_MODEL="")
    assert node.wait() == 2
    assert "TRIPTYCH_MODEL: is not set" in node.logs()
    assert "extractive" in node.logs()
    assert "worker_ready" in start_worker("--model", "extractive", TRIPTYCH_MODEL="").logs()


def test_starts_are_in_the_ledger_with_their_attempt(celery_setup: CeleryTestSetup, producer: Client) -> None:
    ref = producer.submit(question()).ref
    producer.wait(ref)
    starts = [e for e in history(producer.redis, ref) if isinstance(e, StepStart)]
    assert all(e.attempt == 1 and e.queued_ms is not None for e in starts)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--queues", ""), "--queues: '' names no queue"),
        (("--queues", "thesis,foo"), "choose from plan, thesis, antithesis, synthesis"),
        (("--concurrency", "0"), "--concurrency: is 0; a worker needs 1 thread at least"),
    ],
)
def test_arguments_that_make_no_worker_are_one_line_that_says_what_to_do(
    start_worker: StartWorker, arguments: tuple[str, ...], says: str
) -> None:
    node = start_worker(*arguments, ready=False)
    assert node.wait() == 2
    assert says in node.logs()
    assert node.logs().count("\n") == 1
