"""SIGTERM drains: steps in flight finish, no message is left behind. A second one hurries, and loses nothing either."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.contracts import TaskSpec
from orchestrator.contracts.events import LeaseLost, StepEnd
from orchestrator.store import JobRef, history
from tests.faults.fleet import Fleet, Worker
from tests.integration.conftest import question
from tests.model_server import ModelServer, stall, through
from tests.nodes import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
def fleet(model: ModelServer, tmp_path: Path) -> Iterator[Fleet]:
    running = Fleet(tmp_path, model.environment())
    yield running
    running.close()


def job(**fields: object) -> TaskSpec:
    return question(mode="parallel", **fields)


def attempts(fleet: Fleet, ref: JobRef) -> dict[str, int]:
    return {step: state.attempts for step, state in fleet.client.store.load(ref).steps.items()}


def unacked(fleet: Fleet) -> int:
    """Messages that a worker took and neither acknowledged nor put back."""
    return int(fleet.client.redis.hlen("unacked"))


def in_a_thesis(fleet: Fleet, model: ModelServer, **env: str) -> Worker:
    """A worker that is in the middle of a model call."""
    worker = fleet.start(**env)
    worker.ready()
    wait_for("the thesis' model call", lambda: model.of("thesis"))
    return worker


def test_steps_in_flight_finish_and_no_message_is_left_behind(fleet: Fleet, model: ModelServer) -> None:
    gate = model.gate()
    model.script("thesis", through(gate))
    ref = fleet.client.submit(job()).ref
    draining = in_a_thesis(fleet, model)
    draining.send_signal(signal.SIGTERM)
    wait_for("it to drain", lambda: '"draining"' in draining.logs())
    gate.open()
    assert draining.wait() == 0
    assert unacked(fleet) == 0

    fleet.start().ready()
    assert fleet.client.wait(ref).status == "complete"
    assert attempts(fleet, ref) == {"plan": 1, "thesis": 1, "antithesis_standalone": 1, "synthesis": 1}
    assert len(model.asked) == 3


@pytest.mark.parametrize("how", ["a second signal", "no time", "SIGQUIT"])
def test_what_cannot_finish_is_handed_over_at_once(fleet: Fleet, model: ModelServer, how: str) -> None:
    """Nobody waits for the lease to run out, nor for a sweep: the message is in the queue when the worker is gone."""
    model.script("thesis", stall)
    ref = fleet.client.submit(job()).ref
    leaving = in_a_thesis(fleet, model, **({"TRIPTYCH_DRAIN_S": "0"} if how == "no time" else {}))
    wait_for("the other step", lambda: "antithesis_standalone" in fleet.client.store.load(ref).outputs)
    leaving.send_signal(signal.SIGQUIT if how == "SIGQUIT" else signal.SIGTERM)
    if how == "a second signal":
        wait_for("it to drain", lambda: '"draining"' in leaving.logs())
        leaving.send_signal(signal.SIGTERM)
    assert leaving.wait() == 0
    assert fleet.client.redis.get(ref.lease("thesis")) is None
    assert (fleet.waiting(), unacked(fleet)) == (1, 0)

    fleet.start().ready()
    assert fleet.client.wait(ref).status == "complete"
    assert attempts(fleet, ref) == {"plan": 1, "thesis": 2, "antithesis_standalone": 1, "synthesis": 1}
    lost = [event for event in history(fleet.client.redis, ref) if isinstance(event, LeaseLost)]
    assert [(event.step, event.why) for event in lost] == [("thesis", "handed_over")]


@pytest.mark.soak
def test_a_worker_that_cannot_hand_over_ends_all_the_same(fleet: Fleet, model: ModelServer) -> None:
    """Redis does not answer: the lease runs out by itself, and the sweep finds what is left."""
    model.script("thesis", stall)
    ref = fleet.client.submit(job()).ref
    leaving = in_a_thesis(fleet, model, TRIPTYCH_DRAIN_S="0")
    with fleet.frozen():
        leaving.send_signal(signal.SIGTERM)
        assert leaving.wait() == 1
    fleet.start().ready()
    assert fleet.client.wait(ref).status == "complete"


def test_rolling_restarts_of_a_fleet_under_load_lose_nothing(fleet: Fleet, model: ModelServer) -> None:
    for _ in range(3):
        fleet.start()
    for worker in fleet.workers:
        worker.ready()
    refs = []
    for old in tuple(fleet.workers):
        refs += [fleet.client.submit(job()).ref for _ in range(10)]
        new = fleet.start()
        old.send_signal(signal.SIGTERM)
        new.ready()
        assert old.wait() == 0
    for ref in refs:
        assert fleet.client.wait(ref).status == "complete"
        assert set(attempts(fleet, ref).values()) == {1}
        ends = Counter(e.step for e in history(fleet.client.redis, ref) if isinstance(e, StepEnd))
        assert set(ends.values()) == {1}
    assert len(model.asked) == 3 * len(refs)
    wait_for("the last acknowledgements", lambda: unacked(fleet) == 0)
