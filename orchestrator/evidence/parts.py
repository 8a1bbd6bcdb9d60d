"""A text cut into what could change places in it: words, names, numbers, and in Korean the particles on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from orchestrator.evidence.statement import Statement, Token
from orchestrator.language import Quantity, content_words
from orchestrator.language.particles import ARTICLES, split

MAX_NAME = 3
"""Words of a name, or numbers of a date."""
Kind = Literal["number", "name", "word", "particle", "small"]


@dataclass(frozen=True)
class Part:
    """A word, a particle or a number of a text, what it is compared by, and where it stands."""

    key: Token
    kind: Kind
    start: int
    end: int


def parts_of(statement: Statement) -> list[Part]:
    """Give all parts of a text in order; articles are none."""
    parts = [_counted(statement.text, q) for q in statement.quantities]
    for word, start, forms in statement.lexed:
        if word in ARTICLES or statement.measures(start):
            continue
        stem, particle = split(word, forms)
        cut = start + len(word)
        if particle:
            cut = start + len(stem)
            parts.append(Part((particle,), "particle", cut, start + len(word)))
        if stem:
            named = statement.text[start].isupper()
            kind: Kind = "small" if not forms else "name" if named else "word"
            key = (stem,) if particle else forms or (word,)
            parts.append(Part(key, kind, start, cut))
    return sorted(parts, key=attrgetter("start"))


def _counted(text: str, quantity: Quantity) -> Part:
    """A number; a month's name stands for itself, with a day or a year and without."""
    name = text[quantity.start : quantity.end]
    named = quantity.unit == "month#" and name[0].isalpha()
    return Part(tuple(content_words(name)) if named else quantity.key, "number", quantity.start, quantity.end)


def blocks(own: Sequence[Part], at: int) -> Iterator[slice]:
    """Give the names, dates, words or particles that begin here."""
    kind = own[at].kind
    if kind == "small":
        return
    yield slice(at, at + 1)
    for end in range(at + 2, min(len(own), at + MAX_NAME) + 1) if kind in {"name", "number"} else ():
        last, follows = own[end - 1], own[end - 1].start - own[end - 2].end <= 1
        if last.kind != kind and not (last.kind == "number" and follows):  # Falcon 9, Narae-2
            return
        yield slice(at, end)


def is_particle(part: Part) -> bool:
    """Whether it is a particle, or another ending."""
    return part.kind == "particle"


def text_of(statement: Statement, parts: Sequence[Part]) -> str:
    """Give the text from the first to the last of them, in whole words."""
    start = statement.text.rfind(" ", 0, parts[0].start + 1) + 1
    stop = statement.text.find(" ", parts[-1].end)
    return statement.text[start : stop if stop >= 0 else None].strip()
