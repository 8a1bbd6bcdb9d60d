"""A job in sections whose chord is broken in every way: the record finishes it, and nothing is computed twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from itertools import permutations

import pytest
import redis
from celery.canvas import Signature
from kombu.exceptions import OperationalError

from orchestrator.client import Client
from orchestrator.contracts import PersonaOutput
from orchestrator.contracts.events import StepRecovered
from orchestrator.routing.flow import persona_of
from orchestrator.store import JobRef, history, keys
from tests.integration.conftest import StartWorker, question
from tests.integration.jobs.conftest import why
from tests.integration.jobs.scripted import Scripted, waiting
from tests.model_server import (
    ModelServer,
    good,
    through,
)
from tests.nodes import wait_for
from workers.execution import Executor
from workers.progress import Canvas
from workers.sweeping import Sweeper

pytestmark = pytest.mark.integration

SIDES = ("thesis", "antithesis_standalone")
TWO = ("section:1", "section:2")


@pytest.fixture
def work() -> Scripted:
    return Scripted("parallel", sections=2)


@pytest.fixture
def joined() -> list[str]:
    return []


@pytest.fixture
def canvas(joined: list[str]) -> Canvas:
    return Canvas(
        fires=True, grow=lambda message: joined.append(message.options["task_id"].rpartition(".")[2])
    )


def sent(client: redis.Redis, ref: JobRef) -> set[str]:
    return {step for step in (*TWO, "synthesis") if client.hexists(ref.job, f"sent:{step}")}


@pytest.mark.parametrize("order", list(permutations(SIDES)))
def test_whoever_ends_last_has_the_sections_join_the_chord(
    executor: Executor,
    client: redis.Redis,
    ref: JobRef,
    canvas: Canvas,
    joined: list[str],
    order: tuple[str, ...],
) -> None:
    executor.run(ref, "plan")
    assert executor.run(ref, "section:1").word == "not ready"
    executor.run(ref, order[0], canvas)
    assert (joined, sent(client, ref)) == ([], set())
    executor.run(ref, order[1], canvas)
    assert (joined, sent(client, ref)) == ([*TWO], {*TWO})
    assert executor.run(ref, "synthesis").word == "not ready"
    for step in TWO:
        executor.run(ref, step, canvas)
    assert waiting(client, "synthesis") == 0, "the chord sends it"
    assert executor.run(ref, "synthesis").word == "ok"


def test_bare_deliveries_take_a_job_to_its_end(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    for step in ("plan", *SIDES, *TWO):
        executor.run(ref, step)
    assert producer.store.load(ref).steps["synthesis"].sends == 1
    executor.run(ref, "synthesis")
    assert producer.result(ref) is not None
    assert set(Counter(work.done).values()) == {1}


def test_a_second_delivery_of_the_last_side_sends_what_its_worker_could_not(
    executor: Executor, client: redis.Redis, ref: JobRef, canvas: Canvas, joined: list[str]
) -> None:
    """Its worker died between the output and the chord: a bare message finds the output."""

    def died(message: Signature) -> None:
        raise OperationalError("away")

    executor.run(ref, "plan")
    executor.run(ref, "thesis", canvas)
    executor.run(ref, "antithesis_standalone", Canvas(fires=True, grow=died))
    assert waiting(client, "section:1") == 0
    executor.run(ref, "antithesis_standalone")
    assert joined == [], "nobody can tell what has become of the chord"
    assert waiting(client, "section:1") == 2
    assert client.hget(ref.job, "loose") == "1"


def test_sections_that_were_recorded_and_never_sent_are_found(
    executor: Executor, producer: Client, sweeper: Sweeper, client: redis.Redis, ref: JobRef, canvas: Canvas
) -> None:
    def broken(message: Signature) -> None:
        raise OperationalError("away")

    executor.run(ref, "plan")
    executor.run(ref, "thesis", canvas)
    executor.run(ref, "antithesis_standalone", Canvas(fires=True, grow=broken))
    client.hset(
        ref.job,
        mapping={f"{what}:{step}": 0 for what, steps in (("sent", TWO), ("ended", SIDES)) for step in steps},
    )
    client.hset(ref.job, mapping={"accepted_ms": 0, "ended:plan": 0})
    for key in list(client.scan_iter("triptych.v*")):
        client.delete(key)
    client.delete(keys.SWEEP_LOCK)
    sweeper.turn()
    assert waiting(client, "section:1") == 2
    for step in (*TWO, "synthesis"):
        executor.run(ref, step)
    assert producer.result(ref) is not None


def test_a_write_whose_answer_was_lost_still_has_its_sections_sent_once(
    executor: Executor, producer: Client, ref: JobRef
) -> None:
    """The same attempt writes again: it learns what it learned before, and its sibling does not."""
    executor.run(ref, "plan")
    answers: dict[str, list[tuple[str, tuple[str, ...]]]] = {step: [] for step in SIDES}
    leases = {}
    for step in SIDES:
        granted = producer.store.acquire(ref, step, f"worker of {step}").granted
        assert granted is not None
        leases[step] = granted.lease
    for step, other in (SIDES, SIDES[::-1], SIDES, SIDES[::-1]):
        output = PersonaOutput(task_id=ref.task_id, persona=persona_of(step), step=step)
        stored = producer.store.write_output(leases[step], output, events=(), sends=TWO, beside=(other,))
        answers[step].append((stored.status, stored.sends))
    assert answers == {
        "thesis": [("written", ()), ("duplicate", ())],
        "antithesis_standalone": [("written", TWO), ("duplicate", TWO)],
    }


def test_a_worker_killed_in_the_middle_of_its_sections_costs_seconds_and_nothing_that_was_settled(
    start_worker: StartWorker, producer: Client, client: redis.Redis
) -> None:
    model = ModelServer()
    try:
        gate = model.gate()
        model.script("section", good, through(gate))
        first = start_worker(**model.environment())
        ref = producer.submit(question(mode="parallel", sections=2)).ref
        wait_for("one section, and another under way", lambda: len(model.of("section")) == 2)
        wait_for("the one that ends", lambda: {*producer.store.load(ref).outputs} & {*TWO})
        done = {*producer.store.load(ref).outputs} & {*TWO}
        start_worker(**model.environment())
        os.kill(first.pid, signal.SIGKILL)
        result = producer.wait(ref)
        assert result.status == "complete", why(result)
        assert {o.step: o.attempt for o in result.outputs} == {
            step: 1 if step in (*SIDES, "synthesis", *done) else 2 for step in (*SIDES, *TWO, "synthesis")
        }
        assert [e.step for e in history(client, ref) if isinstance(e, StepRecovered)] == [*({*TWO} - done)]
        calls = Counter(asked.form for asked in model.asked)
        # What died with the worker is asked again, and nothing else.
        assert (calls["section"], calls["merge"], calls["thesis"]) == (3, 1, 1)
    finally:
        model.close()
