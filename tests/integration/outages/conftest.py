"""Deployments whose Redis a test may take away: a server of each test's own, and a proxy before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

from orchestrator.client import Client
from orchestrator.contracts import Result
from orchestrator.store import JobRef
from tests.integration.conftest import StartWorker, question
from tests.integration.llm.wire import Gate
from tests.model_server import ModelServer, through
from tests.nodes import ProcessNode, wait_for
from tests.proxy import Proxy
from tests.servers import Valkey, unacked

FIRST = ("thesis", "antithesis_standalone")


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """This test's server, which it may kill, freeze and start again."""
    server = Valkey()
    yield server
    server.close()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """Where everything connects that a test does not send elsewhere."""
    return valkey.url


@pytest.fixture
def proxy(valkey: Valkey) -> Iterator[Proxy]:
    """Stands between that server and whoever is given its URL."""
    between = Proxy(valkey.folder / "s")
    yield between
    between.close()


@pytest.fixture
def look(valkey: Valkey) -> Iterator[redis.Redis]:
    """The test's own way to the server, whatever happens to the others'."""
    client = valkey.connect()
    yield client
    client.close()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


@dataclass
class Busy:
    """Jobs whose first two model calls wait for ``finish``; the synthesis is answered at once."""

    producer: Client
    model: ModelServer
    refs: list[JobRef] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)

    def begin(self, jobs: int, *, deadline_s: float = 170.0) -> None:
        """Submit them, and return when every thesis and antithesis is being written."""
        for form in FIRST:
            gates = [self.model.gate() for _ in range(jobs)]
            self.model.script(form, *map(through, gates))
            self.gates += gates
        for _ in range(jobs):
            spec = question(mode="parallel", deadline_s=deadline_s)
            self.refs.append(self.producer.submit(spec).ref)
        wait_for("the model to be asked", lambda: all(len(self.model.of(f)) >= len(self.refs) for f in FIRST))

    def finish(self) -> None:
        """Let the model answer."""
        for gate in self.gates:
            gate.open()
        self.gates.clear()

    def check(self, worker: ProcessNode, look: redis.Redis) -> list[Result]:
        """Every job is complete, no call was paid twice, and nothing is left of any message."""
        results = [self.producer.wait(ref, within_s=60) for ref in self.refs]
        assert [result.status for result in results] == ["complete"] * len(self.refs), worker.logs()[-5_000:]
        assert {output.attempt for result in results for output in result.outputs} == {1}
        assert len(self.model.asked) == 3 * len(self.refs), "a model call was paid twice"
        assert worker.status == "running", worker.logs()[-5_000:]
        wait_for("every message to be acknowledged", lambda: not any(unacked(look).values()), 10)
        return results


@pytest.fixture
def busy(producer: Client, model: ModelServer) -> Busy:
    return Busy(producer, model)


@pytest.fixture
def start_busy(start_worker: StartWorker, model: ModelServer) -> StartWorker:
    """Start a worker that asks this test's model."""

    def start(*arguments: str, ready: bool = True, **env: str) -> ProcessNode:
        return start_worker(*arguments, ready=ready, **{**model.environment(), **env})

    return start


def threads_and_files(process: ProcessNode) -> tuple[int, int]:
    """How many threads a process has, and how many open files: connections are among them."""
    home = Path(f"/proc/{process.pid}")
    return len(list((home / "task").iterdir())), len(list((home / "fd").iterdir()))
