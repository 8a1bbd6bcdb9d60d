"""A claim's own text, and the text of its quotes taken together, each read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from orchestrator.evidence.sources import Quoted
from orchestrator.language import (
    Negation,
    Quantity,
    Word,
    detect_language,
    lexed,
    negated,
    normalise,
    quantities,
)
from orchestrator.language.look_alikes import WORD, skeleton

_NAME = re.compile(r"[A-Za-z\u00c0-\u024f][\w\u00c0-\u024f]*(?:[-.]\d\w*)*", re.ASCII)
_NOT_HANGUL = re.compile(r"[^\uac00-\ud7a3]+")

Token = tuple[Decimal, str] | tuple[str, ...]
"""A number with its unit, or what a word is compared by."""


@dataclass(frozen=True)
class Statement:
    """What a claim says. ``text`` is folded."""

    text: str

    @classmethod
    def of(cls, text: str) -> Statement:
        """Fold the text as it was written."""
        return cls(normalise(text))

    @cached_property
    def language(self) -> str:
        """Its language."""
        return detect_language(self.text)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Its numbers with their units."""
        return quantities(self.text)

    @cached_property
    def negations(self) -> tuple[Negation, ...]:
        """What it negates."""
        return negated(self.text)

    @cached_property
    def lexed(self) -> list[Word]:
        """Its words with their places."""
        return lexed(self.text)

    @cached_property
    def all_words(self) -> set[str]:
        """Its content words, numbers among them."""
        return {form for _, _, forms in self.lexed for form in forms}

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Its words and what they are compared by; numbers and their units are judged by themselves."""
        measured = self._measured
        return {word: forms for word, start, forms in self.lexed if start not in measured}

    @cached_property
    def sequence(self) -> tuple[Token, ...]:
        """All that it says, in order; words without a meaning of their own stand as they are written."""
        marks: list[tuple[int, Token]] = [(q.start, q.key) for q in self.quantities]
        marks += [
            (start, forms or (word,)) for word, start, forms in self.lexed if start not in self._measured
        ]
        return tuple(token for _, token in sorted(marks, key=lambda mark: mark[0]))

    def measures(self, at: int) -> bool:
        """Whether a number or its unit stands at this place."""
        return at in self._measured

    @cached_property
    def _measured(self) -> frozenset[int]:
        return frozenset(at for q in self.quantities for at in range(q.start, q.end))

    def names(self) -> list[re.Match[str]]:
        """Return the Latin words that could be names; in a text of another script every one is."""
        found = _NAME.finditer(self.text)
        english = self.language == "en"
        return [m for m in found if not (english and m.group().islower() and m.group().isalpha())]


@dataclass(frozen=True)
class Evidence:
    """What a claim's verbatim quotes say, taken together."""

    quotes: tuple[Quoted, ...]

    @cached_property
    def words(self) -> frozenset[str]:
        """Content words of all quotes."""
        return frozenset[str]().union(*(q.words for q in self.quotes))

    @cached_property
    def all_words(self) -> frozenset[str]:
        """All words of all quotes as they stand there, in lower case."""
        return frozenset(word for quote in self.quotes for word, _, _ in quote.lexed)

    @cached_property
    def numbers(self) -> frozenset[tuple[Decimal, str]]:
        """Values and units of all quotes."""
        return frozenset(q.key for quote in self.quotes for q in quote.quantities)

    @cached_property
    def text(self) -> str:
        """The quotes one behind the other, folded."""
        return " ".join(quote.folded_text for quote in self.quotes)

    @cached_property
    def written(self) -> frozenset[str]:
        """All words of all quotes with their marks, in lower case."""
        return frozenset(WORD.findall(self.text.lower()))

    @cached_property
    def skeletons(self) -> dict[str, str]:
        """What each word of the quotes looks like, and the word."""
        return {skeleton(word): word for word in sorted(set(WORD.findall(self.text)))}

    @cached_property
    def marks_in_use(self) -> frozenset[str]:
        """Marks on letters in the language of any cited passage."""
        sources = dict.fromkeys(quote.source for quote in self.quotes)
        return frozenset[str]().union(*(source.marks_in_use for source in sources))

    @cached_property
    def run_on(self) -> str:
        """The quotes' Hangul without what stands between: compounds are written with and without spaces."""
        return "" if self.text.isascii() else _NOT_HANGUL.sub("", self.text)

    @cached_property
    def language(self) -> str:
        """The quotes' language."""
        return detect_language(self.text)

    @cached_property
    def names(self) -> frozenset[str]:
        """Their Latin words as they are written."""
        return frozenset(_NAME.findall(self.text))
