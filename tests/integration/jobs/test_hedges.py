"""A whole job one of whose calls says nothing: the backup answers, and result, ledger and stats say so."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from orchestrator.client import Client
from orchestrator.contracts import Usage
from orchestrator.contracts.events import StepEnd
from orchestrator.report.pace import LEAST_SEEN
from orchestrator.settings.limits import Limit
from orchestrator.store import history
from orchestrator.store.endpoints import Scope
from orchestrator.store.paces import PaceStore, Seen
from tests.integration.conftest import StartWorker, Triptych, question
from tests.integration.llm.wire import STREAM
from tests.model_server import ModelServer
from workers.llm.address import identity

pytestmark = pytest.mark.integration


def test_a_silent_call_costs_a_prompt_and_not_the_job_its_time(
    start_worker: StartWorker, producer: Client, model: ModelServer, triptych: Triptych
) -> None:
    there = Scope.of(identity(URL(f"{model.url}/v1")), "openai:test", Limit())
    store = PaceStore(producer.redis)
    for _ in range(LEAST_SEEN):
        store.learn(there, "thesis", Seen(first_s=0.2, whole_s=0.4, usage=Usage(calls=1, input_tokens=1_000)))
    start_worker(**model.environment())

    # The first job's calls tell the worker to read what the fleet knows.
    producer.wait(producer.submit(question(mode="sequential")).ref)
    model.forget()
    model.script("thesis", lambda _: [STREAM, "hold"])
    submitted = producer.submit(question(mode="sequential"))
    result = producer.wait(submitted.ref)

    silent, backup = model.of("thesis")
    assert silent.request.hung_up.wait(20)
    assert silent.request.body == backup.request.body
    assert result.status == "complete", result.reasons
    (thesis,) = (output for output in result.outputs if output.step == "thesis")
    (hedge,) = thesis.hedges
    assert (hedge.model, hedge.won) == ("openai:test", True)
    ends = [event for event in history(producer.redis, submitted.ref) if isinstance(event, StepEnd)]
    assert {end.step: end.hedges for end in ends if end.hedges} == {"thesis": (hedge,)}
    assert thesis.usage.calls == 2
    assert thesis.usage.input_tokens == backup.told.input_tokens
    assert thesis.usage.estimated_tokens > 0

    done = triptych("stats", "--json")
    told = {pace["step"]: pace for pace in json.loads(done.stdout)["paces"]}
    assert {"thesis", "antithesis", "synthesis"} <= set(told)
    assert (told["thesis"]["backups"], told["thesis"]["backups_won"]) == (1, 1)
    assert "openai:test: 1 of 10 backups made" in triptych("stats").stdout
