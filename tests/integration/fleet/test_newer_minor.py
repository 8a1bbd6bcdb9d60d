"""A rolling upgrade within one protocol: workers of two versions share every job, and nobody notices."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from orchestrator import __version__
from orchestrator.broker import make_app
from orchestrator.broker.deadletters import DeadLetters
from orchestrator.client import Client
from orchestrator.contracts import Result, TaskSpec
from orchestrator.contracts.events import StepEnd, UnknownEvent
from orchestrator.doctor.about import ask_workers
from orchestrator.errors import RecordUnreadable
from orchestrator.exporter.serve import Exporter
from orchestrator.settings import Settings
from orchestrator.store import JobRef, history
from tests.integration.conftest import StartWorker, Triptych, question
from tests.integration.operators.conftest import Scraped
from tests.model_server import ModelServer
from tests.nodes import ROOT, ProcessNode, wait_for
from tests.versions import NEW_EVENT, NEWER_VERSION, run_in

pytestmark = pytest.mark.integration

SPLITS = {
    "the newer plans": ("plan,antithesis", "thesis,synthesis"),
    "the newer concludes": ("thesis,synthesis", "plan,antithesis"),
}
"""Queues of the newer and of today's worker: every hand-over between two steps is crossed, either way."""

SUBMIT = """
import sys
from orchestrator.client import Client
from orchestrator.contracts import TaskSpec
from orchestrator.settings import load_settings

with Client(load_settings()) as client:
    submitted = client.submit(TaskSpec.from_wire(sys.argv[1]))
    print(submitted.created)
    print(client.wait(submitted.ref, within_s=60).to_wire())
"""
"""A producer: whether the job is new, and its result."""


@pytest.fixture
def submit_from(settings: Settings) -> Callable[[Path, TaskSpec], tuple[bool, str]]:
    """Submit a job with the packages of a tree, and wait for it there."""
    assert settings.redis_url is not None
    env = {**os.environ, "REDIS_URL": settings.redis_url.get_secret_value()}

    def submit(tree: Path, spec: TaskSpec) -> tuple[bool, str]:
        # As a person would write it: today's defaults are not the other version's.
        wire = spec.model_dump_json(exclude_defaults=True)
        created, result = run_in(tree, SUBMIT, env, json.dumps({**json.loads(wire), "v": 2})).splitlines()
        return created == "True", result

    return submit


@pytest.fixture
def mixed(start_worker: StartWorker, newer: Path) -> Callable[..., tuple[ProcessNode, ProcessNode]]:
    """Start a worker of each version: theirs, ours."""

    def start(theirs: str, ours: str, **env: str) -> tuple[ProcessNode, ProcessNode]:
        nodes = (
            start_worker("--queues", theirs, tree=newer, ready=False, **env),
            start_worker("--queues", ours, ready=False, **env),
        )
        for node in nodes:
            node.ready()
        return nodes

    return start


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_a_job_whose_steps_run_on_both_versions_completes(
    mixed: Callable[..., tuple[ProcessNode, ProcessNode]],
    producer: Client,
    client: redis.Redis,
    split: tuple[str, str],
) -> None:
    theirs, ours = mixed(*split)
    for mode in ("sequential", "parallel"):
        ref = producer.submit(question(mode=mode)).ref
        result = producer.wait(ref, within_s=60)
        assert result.status == "complete", result.reasons

        events = history(client, ref)
        ended = [e for e in events if isinstance(e, StepEnd)]
        assert {e.process_id for e in ended} == {ours.pid, theirs.pid}
        assert len(ended) == len(result.outputs) + 1, "no step ran twice"
        assert {e.event for e in events if isinstance(e, UnknownEvent)} == {NEW_EVENT}
    assert list(DeadLetters(client).all()) == []


def test_each_version_says_which_it_is(
    start_worker: StartWorker, newer: Path, settings: Settings, triptych: Triptych
) -> None:
    ports = free_ports(2)
    theirs = start_worker(tree=newer, TRIPTYCH_METRICS_PORT=str(ports[0]))
    ours = start_worker(TRIPTYCH_METRICS_PORT=str(ports[1]))
    # What the alert TriptychVersionsMixed counts.
    told = [Scraped(port).labels()["version"] for port in ports]
    assert told == [{NEWER_VERSION}, {__version__}]
    wait_for("both to answer", lambda: len(ask_workers(make_app(settings)).workers) == 2)
    versions = {worker.process_id: worker.version for worker in ask_workers(make_app(settings)).workers}
    assert versions[theirs.pid] == NEWER_VERSION
    assert versions[ours.pid] == __version__
    found = {f["check"]: f for f in json.loads(triptych("doctor", "--json").stdout)["findings"]}
    assert found["versions"]["level"] == "warning"
    assert NEWER_VERSION in found["versions"]["what"]


