"""What a persona of this engine hands over, and its way onto the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from workers.llm.extractive.statements import Statement

_LINE_BREAKS = {ord(ch): f"\\u{ord(ch):04x}" for ch in "\x85\u2028\u2029"}
"""Line breaks that JSON leaves as they are: an answer is one object a line for every reader's idea of a line."""

Cited = tuple[str, str]
"""Passage id and verbatim quote."""


@dataclass(frozen=True)
class Point:
    """One claim to be written. ``why`` is the reasoning behind it, for the rationale."""

    kind: Literal["position", "objection", "consensus", "resolution", "open"]
    text: str
    citations: tuple[Cited, ...]
    about: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Draft:
    """An answer before it is written. With ``query`` set it asks the retrieve tool and says nothing else."""

    summary: str = ""
    backing: tuple[Cited, ...] = ()
    points: tuple[Point, ...] = ()
    covers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of a merge: ids of points that were written before, and the further claims that each of them settles."""
    rationale: str = ""
    actions: tuple[str, ...] = field(default=())
    query: str = ""


def cite(*cited: Statement) -> tuple[Cited, ...]:
    """Citations of these statements, each once; none for a statement whose passage is not known."""
    return tuple(dict.fromkeys((s.passage.id, s.quote) for s in cited if s.passage))


def write(draft: Draft, prefix: str) -> Iterator[str]:
    """Yield the wire format's lines, each ending in a newline. ``prefix`` starts the ids of the claims."""
    if draft.query:
        yield _line(kind="tool", name="retrieve", input={"query": draft.query})
        return
    if draft.summary:
        yield _line(kind="summary", text=draft.summary, citations=_citations(draft.backing))
    for number, point in enumerate(draft.points, start=1):
        yield _line(
            kind=point.kind,
            id=f"{prefix}{number}",
            text=point.text,
            citations=_citations(point.citations),
            about=list(point.about),
        )
    for name, about in draft.covers:
        yield _line(kind="covers", id=name, about=list(about))
    if draft.rationale:
        yield _line(kind="rationale", text=draft.rationale)
    for action in draft.actions:
        yield _line(kind="action", text=action)
    yield _line(kind="done")


def _citations(cited: tuple[Cited, ...]) -> list[dict[str, str]]:
    return [{"passage": passage, "quote": quote} for passage, quote in cited]


def _line(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False).translate(_LINE_BREAKS) + "\n"
