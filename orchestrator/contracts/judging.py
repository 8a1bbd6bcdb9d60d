"""What an LLM judge is asked, and what it answers: a second opinion, on data that it is shown and nothing else.

A question is of one of two kinds: do these quotes support this claim (``support``), and which of two answers to one
goal is better (``pair``). Where no valid answer came there is a
``Silence`` that says why; it is never taken for agreement.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchestrator.contracts.base import Frozen, Message, Sequence
from orchestrator.contracts.persona import ErrorKind, Usage

MAX_QUESTION_CHARS = 100_000
"""All texts of one question together."""
MAX_QUOTES = 40
MAX_REASON_CHARS = 400
MAX_WITHIN_S = 600.0
"""Longest that a question may wait for its answer; a worker works on none for longer."""

Text = Annotated[str, Field(max_length=MAX_QUESTION_CHARS)]
Words = Annotated[str, Field(max_length=MAX_REASON_CHARS)]
Better = Literal["first", "second", "tie"]
Unserved = Literal["no_model", "no_worker", "queue_full"]
"""Nobody is there to answer: no model to ask (the extractive engine judges nothing), no worker that takes questions, or
no place for one more."""
Why = Literal[ErrorKind, Unserved, "too_large", "unreadable"]
"""Why there is no answer: how a call failed, nobody to answer, more text than a question may hold, or an answer of
another shape."""


def _bounded(*texts: str) -> None:
    size = sum(map(len, texts))
    if size > MAX_QUESTION_CHARS:
        raise ValueError(f"{size:,} characters are more than the {MAX_QUESTION_CHARS:,} of one question")


class ShownQuote(Frozen):
    """A verbatim quote, with a little of its passage to either side."""

    quote: Text
    before: Text = ""
    after: Text = ""


class SupportQuestion(Frozen):
    """Whether these quotes support all of this claim."""

    kind: Literal["support"] = "support"
    claim: Text
    quotes: Annotated[tuple[ShownQuote, ...], Sequence, Field(min_length=1, max_length=MAX_QUOTES)]

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        _bounded(self.claim, *(text for q in self.quotes for text in (q.before, q.quote, q.after)))
        return self


class PairQuestion(Frozen):
    """Which of two answers to one goal is better. The order is to mean nothing: ask in both."""

    kind: Literal["pair"] = "pair"
    goal: Text
    first: Text
    second: Text

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        _bounded(self.goal, self.first, self.second)
        return self


Question = Annotated[SupportQuestion | PairQuestion, Field(discriminator="kind")]


class JudgeRequest(Message):
    """One question on its way to a worker. ``deadline_ms`` is Redis TIME, epoch: later nobody waits for the answer."""

    question: Question
    deadline_ms: Annotated[int, Field(ge=0)]


class Support(Frozen):
    """The answer to a ``SupportQuestion``. ``reason`` is the judge's own words."""

    kind: Literal["support"] = "support"
    verdict: Literal["supported", "refuted"]
    reason: Words = ""


class Preference(Frozen):
    """The answer to a ``PairQuestion``."""

    kind: Literal["pair"] = "pair"
    better: Better
    reason: Words = ""


class Silence(Frozen):
    """No valid answer. ``detail`` is for people, and quotes neither question nor answer."""

    kind: Literal["silence"] = "silence"
    why: Why
    detail: Annotated[str, Field(max_length=1_000)] = ""


Opinion = Annotated[Support | Preference | Silence, Field(discriminator="kind")]


class JudgeReply(Message):
    """What came of one question.

    ``model`` is the ``provider:model`` that was asked, ``usage`` what that is known to have cost.
    """

    opinion: Opinion
    model: Annotated[str, Field(max_length=300)] = ""
    usage: Usage = Usage()
