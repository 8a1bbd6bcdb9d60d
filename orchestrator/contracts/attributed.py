"""An answer with its claims, quotes and sources, as any system can write it down for the gate to judge.

What is wrong with the answer (an empty claim, a quote of nothing, no answer at all) is for the gate to find. What is
refused here is only what cannot be judged: other fields, other types, sizes beyond the bounds, an id given twice.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.contracts.base import Frozen, Sequence

MAX_BYTES = 32_000_000
"""The whole answer as JSON."""
MAX_TEXT_CHARS = 4_000_000
MAX_PASSAGES = 20_000
MAX_CLAIMS = 20_000
MAX_CITATIONS = 50_000
"""Over all claims."""

AnyId = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
Statement = Annotated[str, Field(max_length=20_000)]


class SourceText(Frozen):
    """A span of a source that quotes may come from."""

    id: AnyId
    source: Annotated[str, Field(max_length=2_000)]
    text: Text


class Quotation(Frozen):
    """A passage's id and what is said to stand in it word for word."""

    passage_id: Annotated[str, Field(max_length=200)]
    quote: Statement


class AttributedClaim(Frozen):
    """One statement and the quotes that are meant to support it."""

    id: AnyId
    text: Statement
    citations: Annotated[tuple[Quotation, ...], Sequence] = ()


class Synthesis(Frozen):
    """The answer's text, with the ids of the claims that it is made of where its maker knows them."""

    text: Text
    claims: Annotated[tuple[AnyId, ...], Sequence, Field(max_length=MAX_CLAIMS)] | None = None


def _as_synthesis(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class AttributedAnswer(Frozen):
    """What the gate judges. ``answer`` may be left out, where the claims are all there is; null is no answer.

    ``question`` is not judged: its numbers may be repeated without a source.
    """

    passages: Annotated[tuple[SourceText, ...], Sequence, Field(max_length=MAX_PASSAGES)]
    claims: Annotated[tuple[AttributedClaim, ...], Sequence, Field(max_length=MAX_CLAIMS)]
    answer: Annotated[Synthesis | None, BeforeValidator(_as_synthesis)] = None
    question: Statement = ""

    @property
    def answered(self) -> bool:
        """Whether there is a text that has to be judged beside the claims, be it none."""
        return "answer" in self.model_fields_set

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        seen: dict[str, int] = {}
        for number, passage in enumerate(self.passages):
            if passage.id in seen:
                raise ValueError(
                    f"passages[{seen[passage.id]}] and passages[{number}] share the id {passage.id[:80]!r}; "
                    "give each its own, or nobody knows which one a quote is from"
                )
            seen[passage.id] = number
        citations = sum(len(claim.citations) for claim in self.claims)
        if citations > MAX_CITATIONS:
            raise ValueError(f"{citations:,} citations are more than {MAX_CITATIONS:,}; judge it in parts")
        return self
