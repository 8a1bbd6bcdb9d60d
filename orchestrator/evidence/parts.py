"""A text cut into what could change places in it: words, names, numbers, and in Korean the particles on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from orchestrator.evidence.statement import Statement, Token
from orchestrator.language import Quantity, content_words
from orchestrator.language.lists import listed

MAX_NAME = 3
"""Words of a name, or numbers of a date."""
_ARTICLES = frozenset({"a", "an", "the"})
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_PARTICLE = {"가": "이", "는": "은", "를": "을", "와": "과", "으로": "로", "한테": "에게"}
TOPICS = frozenset({("이",), ("은",), ("도",)})
ROLES = TOPICS | {(p,) for p in listed("을 에 에서 로 에게 보다 의 부터 까지")}
"""Particles that say what a word does in its clause; topics and subjects are told apart by no code."""

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
        if word not in _ARTICLES and not statement.measures(start):
            parts += (
                _korean(word, start, forms)
                if _HANGUL.fullmatch(word)
                else [_other(statement.text, word, start, forms)]
            )
    return sorted(parts, key=attrgetter("start"))


def _counted(text: str, quantity: Quantity) -> Part:
    """A number; a month's name stands for itself, with a day or a year and without."""
    name = text[quantity.start : quantity.end]
    named = quantity.unit == "month#" and name[0].isalpha()
    return Part(tuple(content_words(name)) if named else quantity.key, "number", quantity.start, quantity.end)


def _other(text: str, word: str, start: int, forms: tuple[str, ...]) -> Part:
    kind: Kind = "small" if not forms else "name" if text[start].isupper() else "word"
    return Part(forms or (word,), kind, start, start + len(word))


def _korean(word: str, start: int, forms: tuple[str, ...]) -> Iterator[Part]:
    """A word and its particle or ending; after a number or a Latin word the particle stands alone."""
    stem = next((form for form in forms if word.startswith(form)), "" if _particle(word) in ROLES else word)
    cut = start + len(stem)
    if stem:
        yield Part((stem,), "word" if forms else "small", start, cut)
    if stem != word:
        yield Part(_particle(word[len(stem) :]), "particle", cut, start + len(word))


def _particle(ending: str) -> tuple[str, ...]:
    """A particle in the form that follows a consonant; a topic's mark on another particle changes no role."""
    base = ending[:-1] if ending[-1:] in "은는도" and len(ending) > 1 else ending
    return (_PARTICLE.get(base, base),)


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
