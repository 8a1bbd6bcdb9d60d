"""The extractive engine: a provider that argues from the documents themselves, without a model.

It reads the brief instead of the prompt, chooses sentences, and writes the answer format that models write.
Deterministic, offline, and bounded: the same brief gives the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import assert_never

from orchestrator.contracts import Usage
from orchestrator.errors import ModelError
from workers.brief import Brief
from workers.llm.extractive.antithesis import draft_antithesis, draft_rebuttal, draft_standalone
from workers.llm.extractive.draft import Draft, write
from workers.llm.extractive.phrases import Phrases
from workers.llm.extractive.synthesis import draft_merge, draft_resolution, draft_section, draft_synthesis
from workers.llm.extractive.thesis import draft_thesis
from workers.llm.extractive.topic import Topic
from workers.llm.protocol import Delta, Finish, ModelRequest

__all__ = ["Extractive", "answer"]

_PIECE_CHARS = 64


class Extractive:
    """The provider. Never fails on a valid brief; without relevant evidence it answers without claims.

    Usage is all zero: no model was called. The answer is bounded by its few claims, not by ``max_output_tokens``.
    """

    name = "extractive"
    model = "extractive"
    address = ""

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta | Finish]:
        """Answer from ``request.brief``; the choosing runs on a thread, off the event loop.

        Raises ``ModelError`` where there is none: it argues, and reads no prose.
        """
        if request.brief is None:
            raise ModelError("provider", "the extractive engine argues from a brief, and does nothing else")
        text = await asyncio.to_thread(answer, request.brief)
        for at in range(0, len(text), _PIECE_CHARS):
            yield Delta(text[at : at + _PIECE_CHARS])
        yield Finish("stop", Usage(), self.model)

    async def aclose(self) -> None:
        """Nothing is kept open."""


def answer(brief: Brief) -> str:
    """Write the whole answer in the wire format: a pure function of the brief."""
    return "".join(write(_draft(brief), brief.persona[0]))


def _draft(brief: Brief) -> Draft:
    topic = Topic(brief)
    say = Phrases(korean=brief.plan.language == "ko")
    match brief.form:
        case "thesis":
            draft = draft_thesis(topic, say, written={claim.text for claim in brief.written})
        case "antithesis":
            draft = draft_antithesis(topic, brief, say)
        case "antithesis_standalone":
            draft = draft_standalone(topic, brief, say)
        case "synthesis":
            draft = draft_synthesis(topic, brief, say)
        case "rebuttal":
            draft = draft_rebuttal(topic, brief, say)
        case "resolution":
            draft = draft_resolution(topic, brief, say)
        case "section":
            draft = draft_section(topic, brief, say)
        case "merge":
            draft = draft_merge(topic, brief, say)
        case "single":
            draft = draft_thesis(
                topic, say
            )  # what the documents speak for, before anything is held against it
        case never:
            assert_never(never)
    return draft
