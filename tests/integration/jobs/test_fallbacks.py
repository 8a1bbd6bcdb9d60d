"""Whole jobs whose model fails while others stand ready: who answered is recorded, and what may be worse is said."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.client import Client
from orchestrator.contracts import Fallback, Result
from orchestrator.contracts.events import StepEnd
from orchestrator.store import history
from tests.integration.conftest import StartWorker, question
from tests.integration.jobs.conftest import why
from tests.model_server import TRANSLATION, ModelServer, refuses

pytestmark = pytest.mark.integration


def test_the_first_that_can_answers_and_the_result_says_so(
    start_worker: StartWorker, producer: Client, model: ModelServer
) -> None:
    start_worker(**model.environment(), TRIPTYCH_FALLBACK="=openai:twin, openai:small, extractive")

    def answer(refusals: int, step: str = "thesis", **fields: Any) -> tuple[Result, StepEnd]:
        model.forget()
        model.script(step, *[refuses(401)] * refusals)
        submitted = producer.submit(question(mode="parallel", **fields))
        result = producer.wait(submitted.ref)
        events = history(producer.redis, submitted.ref)
        return result, next(e for e in events if isinstance(e, StepEnd) and e.step == step)

    # As good as the first: complete, and recorded all the same.
    result, end = answer(1)
    first = Fallback(model="openai:test", kind="auth", used="openai:twin", equal=True)
    assert (result.status, result.provenance.fallbacks, end.fallbacks) == ("complete", (first,), (first,))
    assert (end.model, end.status, end.kind) == ("twin", "ok", None)
    assert [asked.model for asked in model.of("thesis")] == ["test", "twin"]

    # Perhaps not as good: degraded, and said above the answer.
    result, end = answer(2)
    assert (result.status, why(result)) == ("degraded", [("fallback_model", "thesis", "auth")])
    assert [(f.model, f.used) for f in end.fallbacks] == [
        ("openai:test", "openai:small"),
        ("openai:twin", "openai:small"),
    ]
    assert result.answer.startswith("> **Not a complete result.** Thesis was written by another model")
    assert result.provenance.models == ("openai:small", "openai:test")

    # The operator listed it, so the extractive engine is in the chain.
    result, end = answer(3, "synthesis")
    assert (result.status, why(result)) == ("degraded", [("fallback_model", "synthesis", "auth")])
    assert (end.provider, result.provenance.llm_used) == ("extractive", True)
    assert result.claims

    # A translation may come from a fallback too, but not from the extractive engine.
    result, _ = answer(0, goal="주문 처리를 이벤트 큐로 옮겨야 하는가?")
    assert result.status == "complete", result.reasons
    model.forget()
    model.script(TRANSLATION, *[refuses(401)] * 3)
    result = producer.wait(producer.submit(question(goal="주문 처리를 이벤트 큐로 옮겨야 하는가?")).ref)
    assert (result.status, why(result)) == ("failed", [("no_evidence", None, None)])
    assert "openai:small: auth: " in result.reasons[0].detail
    assert [asked.model for asked in model.asked] == ["test", "twin", "small"]


def test_a_model_that_asked_for_a_pause_is_passed_over_by_all_that_follow(
    start_worker: StartWorker, producer: Client, model: ModelServer
) -> None:
    start_worker(**model.environment(), TRIPTYCH_FALLBACK="=openai:twin")
    model.script("thesis", refuses(429, "slow down", retry_after="600"))
    result = producer.wait(producer.submit(question(mode="sequential")).ref)
    assert result.status == "complete", result.reasons
    assert [(asked.form, asked.model) for asked in model.asked] == [
        ("thesis", "test"), ("thesis", "twin"), ("antithesis", "twin"), ("synthesis", "twin"),
    ]  # fmt: skip
    assert {f.kind for f in result.provenance.fallbacks} == {"overloaded"}
