"""A producer with a Celery app that knows nothing of Triptych but a task's name and a queue's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis
from celery import Celery

from orchestrator import replies
from orchestrator.client import Client
from orchestrator.replies import promise, settle_owed
from orchestrator.store import JobRef, keys
from tests.integration.conftest import StartWorker, question
from tests.nodes import ProcessNode, wait_for

pytestmark = pytest.mark.integration

QUEUE = "triptych.v2.plan"


def foreign_app(redis_url: str) -> Celery:
    """Somebody's Celery application, with Celery's defaults."""
    path = redis_url.removeprefix("unix://")
    return Celery(
        "shop", broker=f"redis+socket://{path}", backend=f"redis+socket://{path}", set_as_current=False
    )


@pytest.fixture
def shop(redis_url: str) -> Iterator[Celery]:
    app = foreign_app(redis_url)
    yield app
    app.close()


def spec(**fields: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(question().model_dump_json(exclude={"v", "task_id"}))
    return {**whole, **fields}


def send(shop: Celery, *args: object, **options: Any) -> Any:
    return shop.send_task("triptych.submit", args, queue=QUEUE, **options)


@pytest.fixture
def worker(start_worker: StartWorker) -> ProcessNode:
    return start_worker()


def test_the_celery_result_is_the_jobs_end(worker: ProcessNode, shop: Celery, producer: Client) -> None:
    sent = send(shop, spec(mode="parallel"))
    assert sent.get(timeout=30) == {"task_id": sent.id, "status": "complete"}
    assert sent.state == "SUCCESS"
    result = producer.result(JobRef("default", sent.id))
    assert result is not None
    assert result.mode == "parallel"
    assert producer.redis.scard(keys.OWED) == 0
    assert 0 < producer.redis.ttl(f"celery-task-meta-{sent.id}") <= replies.REPLY_TTL_S


def test_nothing_is_stored_before_the_job_ends(
    start_worker: StartWorker, shop: Celery, producer: Client
) -> None:
    """No thesis is written: the submit task has long ended when the job is cancelled."""
    worker = start_worker("--queues", "plan", TRIPTYCH_LOG_LEVEL="DEBUG")  # with a line for each task
    sent = send(shop, spec(task_id="order-7", tenant="shop"), ignore_result=False)
    ref = JobRef("shop", "order-7")
    wait_for("the plan", lambda: producer.redis.exists(ref.job) and producer.store.load(ref).plan)
    wait_for("the submit task to end", lambda: f"triptych.submit[{sent.id}] succeeded" in worker.logs())
    assert sent.state == "PENDING"
    assert not producer.redis.exists(f"celery-task-meta-{sent.id}")
    assert producer.cancel(ref, who="a test")
    assert sent.get(timeout=5) == {"task_id": "order-7", "status": "failed"}


BAD_SPECS: list[tuple[tuple[Any, ...], str]] = [
    (({"goal": " "},), "goal"),
    (({"goal": "x" * 8_001},), "goal"),
    (({},), "goal"),
    (({"goal": "Why?", "mode": "sideways"},), "mode"),
    (({"goal": "Why?", "colour": "red"},), "colour"),
    (({"goal": "Why?", "deadline_s": "soon"},), "deadline_s"),
    (({"goal": "Why?", "inputs": {"corpus": "../etc"}},), "inputs.corpus"),
    (({"goal": "Why?", "v": 3},), "version 3"),
    (("Why?",), "spec"),
    ((), "spec"),
    (({"goal": "Why?"}, {"goal": "Why?"}), "spec"),
]


def test_a_bad_spec_fails_at_once_and_names_the_field(worker: ProcessNode, shop: Celery) -> None:
    for args, field in BAD_SPECS:
        sent = send(shop, *args)
        with pytest.raises(Exception, match=field):
            sent.get(timeout=20)
        assert sent.state == "FAILURE"
    assert "x" * 100 not in worker.logs()
    assert "sideways" not in worker.logs()
    assert "Traceback" not in worker.logs()


def test_two_messages_under_one_key_are_one_job_and_two_answers(
    worker: ProcessNode, shop: Celery, producer: Client
) -> None:
    body = spec(idempotency_key="order-8")
    first = send(shop, body)
    done = first.get(timeout=30)
    second = send(shop, body)
    assert second.get(timeout=30) == done
    conflicting = send(shop, {**body, "goal": "Something else?"})
    with pytest.raises(Exception, match="different body"):
        conflicting.get(timeout=20)


def test_a_redelivered_message_finds_its_job(worker: ProcessNode, shop: Celery, client: redis.Redis) -> None:
    sent = send(shop, spec(), task_id="again")
    assert sent.get(timeout=30)["task_id"] == "again"
    client.delete("celery-task-meta-again")
    send(shop, spec_of(client, "again"), task_id="again")
    wait_for("the answer", lambda: client.exists("celery-task-meta-again"))
    assert len(list(client.scan_iter("triptych:job:*:events"))) == 1


def spec_of(client: redis.Redis, task_id: str) -> dict[str, Any]:
    return dict(json.loads(client.hget(JobRef("default", task_id).job, "spec")))  # type: ignore[arg-type]  # redis-py's unions


def test_a_canvas_around_it_is_refused(worker: ProcessNode, shop: Celery) -> None:
    sent = shop.send_task(
        "triptych.submit", [spec()], queue=QUEUE, link=shop.signature("shop.next", queue="shop")
    )
    with pytest.raises(Exception, match="canvas"):
        sent.get(timeout=20)


def test_an_answer_that_a_crash_kept_back_is_given_by_the_sweep(
    producer: Client, client: redis.Redis, shop: Celery
) -> None:
    """The job ended, and whoever ended it died before it could say so."""
    ref = producer.submit(question()).ref
    promise(client, ref, "waiting")
    assert settle_owed(client) == 0
    client.srem(keys.OWED, str(ref))  # so that cancelling does not see it
    producer.cancel(ref, who="a test")
    assert shop.AsyncResult("waiting").state == "PENDING"
    client.sadd(keys.OWED, str(ref))
    assert settle_owed(client) == 1
    assert shop.AsyncResult("waiting").get(timeout=5) == {"task_id": ref.task_id, "status": "failed"}
    assert settle_owed(client) == 0


def test_a_promise_for_a_record_that_has_gone_leaves_nothing(client: redis.Redis) -> None:
    ref = JobRef("default", "gone")
    promise(client, ref, "waiting")
    assert not client.exists(ref.job)
    assert not client.exists(keys.OWED)


def test_nobody_who_watches_workers_reads_the_question(
    start_worker: StartWorker, shop: Celery, redis_url: str
) -> None:
    """Events, ``inspect`` and the logs, though the sender put the question into every place it has."""
    secret = "Project Nightingale"
    worker = start_worker()
    events: list[dict[str, Any]] = []
    done = threading.Event()
    watcher = foreign_app(redis_url)
    watcher.control.enable_events()

    def keep(event: dict[str, Any]) -> None:
        events.append(event)
        if event["type"] in ("task-succeeded", "task-failed") and event["uuid"] == sent_id:
            done.set()

    sent_id = "watched"
    with watcher.connection() as connection:
        receiver = watcher.events.Receiver(connection, handlers={"*": keep})

        def capture() -> None:
            # The connection is closed under it when the test has seen what it wanted.
            with suppress(*connection.connection_errors):
                receiver.capture(limit=None, timeout=20)

        threading.Thread(target=capture, daemon=True).start()
        wait_for("events to come", lambda: watcher.control.enable_events() or events)
        everywhere = {"shadow": secret, "argsrepr": secret, "kwargsrepr": secret}
        send(shop, spec(goal=f"Should {secret} go on?"), task_id=sent_id, **everywhere)
        assert done.wait(20)
        receiver.should_stop = True
    ours = [event for event in events if event.get("uuid") == sent_id]
    assert [(event["args"], event["kwargs"]) for event in ours if "args" in event] == [
        ("(redacted)", "{'mode': 'auto', 'job': 'default/watched'}")
    ]
    assert {event["type"] for event in ours} >= {"task-received", "task-started", "task-succeeded"}
    assert secret not in json.dumps(events, default=str)
    assert [event["name"] for event in ours if "name" in event] == ["triptych.submit"]
    assert secret not in worker.logs()
