"""What crosses between whoever asks the judge and the worker that answers: closed, bounded, one of a kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.contracts.judging import (
    MAX_QUESTION_CHARS,
    MAX_QUOTES,
    JudgeReply,
    JudgeRequest,
    PairQuestion,
    Preference,
    ShownQuote,
    Silence,
    Support,
    SupportQuestion,
)

SUPPORT = SupportQuestion(claim="It fell.", quotes=(ShownQuote(quote="It fell.", before="In May. "),))
PAIR = PairQuestion(goal="Why?", first="Because.", second="지연 때문에.")


@pytest.mark.parametrize("question", [SUPPORT, PAIR], ids=lambda each: each.kind)
def test_a_request_comes_back_as_it_was_sent(question: SupportQuestion | PairQuestion) -> None:
    sent = JudgeRequest(question=question, deadline_ms=5)
    assert JudgeRequest.from_wire(json.dumps(json.loads(sent.to_wire()))) == sent


@pytest.mark.parametrize(
    "opinion",
    [
        Support(verdict="refuted", reason="No."),
        Preference(better="tie"),
        Silence(why="no_model"),
        Silence(why="overloaded", detail="429"),
    ],
    ids=str,
)
def test_a_reply_comes_back_as_it_was_sent(opinion: Support | Preference | Silence) -> None:
    sent = JudgeReply(opinion=opinion, model="openai:m")
    assert JudgeReply.from_wire(sent.to_wire()) == sent


def changed(**fields: Any) -> dict[str, Any]:
    return json.loads(JudgeRequest(question=SUPPORT, deadline_ms=5).to_wire()) | fields  # type: ignore[no-any-return]  # JSON


@pytest.mark.parametrize(
    "request_",
    [
        changed(v=3),
        changed(model="openai:mine"),
        changed(deadline_ms=-1),
        changed(deadline_ms="soon"),
        changed(question={"kind": "support", "claim": "x", "quotes": []}),
        changed(question={"kind": "support", "claim": "x", "quotes": [{"quote": "x"}] * (MAX_QUOTES + 1)}),
        changed(question={"kind": "support", "claim": "x", "quotes": [{"quote": 1}]}),
        changed(question={"kind": "support", "goal": "x", "first": "a", "second": "b"}),
        changed(question={"kind": "opinion", "claim": "x"}),
        changed(question={"kind": "pair", "goal": "x", "first": "a", "second": "b" * MAX_QUESTION_CHARS}),
        changed(question={"kind": "pair", "goal": "x", "first": "a"}),
        changed(question=None),
    ],
    ids=lambda each: str(each)[-70:],
)
def test_what_is_no_question_is_refused_and_not_quoted(request_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        JudgeRequest.from_wire(json.dumps(request_))
    assert "bbbb" not in str(caught.value)


@pytest.mark.parametrize(
    "opinion",
    [
        {"kind": "support", "verdict": "mostly"},
        {"kind": "support", "better": "first"},
        {"kind": "pair", "better": "both"},
        {"kind": "silence", "why": "tired"},
        {"verdict": "supported"},
    ],
    ids=str,
)
def test_what_is_no_opinion_is_refused(opinion: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        JudgeReply.model_validate_json(json.dumps({"opinion": opinion}))
