"""The answer format that every model writes and one parser reads: one JSON object a line.

One object a line can be acted on while the rest is being written, and a broken line costs one line. Lines::

    {"kind": "summary", "text": "...", "citations": [...]}         position, main objection or conclusion
    {"kind": "position" | "objection" | "consensus" | "resolution" | "open",
     "id": "t1", "text": "...",
     "citations": [{"passage": "p12", "quote": "verbatim"}],
     "depends_on": ["t1"],                                         earlier claims of the same answer
     "about": ["t1", "a2"]}                                        claims of others that it attacks or settles
    {"kind": "covers", "id": "s21", "about": ["a1"]}               of a merge: a resolution settles this as well
    {"kind": "rationale", "text": "..."}                           why, in a few sentences
    {"kind": "action", "text": "..."}                              what somebody should do next
    {"kind": "tool", "name": "retrieve", "input": {"query": "..."}}  ask for a tool; ends the round
    {"kind": "done"}                                               the last line; tells whole from cut

Which claim kinds a persona may use: thesis ``position``; antithesis ``objection``; synthesis ``consensus``,
``resolution`` and ``open``. Ids are ``t1..`` for the thesis, ``a1..`` for the antithesis, ``s1..`` for the
synthesis, in order; what is said about claim 2 alone is ``a21..`` and ``s21..``.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.contracts import Claim


class _Line(BaseModel):
    # Models add fields of their own; what we do not know is ignored, what we know is checked.
    model_config = ConfigDict(frozen=True, extra="ignore")


class CitationLine(_Line):
    """A citation as models write it."""

    passage: str
    quote: str


class TextLine(_Line):
    """Prose that is not a claim."""

    kind: Literal["summary", "rationale", "action"]
    text: str
    citations: tuple[CitationLine, ...] = ()


class ClaimLine(_Line):
    """One claim."""

    kind: Literal["position", "objection", "consensus", "resolution", "open"]
    id: str = ""
    text: str
    citations: tuple[CitationLine, ...] = ()
    depends_on: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


class CoversLine(_Line):
    """A resolution that was written before settles further claims."""

    kind: Literal["covers"]
    id: str
    about: tuple[str, ...] = ()


class ToolLine(_Line):
    """A request for a tool."""

    kind: Literal["tool"]
    name: str
    input: dict[str, str | int | float | bool] = {}


class DoneLine(_Line):
    """The end."""

    kind: Literal["done"]


AnswerLine = Annotated[TextLine | ClaimLine | CoversLine | ToolLine | DoneLine, Field(discriminator="kind")]


def claim_line(claim: Claim) -> str:
    """Write a claim as its line."""
    line: dict[str, object] = {
        "kind": claim.kind,
        "id": claim.id,
        "text": claim.text,
        "citations": [{"passage": c.passage_id, "quote": c.quote} for c in claim.citations],
        "depends_on": claim.depends_on,
        "about": claim.about,
    }
    return json.dumps({key: value for key, value in line.items() if value}, ensure_ascii=False)
