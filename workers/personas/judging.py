"""The judge's prompts and answers: a question in, an opinion out. Pure; it never raises, whatever a model wrote.

What is judged stands in fences. The answer is read strictly: one object of the question's form and nothing beside it,
because of two that could be meant one may be an echo of what was judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts.base import Frozen
from orchestrator.contracts.judging import (
    MAX_REASON_CHARS,
    Better,
    Opinion,
    PairQuestion,
    Preference,
    Question,
    Silence,
    Support,
    SupportQuestion,
)
from orchestrator.plaintext import one_line
from workers.llm.protocol import ChatTurn, FinishReason, ModelRequest
from workers.personas.fences import Fence
from workers.personas.prompting import fill

MAX_ANSWER_CHARS = 10_000
_IN_A_CODE_FENCE = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)

_Reason = Annotated[str, Field(max_length=MAX_ANSWER_CHARS)]


class _SupportLine(Frozen):
    verdict: Literal["supported", "refuted"]
    reason: _Reason = ""


class _PairLine(Frozen):
    better: Better
    reason: _Reason = ""


def judge_request(question: Question, *, max_output_tokens: int) -> ModelRequest:
    """Render a question. Nobody argues, so the request has no brief."""
    asked = _pair(question) if isinstance(question, PairQuestion) else _support(question)
    return ModelRequest(fill("judge"), (ChatTurn("user", asked),), None, max_output_tokens)


def read_opinion(text: str, question: Question, finish_reason: FinishReason) -> Opinion:
    """Read the model's whole answer to a question; ``Silence`` where it is not exactly one of its form."""
    if finish_reason == "length":
        return Silence(why="truncated", detail="the answer was cut; raise TRIPTYCH_MAX_OUTPUT_TOKENS")
    try:
        line = _one_object(text)
        if isinstance(question, PairQuestion):
            pair = _PairLine.model_validate(line)
            return Preference(better=pair.better, reason=one_line(pair.reason, MAX_REASON_CHARS))
        support = _SupportLine.model_validate(line)
        return Support(verdict=support.verdict, reason=one_line(support.reason, MAX_REASON_CHARS))
    except (ValueError, RecursionError):  # pydantic's errors are ValueErrors, too
        return Silence(why="unparseable", detail="its answer was not one object of the form asked for")


def _support(question: SupportQuestion) -> str:
    shown = [text for each in question.quotes for text in (each.before, each.quote, each.after)]
    fence = Fence(question.claim, *shown)

    def quotes() -> Iterator[str]:
        for number, each in enumerate(question.quotes, 1):
            which = {"number": number}
            for name, text in (
                ("before-quote", each.before),
                ("quote", each.quote),
                ("after-quote", each.after),
            ):
                if text.strip():
                    yield fence.wrap(name, text, which)

    return fill(
        "judge_support",
        tag=fence.tag,
        claim=fence.wrap("claim", question.claim),
        quotes="\n\n".join(quotes()),
    )


def _pair(question: PairQuestion) -> str:
    fence = Fence(question.goal, question.first, question.second)
    named = {"goal": question.goal, "first": question.first, "second": question.second}
    return fill("judge_pair", tag=fence.tag, **{name: fence.wrap(name, text) for name, text in named.items()})


def _one_object(text: str) -> object:
    """The one JSON object that the text is. Raises ``ValueError`` where it is more, less, or names a field twice."""
    if len(text) > MAX_ANSWER_CHARS:
        raise ValueError("too long")
    whole = text.strip()
    fenced = _IN_A_CODE_FENCE.fullmatch(whole)
    return json.loads(fenced[1] if fenced else whole, object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field stands twice")
    return found
