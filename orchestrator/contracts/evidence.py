"""Passages, citations and claims: what an answer rests on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.contracts.base import ClaimId, Frozen, PassageId, Sequence

MAX_PASSAGE_CHARS = 6_000
MAX_CLAIMS = 40


class Passage(Frozen):
    """A span of a source document, as retrieved for one job.

    ``start`` and ``end`` are character offsets into the document's extracted text; ``page`` counts from 1.
    """

    id: PassageId
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_PASSAGE_CHARS)]
    heading: Annotated[str, Field(max_length=400)] = ""
    start: Annotated[int, Field(ge=0)] = 0
    end: Annotated[int, Field(ge=0)] = 0
    page: Annotated[int, Field(ge=1)] | None = None


class Citation(Frozen):
    """A passage's id and a quote that has to stand in that passage word for word."""

    passage_id: PassageId
    quote: Annotated[str, Field(min_length=1, max_length=2_000)]


ClaimKind = Literal["position", "objection", "consensus", "resolution", "open"]


class Claim(Frozen):
    """One checkable statement with its citations, identified inside its job.

    ``kind`` says what the claim does in the argument: the thesis takes a ``position``, the antithesis raises an
    ``objection``, the synthesis states ``consensus``, a ``resolution`` or what stays ``open``.
    ``depends_on`` names earlier claims of the same persona; ``about`` names the claims of other personas that
    this one attacks (objection) or settles (synthesis).
    """

    id: ClaimId
    text: Annotated[str, Field(min_length=1, max_length=2_000)]
    citations: Annotated[tuple[Citation, ...], Sequence, Field(max_length=12)] = ()
    depends_on: Annotated[tuple[ClaimId, ...], Sequence, Field(max_length=MAX_CLAIMS)] = ()
    about: Annotated[tuple[ClaimId, ...], Sequence, Field(max_length=2 * MAX_CLAIMS)] = ()
    kind: ClaimKind = "position"
