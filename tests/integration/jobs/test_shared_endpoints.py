"""Two real workers and one misbehaving endpoint: what one of them is told, both keep to."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from orchestrator.client import Client
from orchestrator.doctor.judging import judge_endpoints
from orchestrator.store import keys
from orchestrator.store.endpoints import EndpointStore
from tests.integration.conftest import StartWorker, question
from tests.integration.jobs.conftest import CANARY, why
from tests.integration.jobs.test_model_failures import everything_in
from tests.model_server import ModelServer, refuses, stall, through
from tests.nodes import ProcessNode, wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def apart(start_worker: StartWorker, model: ModelServer) -> Any:
    """Start one worker for the plan and the thesis, and one for the rest: who is told is not who calls next."""

    def start(**env: str) -> list[ProcessNode]:
        told = {**model.environment(key=CANARY), **env}
        workers = [
            start_worker("--queues", queues, ready=False, **told)
            for queues in ("plan,thesis", "antithesis,synthesis")
        ]
        for worker in workers:
            worker.ready()
        return workers

    return start


def test_a_pause_that_one_worker_was_told_holds_for_the_other(
    apart: Any, producer: Client, model: ModelServer
) -> None:
    apart(TRIPTYCH_MODEL_LIMITS="openai concurrency=9 rpm=1000 tpm=10000000")
    model.script("thesis", refuses(429, "slow down", retry_after="4"))
    # Not in parallel: the antithesis may have left before the thesis was refused.
    result = producer.wait(producer.submit(question(mode="sequential", deadline_s=3.5)).ref)
    assert ("persona_lost", "thesis", "overloaded") in why(result)
    (refused,) = model.asked
    later = producer.wait(producer.submit(question(mode="parallel")).ref)
    assert later.status == "complete", later.reasons
    assert min(asked.request.at for asked in model.asked[1:]) - refused.request.at >= 4.0
    assert {asked.form for asked in model.asked[1:]} == {"thesis", "antithesis_standalone", "synthesis"}
    # What they share names neither the key nor the address.
    text = everything_in(producer.redis)
    shared = [line for line in text.splitlines() if line.startswith((keys.ENDPOINT, keys.ENDPOINTS))]
    assert shared
    assert CANARY not in text
    assert not any("127.0.0.1" in line or "http" in line for line in shared)


def test_a_broken_endpoint_is_found_out_by_one_and_left_alone_by_the_other(
    apart: Any, producer: Client, model: ModelServer, client: redis.Redis
) -> None:
    apart()
    model.script("thesis", *[refuses(500)] * 8)
    for _ in range(2):
        producer.wait(producer.submit(question(mode="sequential", deadline_s=5.0)).ref)
    (state,) = EndpointStore(client).look()
    (found,) = judge_endpoints([state])
    assert (found.check, found.level) == ("model openai:test", "warning")
    assert (state.name, state.is_open) == ("openai:test", True)
    failed = len(model.asked)
    # Its time is shorter than the rest that the endpoint gets: it does not even try.
    hurried = producer.wait(producer.submit(question(mode="parallel", deadline_s=2.0)).ref)
    assert hurried.status == "failed"
    assert ("persona_lost", "antithesis", "overloaded") in why(hurried)
    assert len(model.asked) == failed
    patient = producer.wait(producer.submit(question(mode="parallel")).ref)
    assert patient.status == "complete", patient.reasons
    assert EndpointStore(client).look()[0].is_open is False


def test_a_limit_holds_for_all_workers_and_the_permit_of_a_killed_one_comes_back(
    start_worker: StartWorker, producer: Client, model: ModelServer
) -> None:
    limited = {**model.environment(), "TRIPTYCH_MODEL_LIMITS": "openai concurrency=1"}
    first = start_worker("--queues", "plan,thesis", **limited)
    model.script("thesis", stall)
    producer.submit(question(mode="parallel"))
    wait_for("the thesis' call", lambda: model.of("thesis"))
    # Not before: of two that are sent together either may take the one permit.
    start_worker("--queues", "antithesis,synthesis", **limited)
    wait_for("the antithesis to wait", lambda: waiting(producer) == 1)
    assert model.of("antithesis_standalone") == []
    first.kill()
    wait_for("the antithesis' call", lambda: model.of("antithesis_standalone"))


def waiting(producer: Client) -> int:
    """How many calls stand in line."""
    lines = producer.redis.scan_iter(f"{keys.ENDPOINT}*:line")
    return sum(producer.redis.zcard(line) for line in lines)


def test_a_synthesis_passes_before_new_work_that_came_sooner(
    start_worker: StartWorker, producer: Client, model: ModelServer
) -> None:
    start_worker(**model.environment(), TRIPTYCH_MODEL_LIMITS="openai:test concurrency=1")
    antithesis, thesis = model.gate(), model.gate()
    model.script("antithesis", through(antithesis))
    producer.submit(question(mode="sequential"))
    wait_for("the antithesis' call", lambda: model.of("antithesis"))
    model.script("thesis", through(thesis), through(thesis))
    others = [producer.submit(question(mode="sequential")).ref for _ in range(2)]
    wait_for("the others' theses to wait", lambda: waiting(producer) == 2)
    antithesis.open()
    wait_for(
        "a thesis to pass, and the synthesis to wait",
        lambda: len(model.asked) == 3 and waiting(producer) == 2,
    )
    thesis.open()
    assert [producer.wait(ref).status for ref in others] == ["complete"] * 2
    assert [asked.form for asked in model.asked][:5] == [
        "thesis",
        "antithesis",
        "thesis",
        "synthesis",
        "thesis",
    ]
