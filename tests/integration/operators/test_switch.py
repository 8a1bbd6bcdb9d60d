"""The mode switch and the parallel share: every worker obeys at once, and the ledger knows who, when and why."""

from __future__ import annotations

import json

import pytest
import redis
from typer.testing import CliRunner

from orchestrator.cli.main import app
from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Assignment
from orchestrator.contracts.events import ModeSet, PlanReady, parse_event
from orchestrator.errors import InvalidInput
from orchestrator.routing.modes import draw_for
from orchestrator.store import JobRef, Ledger, history
from orchestrator.switch import SWITCH, clear_mode, current, set_mode
from tests.integration.conftest import StartWorker, question

pytestmark = pytest.mark.integration


def planned(producer: Client, ref: JobRef) -> PlanReady:
    """What the ledger says of a job's plan, once that is made."""
    for _, event in producer.stream(ref, watch=False):
        if isinstance(event, PlanReady):
            return event
    raise AssertionError("the job ended without a plan")


def eligible(producer: Client, task_id: str | None = None, **fields: object) -> PlanReady:
    spec = question(task_id=task_id or new_task_id(), complexity=1.0, **fields)
    return planned(producer, producer.submit(spec).ref)


def drawn(below: float | None = None, above: float | None = None) -> str:
    """A job id whose draw is on the wanted side."""
    while True:
        task_id = new_task_id()
        draw = draw_for("default", task_id)
        if (below is None or draw < below) and (above is None or draw >= above):
            return task_id


def test_on_a_fleet_auto_runs_a_sticky_share_parallel(producer: Client, start_worker: StartWorker) -> None:
    start_worker()
    chosen, other = drawn(below=5.0), drawn(above=5.0)
    plan = eligible(producer, chosen)
    assert plan.mode == "parallel"
    assert plan.assignment == Assignment(arm="parallel", share=5.0, draw=draw_for("default", chosen))
    plan = eligible(producer, other)
    assert plan.mode == "sequential"
    assert plan.assignment is not None
    assert plan.assignment.arm == "sequential"
    result = producer.wait(JobRef("default", other))
    assert result.plan is not None
    assert result.plan.assignment == plan.assignment, "the result shows it too"


def test_the_share_is_the_operators_to_set(producer: Client, start_worker: StartWorker) -> None:
    start_worker(TRIPTYCH_PARALLEL_SHARE="60")
    assert eligible(producer, drawn(below=60.0, above=5.0)).mode == "parallel"
    assert eligible(producer, drawn(above=60.0)).mode == "sequential"


def test_the_switch_holds_for_new_jobs_on_every_worker_at_once(
    client: redis.Redis, producer: Client, start_worker: StartWorker
) -> None:
    start_worker()
    start_worker(TRIPTYCH_PARALLEL_MODE="sequential")
    set_mode(client, "parallel", who="kim", why="trial")
    assert {eligible(producer).mode for _ in range(6)} == {"parallel"}
    set_mode(client, "sequential", who="kim", why="incident 12")
    assert {eligible(producer).mode for _ in range(6)} == {"sequential"}
    assert eligible(producer, mode="parallel").mode == "parallel", "a job that asks keeps its wish"
    set_mode(client, "sequential", who="kim", why="incident 12", force=True)
    assert eligible(producer, mode="parallel").mode == "sequential"
    assert clear_mode(client, who="kim")
    assert eligible(producer, drawn(above=5.0)).mode == "sequential"
    assert eligible(producer, mode="parallel").mode == "parallel"


def test_a_job_keeps_the_mode_it_started_with(
    client: redis.Redis, producer: Client, start_worker: StartWorker
) -> None:
    start_worker("--queues", "plan")
    set_mode(client, "parallel", who="kim", why="trial")
    spec = question(complexity=1.0)
    ref = producer.submit(spec).ref
    assert planned(producer, ref).mode == "parallel"
    set_mode(client, "sequential", who="kim", why="enough", force=True)
    start_worker()
    assert producer.wait(ref).mode == "parallel"
    assert {event.event for event in history(producer.redis, ref)} >= {"parallel_execution_start"}


def test_the_ledger_knows_who_when_and_why(client: redis.Redis) -> None:
    assert not clear_mode(client, who="kim"), "nothing to clear, nothing to tell"
    set_mode(client, "sequential", who="kim@ops", why="incident 12", force=True)
    assert clear_mode(client, who="lee@ops", why="mended")
    events = [parse_event(raw, at_ms=1) for _, raw in Ledger(client).all()]
    assert [(e.mode, e.force, e.who, e.why) for e in events if isinstance(e, ModeSet)] == [
        ("sequential", True, "kim@ops", "incident 12"),
        (None, False, "lee@ops", "mended"),
    ]
    assert current(client) is None


def test_a_flag_that_cannot_be_read_means_sequential(client: redis.Redis) -> None:
    client.set(SWITCH, "{")
    switch = current(client)
    assert switch is not None
    assert (switch.mode, switch.force) == ("sequential", False)


def test_what_cannot_be_set_is_refused(client: redis.Redis) -> None:
    with pytest.raises(InvalidInput, match="--why"):
        set_mode(client, "parallel", who="kim", why=" ")
    with pytest.raises(InvalidInput, match="--force"):
        set_mode(client, "auto", who="kim", why="x", force=True)
    assert current(client) is None
    assert list(Ledger(client).all()) == []


def test_the_commands(client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)

    def mode(*words: str) -> str:
        done = CliRunner().invoke(app, ["mode", *words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert "not set" in mode()
    assert "sequential for all new jobs, since " in mode(
        "set", "sequential", "--why", "incident 12", "--force", "--who", "kim"
    )
    assert "by kim: incident 12" in mode()
    assert json.loads(mode("--json"))["switch"]["mode"] == "sequential"
    assert "new jobs that ask for auto" in mode("set", "auto", "--why", "mended")
    assert json.loads(mode("clear", "--json")) == {"switch": None}
