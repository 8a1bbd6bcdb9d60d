"""A deployment of real processes: the test's own Valkey, and as many workers as a test starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from playwright.sync_api import Browser
from pydantic import SecretStr
from pytest_celery import CeleryTestWorker, CeleryWorkerCluster

from orchestrator.broker import make_app
from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Inputs, Passage, TaskSpec
from orchestrator.settings import Settings
from tests.browser import running_browser
from tests.forked import command
from tests.nodes import ROOT, ProcessNode, worker_node

StartWorker = Callable[..., ProcessNode]
Triptych = Callable[..., "subprocess.CompletedProcess[str]"]

PASSAGES = (
    Passage(
        id="p1",
        source="pilot.md",
        heading="Results",
        text="The event queue reduced the order delay from 9 hours to 4 minutes in the pilot. "
        "The pilot processed 12,000 orders a day without a lost order.",
    ),
    Passage(
        id="p2",
        source="review.md",
        heading="Concerns",
        text="However, the event queue was tested with two of eleven shops only. "
        "The event queue needs an operator on call, which the team does not have.",
    ),
    Passage(
        id="p3",
        source="costs.md",
        text="Running the event queue costs 840 EUR a month. The nightly batch costs 120 EUR a month.",
    ),
)


def question(**fields: Any) -> TaskSpec:
    """A small question with its evidence, under a fresh id."""
    return TaskSpec(
        **{
            "task_id": new_task_id(),
            "goal": "Should the order processing move to an event queue?",
            "inputs": Inputs(passages=PASSAGES),
            "deadline_s": 60.0,
            **fields,
        }
    )


@pytest.fixture
def settings(client: redis.Redis, redis_url: str, home: Path) -> Settings:
    """This deployment's settings; its Redis is empty."""
    return Settings(redis_url=SecretStr(redis_url), home=home)


@pytest.fixture
def producer(settings: Settings) -> Iterator[Client]:
    """A producer on this deployment."""
    connected = Client(settings)
    yield connected
    connected.close()


@pytest.fixture
def start_worker(settings: Settings, redis_url: str, tmp_path: Path) -> Iterator[StartWorker]:
    """Start worker processes; they are killed when the test ends."""
    started: list[ProcessNode] = []

    def start(*arguments: str, ready: bool = True, tree: Path = ROOT, **env: str) -> ProcessNode:
        node = worker_node(
            f"worker{len(started) + 1}",
            folder=tmp_path,
            env={"REDIS_URL": redis_url, "TRIPTYCH_HOME": str(settings.home), **env},
            arguments=arguments,
            tree=tree,
        )
        started.append(node)
        if ready:
            node.ready()
        return node

    yield start
    for node in started:
        node.teardown()


@pytest.fixture
def triptych(home: Path, redis_url: str, client: redis.Redis, tmp_path: Path) -> Triptych:
    """Run a command on this test's fleet; ``tree`` holds the packages of another version."""
    environment = {**os.environ, "REDIS_URL": redis_url, "NO_COLOR": "1", "COLUMNS": "200"}
    program = "import sys; from orchestrator.cli.main import main; sys.exit(main())"

    def run(*arguments: str, tree: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
        if tree == ROOT:
            return command(*arguments, env={**environment, **env}, cwd=tmp_path)
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={**environment, "PYTHONPATH": str(tree), **env},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


# pytest-celery's nodes, backed by processes; tests/integration/fleet/test_nodes.py has containers too.


@pytest.fixture
def celery_broker_cluster() -> None:
    """The broker is this test process's Valkey, which outlives a test: pytest-celery is not to manage it."""


@pytest.fixture
def celery_backend_cluster() -> None:
    """As the broker."""


@pytest.fixture
def celery_worker_cluster(start_worker: StartWorker) -> CeleryWorkerCluster:
    """Two workers that share all queues."""
    first, second = start_worker(ready=False), start_worker(ready=False)
    for node in (first, second):
        node.ready()
    return CeleryWorkerCluster(*(CeleryTestWorker(node, app=None) for node in (first, second)))


@pytest.fixture
def celery_setup_app(settings: Settings) -> Celery:
    """The application as producers have it: it knows no task."""
    return make_app(settings)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; the test is skipped where this machine has none."""
    with running_browser() as running:
        yield running
