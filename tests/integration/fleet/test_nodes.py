"""Workers of different queues on pytest-celery's nodes: processes everywhere, containers where an engine is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from pytest_celery import CeleryTestSetup, CeleryTestWorker, CeleryWorkerCluster

from orchestrator.client import Client
from orchestrator.contracts.events import StepEnd
from orchestrator.settings import Settings
from orchestrator.store import JobRef, history
from tests.containers import NoEngineError, build_image, worker_container
from tests.integration.conftest import StartWorker, question
from tests.nodes import ProcessNode, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]  # an image may have to be built first

QUEUES = ("plan,thesis", "antithesis,synthesis")


@pytest.fixture(scope="session")
def image() -> str:
    """The image of this tree."""
    try:
        return build_image()
    except NoEngineError as why:
        pytest.skip(f"no containers here: {why}")


@pytest.fixture
def start_container(
    request: pytest.FixtureRequest, settings: Settings, redis_url: str, tmp_path: Path
) -> Iterator[Callable[..., ProcessNode]]:
    """Start workers in containers; they are removed when the test ends."""
    image = request.getfixturevalue("image")
    started: list[ProcessNode] = []

    def start(*arguments: str, ready: bool = True, **env: str) -> ProcessNode:
        node = worker_container(
            f"triptych-{os.getpid()}-{len(started) + 1}",
            image,
            folder=tmp_path,
            env={"REDIS_URL": redis_url, "TRIPTYCH_HOME": str(settings.home), **env},
            arguments=arguments,
        )
        started.append(node)
        if ready:
            node.ready()
        return node

    yield start
    for node in started:
        node.teardown()


@pytest.fixture(params=["process", "container"])
def start_node(request: pytest.FixtureRequest) -> StartWorker:
    """Start a worker on a node of either kind."""
    kinds = {"process": "start_worker", "container": "start_container"}
    start: StartWorker = request.getfixturevalue(kinds[request.param])
    return start


@pytest.fixture
def celery_worker_cluster(start_node: StartWorker) -> CeleryWorkerCluster:
    """Two workers that share no queue."""
    nodes = [start_node("--queues", queues, ready=False) for queues in QUEUES]
    for node in nodes:
        node.ready()
    return CeleryWorkerCluster(*(CeleryTestWorker(node, app=None) for node in nodes))


def ran(client: redis.Redis, ref: JobRef) -> dict[str, tuple[str, int]]:
    """Step to the process that ended it, wherever that is."""
    ends = [event for event in history(client, ref) if isinstance(event, StepEnd)]
    return {event.step: (event.worker, event.process_id) for event in ends if event.step}


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_two_workers_of_different_queues_finish_a_job_together(
    celery_setup: CeleryTestSetup, producer: Client, client: redis.Redis, mode: str
) -> None:
    assert celery_setup.ready(ping=False, docker=True)
    ref = producer.submit(question(mode=mode)).ref
    result = producer.wait(ref, within_s=60)
    assert result.status == "complete", result.reasons
    by = ran(client, ref)
    antithesis = "antithesis" if mode == "sequential" else "antithesis_standalone"
    assert by["plan"] == by["thesis"]
    assert by[antithesis] == by["synthesis"]
    assert by["plan"] != by["synthesis"]


def test_a_node_that_is_killed_and_started_again_takes_its_queues_up(
    celery_setup: CeleryTestSetup, producer: Client
) -> None:
    first, second = celery_setup.worker_cluster.nodes
    second.kill()
    ref = producer.submit(question(mode="sequential")).ref
    wait_for("the thesis", lambda: "thesis" in producer.store.load(ref).outputs)
    assert first.container.status == "running"
    assert producer.store.load(ref).open, "nobody takes from the other's queues"
    second.restart()
    assert producer.wait(ref, within_s=60).status == "complete"


def test_a_node_that_is_told_to_stop_drains_and_ends_well(start_node: StartWorker, producer: Client) -> None:
    node = start_node()
    ref = producer.submit(question(mode="sequential")).ref
    wait_for("the plan", lambda: producer.store.load(ref).plan is not None)
    node.kill("SIGTERM")
    assert node.wait() == 0
    start_node()
    assert producer.wait(ref, within_s=60).status == "complete"