@pytest.mark.parametrize("ours_is_the_producer", [True, False])
def test_producers_and_workers_may_be_upgraded_in_any_order(
    submit_from: Callable[[Path, TaskSpec], tuple[bool, str]],
    start_worker: StartWorker,
    newer: Path,
    client: redis.Redis,
    ours_is_the_producer: bool,
) -> None:
    """The producers' version and the workers' are not the same, and no worker of the producers' version is there."""
    producers, workers = (ROOT, newer) if ours_is_the_producer else (newer, ROOT)
    start_worker(tree=workers)
    spec = question(idempotency_key="order-1")
    created, raw = submit_from(producers, spec)
    assert created
    assert json.loads(raw)["status"] == "complete"
    # A producer that was upgraded between two tries asks for the same job.
    created, again = submit_from(workers, spec.model_copy(update={"task_id": "another"}))
    assert not created
    assert json.loads(again)["task_id"] == spec.task_id
    assert list(DeadLetters(client).all()) == []


def test_operators_read_what_both_versions_wrote(
    mixed: Callable[..., tuple[ProcessNode, ProcessNode]],
    producer: Client,
    triptych: Triptych,
    redis_url: str,
) -> None:
    exporter = Exporter(redis_url, host="127.0.0.1", port=0)
    exporter.tail.turn()
    mixed("plan,antithesis,synthesis", "thesis")
    job = producer.submit(question(mode="parallel")).ref.task_id
    assert producer.wait(JobRef("default", job), within_s=60).status == "complete"

    shown = json.loads(triptych("ledger", "show", job, "--json").stdout)["events"]
    by_name = {event["event"]: event for event in shown}
    assert by_name[NEW_EVENT]["depth"] == 2
    # A newer worker's known event: typed, and nothing of it is lost on the way out.
    assert by_name["job_end"]["cost_eur"] == 0.01
    assert by_name["plan_end"]["region"] == "north"
    exported = [json.loads(line) for line in triptych("ledger", "export", "--job", job).stdout.splitlines()]
    assert exported == shown
    assert NEW_EVENT in triptych("ledger", "tail").stdout

    line = json.loads(triptych("timeline", job, "--json").stdout)
    assert line["status"] == "complete"
    assert {row["step"] for row in line["rows"]} == {"plan", "thesis", "antithesis_standalone", "synthesis"}
    assert all(row["status"] == "ok" for row in line["rows"])
    report = json.loads(triptych("report", "--json").stdout)
    assert {mode["mode"]: mode["complete"] for mode in report["modes"]}["parallel"] == 1
    assert Result.from_wire(triptych("result", job, "--json").stdout).task_id == job

    exporter.tail.turn()
    seen = Scraped(exporter.port)
    exporter.close()
    assert seen("triptych_jobs_submitted_total") == 1
    assert seen("triptych_jobs_total", mode="parallel", status="complete") == 1
    assert seen("triptych_job_critical_path_seconds_count", mode="parallel") == 1
    assert seen("triptych_ledger_unreadable_total") == 0


def test_an_end_that_only_a_later_version_can_read_ends_the_wait_all_the_same(
    producer: Client, client: redis.Redis
) -> None:
    ref = producer.submit(question()).ref
    stream = producer.stream(ref, watch=False, within_s=20)
    assert next(event is None for _, event in stream if event is None), "it waits"
    later = {"event": "job_end", "task_id": ref.task_id, "status": "a later status"}
    client.hset(ref.job, mapping={"state": "ended", "result": json.dumps({"v": 2, **later})})
    client.xadd(ref.events, {"e": json.dumps(later)})
    assert [event.event for _, event in stream if isinstance(event, UnknownEvent)] == ["job_end"]
    with pytest.raises(RecordUnreadable, match="newer Triptych"):
        producer.result(ref)


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
def test_a_rolling_restart_under_load_loses_nothing_and_pays_nothing_twice(
    start_worker: StartWorker,
    producer: Client,
    model: ModelServer,
    newer: Path,
    client: redis.Redis,
    back: bool,
) -> None:
    before, after = (newer, ROOT) if back else (ROOT, newer)
    first = start_worker(tree=before, **model.environment())
    refs = [producer.submit(question(mode=("sequential", "parallel")[n % 2])).ref for n in range(40)]
    wait_for("work to be under way", lambda: len(model.asked) > 10)
    second = start_worker(tree=after, ready=False, **model.environment())
    first.kill("SIGTERM")
    refs += [producer.submit(question()).ref for _ in range(10)]
    assert first.wait() == 0
    second.ready()

    results = [producer.wait(ref, within_s=90) for ref in refs]
    assert [r.status for r in results] == ["complete"] * len(refs), [r.reasons for r in results]
    assert len(model.asked) == 3 * len(refs), "every persona of every job was paid once"
    ran = {e.process_id for ref in refs for e in history(client, ref) if isinstance(e, StepEnd)}
    assert ran == {first.pid, second.pid}
    assert list(DeadLetters(client).all()) == []
