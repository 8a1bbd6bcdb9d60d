"""One deployment with a model, for all tests that neither kill a worker nor need other settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.broker import make_app
from orchestrator.client import Client
from orchestrator.contracts import Result
from orchestrator.local import PrivateFleet
from orchestrator.recovery import Contact
from orchestrator.routing.flow import STEPS
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, connect, history, keys
from tests.integration.conftest import question
from tests.integration.jobs.scripted import Scripted
from tests.model_server import ModelServer
from tests.nodes import ProcessNode, worker_node
from workers.execution import Executor
from workers.heartbeat import Heartbeat
from workers.progress import Progress
from workers.sweeping import Sweeper

CANARY = "sk-canary-7f3a91c2d5e8"
"""The API key of this deployment: it must turn up at the model and nowhere else."""


def why(result: Result) -> list[tuple[str, str | None, str | None]]:
    """A result's reasons, without their words."""
    return [(reason.code, reason.persona, reason.kind) for reason in result.reasons]


@dataclass(frozen=True)
class House:
    """A Valkey, one worker, a producer. Everything it has done stays until the last test: nothing is flushed."""

    client: Client
    worker: ProcessNode
    home: Path

    def answer(self, **fields: Any) -> Result:
        """Run one job to its end."""
        return self.client.wait(self.client.submit(question(**fields)).ref)

    def events(self, result: Result) -> list[Any]:
        """What the ledger says of it."""
        return history(self.client.redis, JobRef(result.tenant, result.task_id))


@pytest.fixture(scope="session")
def one_server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def model(one_server: ModelServer) -> Iterator[ModelServer]:
    """The model server, without a memory of other tests. What a test scripts has to be asked for."""
    one_server.forget()
    yield one_server
    assert one_server.forget() == {}, "the model was not asked as often as the test says"


@pytest.fixture(scope="session")
def one_house(one_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    home = folder / "home"
    fleet = PrivateFleet(Settings(home=home))
    try:
        fleet.start_valkey()
        url = f"unix://{fleet.socket}"
        worker = worker_node(
            "worker",
            folder=folder,
            env={
                "REDIS_URL": url,
                "TRIPTYCH_HOME": str(home),
                "TRIPTYCH_LOG_LEVEL": "DEBUG",  # what a log may hold at all is in it
                **one_server.environment(key=CANARY),
            },
        )
        client = Client(Settings(redis_url=SecretStr(url), home=home))
        try:
            worker.ready()
            yield House(client, worker, home)
        finally:
            client.close()
            worker.teardown()
    finally:
        fleet.stop()


@pytest.fixture
def house(one_house: House, model: ModelServer) -> House:
    """The shared deployment; ``model`` is what its worker asks, and what it asked of earlier tests is forgotten."""
    for key in one_house.client.redis.scan_iter(f"{keys.ENDPOINT}*"):
        one_house.client.redis.delete(key)
    return one_house


@pytest.fixture
def work() -> Scripted:
    return Scripted()


@pytest.fixture
def executor(settings: Settings, redis_url: str, work: Scripted) -> Executor:
    store = JobStore(connect(redis_url), result_ttl_s=60)
    return Executor(
        store=store,
        heartbeat=Heartbeat(JobStore(connect(redis_url))),
        progress=Progress(store, make_app(settings)),
        work=dict.fromkeys(("plan", *STEPS), work),
        contact=Contact(),
    )


@pytest.fixture
def sweeper(settings: Settings, redis_url: str) -> Sweeper:
    """A sweeper that has been in touch with Redis for long enough."""
    connection, contact = connect(redis_url), Contact()
    contact.answered(0)
    store = JobStore(connection, result_ttl_s=60)
    return Sweeper(store=store, client=connection, app=make_app(settings), contact=contact)


@pytest.fixture
def ref(producer: Client) -> JobRef:
    return producer.submit(question()).ref
