"""A whole job of whose calls some say nothing: their backups answer, and result, ledger and stats say so."""

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
from tests.model_server import ModelServer, stall
from workers.llm.address import identity

pytestmark = pytest.mark.integration


STEPS = {"thesis": "thesis", "rebuttal": "rebuttal", "resolution": "resolution", "merge": "synthesis"}
"""Forms that one call of each stays silent, and the step that the form is asked for in."""


def test_silent_calls_cost_a_prompt_each_and_the_job_no_time(
    start_worker: StartWorker, producer: Client, model: ModelServer, triptych: Triptych
) -> None:
    there = Scope.of(identity(URL(f"{model.url}/v1")), "openai:test", Limit())
    store = PaceStore(producer.redis)
    for _ in range(LEAST_SEEN):
        for step in STEPS:
            store.learn(there, step, Seen(first_s=0.2, whole_s=0.4, usage=Usage(calls=1)))
    start_worker(**model.environment())

    # The first job's calls tell the worker to read what the fleet knows.
    producer.wait(producer.submit(question(mode="pipelined")).ref)
    model.forget()
    for form in STEPS:
        model.script(form, lambda _: [STREAM, "hold"])
    submitted = producer.submit(question(mode="pipelined"))
    result = producer.wait(submitted.ref)

    assert result.status == "complete", result.reasons
    hedged = {output.step: output for output in result.outputs if output.hedges}
    assert sorted(step.partition(":")[0] for step in hedged) == sorted(STEPS.values())
    for output in hedged.values():
        assert [(hedge.model, hedge.won) for hedge in output.hedges] == [("openai:test", True)]
        # The silent one's prompt is estimated, the other's counted.
        assert output.usage.calls == 2
        assert output.usage.estimated_tokens > 0
    for form in STEPS:
        silent = model.of(form)[0].request
        assert silent.hung_up.wait(20)
        assert sum(asked.request.body == silent.body for asked in model.of(form)) == 2
    ends = [event for event in history(producer.redis, submitted.ref) if isinstance(event, StepEnd)]
    told = {end.step: end.hedges for end in ends if end.hedges}
    assert told == {step: output.hedges for step, output in hedged.items()}

    stats = {pace["step"]: pace for pace in json.loads(triptych("stats", "--json").stdout)["paces"]}
    assert [(stats[step]["backups"], stats[step]["backups_won"]) for step in STEPS] == [(1, 1)] * 4
    assert "backups made that" in triptych("stats").stdout


def test_a_thesis_that_falls_behind_is_cut_and_goes_on_from_its_last_claim(
    start_worker: StartWorker, producer: Client, model: ModelServer
) -> None:
    there = Scope.of(identity(URL(f"{model.url}/v1")), "openai:test", Limit())
    store = PaceStore(producer.redis)
    for _ in range(LEAST_SEEN):
        store.learn(there, "thesis", Seen(first_s=0.2, whole_s=0.4, usage=Usage(calls=1), chars=600))
    start_worker(**model.environment())
    producer.wait(producer.submit(question(mode="pipelined")).ref)
    model.forget()

    model.script("thesis", stall)
    submitted = producer.submit(question(mode="pipelined"))
    result = producer.wait(submitted.ref)

    assert result.status == "complete", result.reasons
    slow, rest = model.of("thesis")
    assert slow.request.hung_up.wait(20)
    assert "numbered upwards from t2" in rest.prompt
    said = next(output for output in result.outputs if output.step == "thesis")
    assert [claim.id for claim in said.claims] == ["t1", "t2"]
    assert [(hedge.model, hedge.won) for hedge in said.hedges] == [("openai:test", True)]
    assert said.usage.calls == 2
    assert len(model.of("rebuttal")) == 2
