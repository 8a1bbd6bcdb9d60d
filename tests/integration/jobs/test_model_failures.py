"""What a job becomes when its model, its worker or its time gives out: named, stopped at the socket, paid once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import redis

from orchestrator.client import Client
from orchestrator.contracts.events import JobEnd, LeaseLost, StepEnd, StepStart
from orchestrator.store import history
from orchestrator.store.archive import archive_in
from orchestrator.store.archiving import drain
from orchestrator.store.record import PLAN
from tests.integration.conftest import PASSAGES, StartWorker, question
from tests.integration.jobs.conftest import CANARY, House, why
from tests.model_server import (
    OBJECTIONS,
    POSITIONS,
    TRANSLATION,
    ModelServer,
    Reply,
    cut,
    decline,
    refuses,
    says,
    stall,
)
from tests.nodes import wait_for
from workers.translation import TRANSLATION_S

pytestmark = pytest.mark.integration

PATIENCE_S = 20.0
GARBAGE = says("I am sorry, I can only answer in prose.")
FOR_GOOD: dict[str, tuple[str, tuple[Reply, ...]]] = {
    "a refused key": ("auth", (refuses(401, "bad key"),)),
    "a prompt that is too long": ("context_length", (refuses(400, "too long", "context_length_exceeded"),)),
    "a stream that ends early": ("truncated", (cut,)),
    "an answer that cannot be read, twice": ("unparseable", (GARBAGE, GARBAGE)),
    "a model that declines": ("model_refused", (decline,)),
    "an endpoint that stays down": ("overloaded", (refuses(503, "down", retry_after="0"),) * 4),
}


@pytest.mark.parametrize("name", FOR_GOOD)
@pytest.mark.parametrize(
    ("mode", "step"), [("sequential", "antithesis"), ("parallel", "antithesis_standalone")]
)
def test_one_persona_lost_degrades_the_result_and_names_the_kind(
    house: House, model: ModelServer, name: str, mode: str, step: str
) -> None:
    kind, replies = FOR_GOOD[name]
    model.script(step, *replies)
    result = house.answer(mode=mode)
    assert (result.status, why(result)) == ("degraded", [("persona_lost", "antithesis", kind)])
    lost = next(o for o in result.outputs if o.step == step)
    assert (lost.status, lost.claims, lost.provider, lost.model) == ("failed", (), "openai", "test")
    assert {c for claim in result.claims for c in claim.about} == {"t1", "t2"}
    synthesis = model.of("synthesis")
    assert len(synthesis) == 1
    assert f"The antithesis was lost ({kind})." in synthesis[0].prompt
    end = next(e for e in house.events(result) if isinstance(e, StepEnd) and e.step == step)
    assert (end.status, end.kind, end.provider, end.model) == ("failed", kind, "openai", "test")


@pytest.mark.parametrize(
    ("mode", "step"), [("sequential", "antithesis"), ("parallel", "antithesis_standalone")]
)
def test_a_lost_thesis_leaves_the_antithesis_its_standalone_form(
    house: House, model: ModelServer, mode: str, step: str
) -> None:
    model.script("thesis", refuses(401))
    result = house.answer(mode=mode)
    assert (result.status, why(result)) == ("degraded", [("persona_lost", "thesis", "auth")])
    assert [asked.form for asked in model.asked if asked.form != "thesis"] == [
        "antithesis_standalone",
        "synthesis",
    ]
    assert step in {o.step for o in result.outputs if o.status == "ok"}
    assert "The thesis was lost (auth)." in model.of("synthesis")[0].prompt


def test_both_lost_fails_with_both_causes(house: House, model: ModelServer) -> None:
    model.script("thesis", refuses(401))
    model.script("antithesis_standalone", cut)
    result = house.answer(mode="sequential")
    assert (result.status, why(result)) == (
        "failed",
        [
            ("all_personas_lost", None, None),
            ("persona_lost", "thesis", "auth"),
            ("persona_lost", "antithesis", "truncated"),
        ],
    )
    assert model.of("synthesis") == []
    assert (result.claims, result.passages) == ((), ())
    assert result.provenance.llm_used
    assert "No language model was used" not in result.answer


@pytest.mark.parametrize("name", FOR_GOOD)
def test_a_lost_synthesis_delivers_both_sides(house: House, model: ModelServer, name: str) -> None:
    kind, replies = FOR_GOOD[name]
    model.script("synthesis", *replies)
    result = house.answer(mode="parallel")
    assert (result.status, why(result)) == ("degraded", [("synthesis_lost", "synthesis", kind)])
    assert [claim.text for claim in result.claims] == [*POSITIONS, *OBJECTIONS]
    assert all(text in result.answer for text in (*POSITIONS, *OBJECTIONS))


@pytest.mark.parametrize("step", ["thesis", "antithesis_standalone", "synthesis"])
def test_a_caller_who_takes_no_partial_result_gets_a_failure(
    house: House, model: ModelServer, step: str
) -> None:
    model.script(step, refuses(401))
    result = house.answer(mode="parallel", on_partial="fail")
    assert result.status == "failed"
    assert why(result)[-1] == ("partial_refused", None, None)
    assert (result.claims, "auth") == ((), why(result)[0][2])


def test_what_a_lost_persona_cost_is_in_the_bill(house: House, model: ModelServer) -> None:
    model.script("thesis", GARBAGE, GARBAGE)
    result = house.answer(mode="parallel")
    assert len(model.of("thesis")) == 2
    assert result.usage == model.told()


@pytest.mark.parametrize(
    ("mode", "stalled", "lost", "status"),
    [
        ("sequential", "thesis", "persona_lost", "failed"),
        ("parallel", "thesis", "persona_lost", "degraded"),
        ("parallel", "synthesis", "synthesis_lost", "degraded"),
    ],
)
def test_the_deadline_cuts_the_call_and_ends_the_job(
    house: House, model: ModelServer, mode: str, stalled: str, lost: str, status: str
) -> None:
    model.script(stalled, stall)
    result = house.answer(mode=mode, deadline_s=3.0)  # the other persona has to be done by then
    (call,) = model.of(stalled)
    assert call.request.hung_up.wait(PATIENCE_S)
    assert (lost, stalled, "deadline") in why(result)
    assert result.status == status
    assert result.usage.tokens > model.told().tokens
    assert {o.status for o in result.outputs if o.step == stalled} == {"timeout"}
    if stalled == "thesis":
        assert "deadline" in [reason.code for reason in result.reasons]
        assert model.of("synthesis") == []
    end = house.events(result)[-1]
    assert isinstance(end, JobEnd)
    # Ended by a step that found the time up, not seconds later by the sweep, which belongs to no step.
    assert end.step is not None


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("thesis", {"mode": "sequential"}),
        ("antithesis_standalone", {"mode": "parallel"}),
        (TRANSLATION, {"goal": "주문 처리를 이벤트 큐로 옮겨야 하는가?"}),
    ],
)
def test_cancelling_cuts_the_call_through_the_lease(
    house: House, model: ModelServer, form: str, fields: dict[str, str]
) -> None:
    model.script(form, stall)
    ref = house.client.submit(question(**fields)).ref
    wait_for(f"the call of {form}", lambda: model.of(form))
    assert house.client.cancel(ref, who="a test")
    (call,) = model.of(form)
    # Sooner than any limit of its own would have ended it.
    assert call.request.hung_up.wait(0.8 * TRANSLATION_S)
    result = house.client.wait(ref)
    assert (result.status, why(result)[0]) == ("failed", ("cancelled", None, None))

    step = PLAN if form == TRANSLATION else form

    def stopped() -> list[LeaseLost]:
        # The thesis beside it may be stopped as well, where it is slow.
        return [e for e in history(house.client.redis, ref) if isinstance(e, LeaseLost) and e.step == step]

    wait_for("the ledger to say so", stopped)
    (lost,) = stopped()
    # The half of it that was written is paid for, and nobody else tells.
    assert (lost.why, lost.provider, lost.usage.calls) == ("cancelled", "openai", 1)
    assert lost.usage.estimated_tokens > len(call.prompt) // 8
    assert model.of("synthesis") == []
    assert len(model.of(form)) == 1


def test_a_spent_budget_stops_the_job_before_the_next_call(house: House, model: ModelServer) -> None:
    result = house.answer(mode="sequential", token_budget=1_000)
    assert (result.status, why(result)) == (
        "degraded",
        [("persona_lost", "antithesis", "token_budget"), ("synthesis_lost", "synthesis", "token_budget")],
    )
    assert [asked.form for asked in model.asked] == ["thesis"]
    assert [claim.text for claim in result.claims] == [*POSITIONS]


def test_a_worker_killed_during_a_call_costs_one_call(
    start_worker: StartWorker, producer: Client, model: ModelServer
) -> None:
    model.script("antithesis", stall)
    workers = [start_worker(ready=False, **model.environment()) for _ in range(2)]
    for worker in workers:
        worker.ready()
    ref = producer.submit(question(mode="sequential")).ref
    wait_for("the antithesis' call", lambda: model.of("antithesis"))
    started = [e for e in history(producer.redis, ref) if isinstance(e, StepStart) and e.step == "antithesis"]
    victim = next(worker for worker in workers if worker.pid == started[0].process_id)
    os.kill(victim.pid, signal.SIGKILL)

    result = producer.wait(ref)
    assert result.status == "complete", result.reasons
    assert {o.step: o.attempt for o in result.outputs} == {"thesis": 1, "antithesis": 2, "synthesis": 1}
    assert [asked.form for asked in model.asked] == ["thesis", "antithesis", "antithesis", "synthesis"]
    assert model.of("antithesis")[0].request.hung_up.is_set()


def everything_in(client: redis.Redis) -> str:
    """All of a Redis' keys and values as text."""
    read: dict[Any, Callable[[str], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "stream": client.xrange,
    }
    kinds = {key: client.type(key) for key in client.scan_iter()}
    # A lock or a lease may run out between being listed and being looked at.
    return "\n".join(f"{key} {read[kind](key)}" for key, kind in kinds.items() if kind != "none")


def test_the_key_is_known_to_the_model_and_to_nobody_else(house: House, model: ModelServer) -> None:
    """Endpoints repeat keys and prompts in their errors, and some errors are worth quoting."""
    key, prompt = f"Incorrect API key provided: {CANARY}", f"You wrote: {PASSAGES[0].text}"
    model.script("thesis", refuses(401, key))
    model.script("antithesis_standalone", refuses(400, key))
    lost = house.answer(mode="sequential")
    model.script("thesis", refuses(422, prompt))
    model.script("synthesis", refuses(422, "The field is unknown."))
    quoted = house.answer(mode="parallel")
    assert "The field is unknown." in quoted.reasons[-1].detail

    assert {asked.request.headers["authorization"] for asked in model.asked} == {f"Bearer {CANARY}"}
    drain(house.client.redis, archive_in(house.home))
    redis_text, log = everything_in(house.client.redis), house.worker.logs()
    exported = "".join(event.model_dump_json() for event in archive_in(house.home).events(None))
    for text in (redis_text, log, exported):
        assert lost.task_id in text, "looked in the wrong place"
        assert CANARY not in text
        assert CANARY.removeprefix("sk-")[:8] not in text
    for path in house.home.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
    # Logs hold ids and figures, and the ledger no document text.
    for text in (log, exported):
        assert PASSAGES[0].text not in text
        assert POSITIONS[0] not in text
