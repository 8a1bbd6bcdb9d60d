"""Pausing a queue: every worker obeys, also one that starts later, and the ledger knows who, when and why."""

from __future__ import annotations

import json

import pytest
import redis

from orchestrator.broker import ALL_QUEUES, make_app
from orchestrator.cli.steer.pause import pause_command, resume_command
from orchestrator.client import Client
from orchestrator.contracts.events import QueuePaused, QueueResumed, parse_event
from orchestrator.doctor.about import ask_workers
from orchestrator.errors import InvalidInput, StoreUnavailable
from orchestrator.pausing import PAUSED, pause, paused, resume
from orchestrator.settings import Settings
from orchestrator.store import Ledger, history
from orchestrator.store.archive import archive_in
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


def taken(settings: Settings) -> list[tuple[str, ...]]:
    """What each worker takes from; nothing where the connection that asks has just been lost."""
    try:
        return [worker.queues for worker in ask_workers(make_app(settings), timeout_s=0.5).workers]
    except StoreUnavailable:
        return []


def started(producer: Client, ref: object) -> set[str]:
    return {event.event for event in history(producer.redis, ref)}  # type: ignore[arg-type]  # a JobRef


def test_workers_leave_a_paused_queue_and_take_it_up_again(
    settings: Settings, client: redis.Redis, producer: Client, start_worker: StartWorker
) -> None:
    start_worker()
    start_worker("--queues", "plan,thesis")
    pause(client, ["thesis"], who="kim", why="model upgrade")
    without = sorted([("plan", "antithesis", "synthesis", "judge"), ("plan",)])
    wait_for("both workers to leave", lambda: sorted(taken(settings)) == without)

    ref = producer.submit(question(mode="parallel")).ref
    wait_for("the antithesis", lambda: "antithesis_end" in started(producer, ref))
    assert "thesis_start" not in started(producer, ref)

    resume(client, ["thesis"], who="kim")
    assert producer.wait(ref).status == "complete"
    wait_for("both to be back", lambda: sorted(taken(settings)) == sorted([ALL_QUEUES, ("plan", "thesis")]))


def test_a_worker_takes_up_only_what_it_was_started_for(
    settings: Settings, client: redis.Redis, start_worker: StartWorker
) -> None:
    start_worker("--queues", "thesis")
    pause(client, ALL_QUEUES, who="kim", why="maintenance")
    wait_for("the worker to leave", lambda: taken(settings) == [()])
    resume(client, ALL_QUEUES, who="kim")
    wait_for("the worker to come back", lambda: taken(settings) == [("thesis",)])


def test_a_worker_that_starts_later_obeys_from_its_first_message(
    settings: Settings, client: redis.Redis, producer: Client, start_worker: StartWorker
) -> None:
    pause(client, ALL_QUEUES, who="kim", why="maintenance")
    ref = producer.submit(question()).ref
    worker = start_worker()
    answers: list[tuple[str, ...]] = []

    # A busy machine's worker may miss the half second in which answers are taken; its first answer is what counts.
    def answered() -> bool:
        answers.extend(taken(settings))
        return bool(answers)

    wait_for("an answer", answered)
    assert answers == [()]
    assert "task_start" not in started(producer, ref)
    assert "queues_paused" in worker.logs()
    resume(client, ALL_QUEUES, who="kim")
    assert producer.wait(ref).status == "complete"


def test_a_pause_outlives_a_lost_connection(
    settings: Settings, client: redis.Redis, start_worker: StartWorker
) -> None:
    worker = start_worker()
    pause(client, ["plan"], who="kim", why="maintenance")
    wait_for("the worker to leave", lambda: taken(settings) == [ALL_QUEUES[1:]])
    for connection in client.client_list():
        if int(connection["id"]) != client.client_id():
            client.client_kill_filter(_id=connection["id"])
    wait_for("the consumer to come back", lambda: taken(settings) == [ALL_QUEUES[1:]])
    assert worker.status == "running"


def test_the_ledger_knows_who_when_and_why(client: redis.Redis, settings: Settings, producer: Client) -> None:
    assert pause(client, ["plan", "thesis"], who="kim@ops", why="model upgrade") == ("plan", "thesis")
    assert pause(client, ["plan"], who="lee@ops", why="me too") == ()
    assert resume(client, ALL_QUEUES, who="lee@ops", why="done") == ("plan", "thesis")
    entries = list(Ledger(client).all())
    events = [parse_event(raw, at_ms=int(entry.partition("-")[0])) for entry, raw in entries]
    assert [
        (type(e), getattr(e, "queue", ""), getattr(e, "who", ""), getattr(e, "why", "")) for e in events
    ] == [
        (QueuePaused, "plan", "kim@ops", "model upgrade"),
        (QueuePaused, "thesis", "kim@ops", "model upgrade"),
        (QueueResumed, "plan", "lee@ops", "done"),
        (QueueResumed, "thesis", "lee@ops", "done"),
    ]
    assert all(abs(e.at_ms - producer.store.now_ms()) < 60_000 for e in events)
    archive = archive_in(settings.home)
    assert archive.append("s", entries).refused == ()
    assert archive.jobs() == (), "a pause is no job"


def test_a_flag_that_cannot_be_read_is_a_pause(client: redis.Redis) -> None:
    client.hset(PAUSED, "plan", "{")
    client.hset(PAUSED, "no such queue", "{}")
    assert list(paused(client)) == ["plan"]
    assert resume(client, ["plan"], who="kim") == ("plan",)
    assert paused(client) == {}


@pytest.mark.parametrize(
    ("queues", "why", "field"), [(["theses"], "x", "QUEUE"), (["thesis"], "  ", "--why")]
)
def test_what_cannot_be_paused_is_refused(client: redis.Redis, queues, why, field) -> None:
    with pytest.raises(InvalidInput) as problem:
        pause(client, queues, who="kim", why=why)
    assert problem.value.field == field
    assert paused(client) == {}
    assert list(Ledger(client).all()) == []


def test_the_commands(client: redis.Redis, redis_url: str, monkeypatch, capsys) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    pause_command(queue=["thesis"], every=False, why="upgrade", who="kim", as_json=True)
    said = json.loads(capsys.readouterr().out)["paused"]
    assert said["thesis"]["who"] == "kim"
    pause_command(queue=None, every=False, why="", who=None, as_json=False)
    assert "by kim: upgrade" in capsys.readouterr().out
    pause_command(queue=None, every=True, why="all", who=None, as_json=True)
    assert set(json.loads(capsys.readouterr().out)["paused"]) == set(ALL_QUEUES)
    resume_command(queue=None, every=True, why="", who=None, as_json=False)
    assert "no queue is paused" in capsys.readouterr().out
    with pytest.raises(InvalidInput):
        resume_command(queue=None, every=False, why="", who=None, as_json=False)
