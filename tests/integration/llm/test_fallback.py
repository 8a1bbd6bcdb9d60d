"""A chain of two models on real sockets: when the second is asked, and what comes of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.contracts import Fallback, Usage
from orchestrator.errors import ModelError
from orchestrator.settings import Settings
from orchestrator.settings.chain import Choice
from tests.integration.llm.asking import IMPATIENT, PATIENCE_S, QUICK, REQUEST, uncounted, usage
from tests.integration.llm.wire import STREAM, WireServer, chunk, document, event, events
from workers.llm import loop, registry
from workers.llm.client import Model
from workers.llm.fallback import Candidate
from workers.llm.openai_compat import OpenAICompatible

pytestmark = pytest.mark.integration


def delta(content, finish=None):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}}
YES = events(delta("Yes"), delta(".", "stop"), USAGE, "[DONE]")
TOO_LONG = {"error": {"code": "context_length_exceeded", "message": "too long"}}
QUOTA = {"error": {"code": "insufficient_quota", "message": "pay"}}


@pytest.fixture
def model(wire):
    """``first``, and where it cannot, ``second``, on the same server."""
    providers = [OpenAICompatible(name, f"{wire.url}/v1", limits=IMPATIENT) for name in ("first", "second")]
    yield Model(*(Candidate(provider, equal=False) for provider in providers), policy=QUICK)
    for provider in providers:
        loop.submit(provider.aclose()).result(PATIENCE_S)


def asked(wire):
    return [request.body["model"] for request in wire.requests]


@pytest.mark.parametrize(
    ("kind", "attempts", "reply"),
    [
        ("auth", 1, [document({}, status=401)]),
        ("context_length", 1, [document(TOO_LONG, status=400)]),
        ("provider", 1, [document({}, status=404)]),
        ("provider", 1, [STREAM, chunk(b"data: <html>\n\n")]),
        ("overloaded", 1, [document(QUOTA, status=429)]),
        ("overloaded", 1, [document({}, status=429, retry_after="600")]),
        ("overloaded", 4, [document({}, status=503)]),
        ("truncated", 1, [STREAM, event(delta("Well")), "abort"]),
        ("truncated", 1, [STREAM, event(delta("Well")), "hold"]),
        ("truncated", 4, [STREAM, "abort"]),
    ],
)
def test_what_another_model_may_help_with(wire, model, kind, attempts, reply) -> None:
    for _ in range(attempts):
        wire.reply(*reply)
    wire.reply(*YES)
    well = b"Well" in b"".join(step for step in reply if isinstance(step, bytes))
    heard: list[str] = []
    answer = model.complete(REQUEST, deadline=time.monotonic() + PATIENCE_S, on_text=heard.append)
    assert asked(wire) == ["first"] * attempts + ["second"]
    assert (answer.text, answer.provider, answer.model) == ("Yes.", "openai", "second")
    assert answer.fallbacks == (Fallback(model="openai:first", kind=kind, used="openai:second", equal=False),)
    # What the first one had written is not part of the answer, and a spectator sees that a new one begins.
    assert heard == [*(["Well", "\n"] if well else []), "Yes", "."]
    # Paid all the same, where it had reached a model.
    lost = uncounted("Well" if well else "", attempts) if STREAM in reply else Usage()
    assert answer.usage == usage(40, 2) + lost


def test_what_a_model_declined_is_asked_of_no_other(wire, model) -> None:
    wire.reply(*events(delta("No."), delta("", "content_filter"), "[DONE]"))
    with pytest.raises(ModelError) as caught:
        model.complete(REQUEST, deadline=time.monotonic() + PATIENCE_S)
    assert (caught.value.kind, asked(wire)) == ("model_refused", ["first"])


def test_a_model_that_never_says_a_word_leaves_time_for_the_other(wire, model) -> None:
    wire.reply(STREAM, "hold")
    wire.reply(*YES)
    answer = model.complete(REQUEST, deadline=time.monotonic() + 6.0)
    assert asked(wire) == ["first", "second"]
    assert [fallback.kind for fallback in answer.fallbacks] == ["overloaded"]
    assert wire.hung_up.wait(PATIENCE_S)


def test_a_model_that_speaks_is_given_all_the_time_there_is(wire, model) -> None:
    door = wire.gate()
    wire.reply(*YES[:2], door, *YES[2:])
    started = time.monotonic()
    # A third of the time is the patience for a first word; this one came at once.
    patient = OpenAICompatible("first", f"{wire.url}/v1")
    chain = Model(Candidate(patient), Candidate(patient), policy=QUICK)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(chain.complete, REQUEST, deadline=started + 3.0)
        time.sleep(1.3)
        door.open()
        assert call.result(PATIENCE_S).fallbacks == ()
    loop.submit(patient.aclose()).result(PATIENCE_S)
    assert asked(wire) == ["first"]


def test_where_all_fail_the_first_ones_kind_is_kept_and_both_are_told(wire, model) -> None:
    wire.reply(document({}, status=401))
    wire.reply(document(TOO_LONG, status=400))
    with pytest.raises(
        ModelError, match=r"openai:first: auth: .*; then openai:second: context_length: "
    ) as caught:
        model.complete(REQUEST, deadline=time.monotonic() + PATIENCE_S)
    assert (caught.value.kind, caught.value.asked) == ("auth", ("openai", "first"))


def test_each_place_gets_its_own_key_and_no_other(wire) -> None:
    elsewhere = WireServer()
    try:
        settings = Settings(
            openai_base_url=f"{wire.url}/v1", openai_api_key="sk-first",
            fallback_base_url=f"{elsewhere.url}/v1", fallback_api_key="sk-second",
        )  # fmt: skip
        wire.reply(document({}, status=401))
        elsewhere.reply(document({}, status=401))
        chain = [Choice("openai:a"), Choice("openai:a", elsewhere=True)]
        model = Model(*(registry.provider_for(choice, settings) for choice in chain), policy=QUICK)
        with pytest.raises(ModelError, match=r"OPENAI_API_KEY.*TRIPTYCH_FALLBACK_API_KEY"):
            model.complete(REQUEST, deadline=time.monotonic() + PATIENCE_S)
        assert [r.headers["authorization"] for r in wire.requests] == ["Bearer sk-first"]
        assert [r.headers["authorization"] for r in elsewhere.requests] == ["Bearer sk-second"]
    finally:
        registry.close()
        elsewhere.close()
