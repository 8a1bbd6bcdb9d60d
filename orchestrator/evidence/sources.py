"""A job's passages, folded and marked once, so that every citation is looked up in linear time."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from orchestrator.contracts import Citation, Passage
from orchestrator.language import (
    Folded,
    Negation,
    Quantity,
    Span,
    content_words,
    edged,
    find_edged,
    fold,
    negated,
    quantities,
    sentences,
)

# A quote may come in quotation marks of its own.
_MARKED = re.compile(r"([\"']).+\1", re.DOTALL)


@dataclass(frozen=True)
class Quoted:
    """A verbatim quote: where it stands in its passage's own text, ``[start, end)``."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The quote as the passage has it."""
        return self.source.passage.text[self.start : self.end]

    @cached_property
    def words(self) -> frozenset[str]:
        """Its content words."""
        return frozenset(content_words(self.text))

    @property
    def quantities(self) -> list[Quantity]:
        """Its numbers as they stand in the passage: ``12`` cut out of ``12 %`` is still 12 %."""
        return self.source.quantities_in(self.start, self.end)

    @property
    def negations(self) -> list[Negation]:
        """The negations of every sentence that it touches, those just outside the quote included."""
        return self.source.negations_around(self.start, self.end)


class Source:
    """One passage; each view of its text is made when first asked for."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self._negations: dict[int, tuple[Negation, ...]] = {}

    def find(self, marked_quote: str) -> Quoted | None:
        """Return where an ``edged`` quote stands word for word, or ``None``."""
        found = find_edged(marked_quote, self.marked)
        return Quoted(self, *self.folded.span(*found)) if found else None

    @cached_property
    def folded(self) -> Folded:
        """The text, folded."""
        return fold(self.passage.text)

    @cached_property
    def marked(self) -> str:
        """The folded text with its words' edges."""
        return edged(self.folded.text)

    @cached_property
    def lower_case_stems(self) -> frozenset[str]:
        """Content words that the passage writes in small letters: no names."""
        return frozenset(content_words(" ".join(w for w in self.passage.text.split() if w.islower())))

    @cached_property
    def _sentences(self) -> tuple[Span, ...]:
        return sentences(self.passage.text)

    @cached_property
    def _sentence_ends(self) -> list[int]:
        return [s.end for s in self._sentences]

    @cached_property
    def _quantities(self) -> tuple[Quantity, ...]:
        return quantities(self.passage.text)

    @cached_property
    def _quantity_starts(self) -> list[int]:
        return [q.start for q in self._quantities]

    def quantities_in(self, start: int, end: int) -> list[Quantity]:
        """Return the numbers that overlap ``[start, end)``."""
        last = bisect_left(self._quantity_starts, end)
        first = max(0, bisect_right(self._quantity_starts, start) - 1)
        return [q for q in self._quantities[first:last] if q.end > start]

    def negations_around(self, start: int, end: int) -> list[Negation]:
        """Return the negations of the sentences that overlap ``[start, end)``."""
        found: list[Negation] = []
        for number in range(bisect_right(self._sentence_ends, start), len(self._sentences)):
            sentence = self._sentences[number]
            if sentence.start >= end:
                break
            if number not in self._negations:
                self._negations[number] = negated(sentence.text)
            found += self._negations[number]
        return found


class Sources:
    """All passages of a job by id, and every citation's quote looked up once."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.by_id: dict[str, Source] = {}
        for passage in passages:
            self.by_id.setdefault(passage.id, Source(passage))
        self._found: dict[tuple[str, str], Quoted | None] = {}

    def quoted(self, citation: Citation) -> Quoted | None:
        """Return the citation's quote where it is verbatim in the passage that it names, or ``None``."""
        key = (citation.passage_id, citation.quote)
        if key not in self._found:
            source = self.by_id.get(citation.passage_id)
            folded = fold(citation.quote).text
            forms = (folded, folded[1:-1]) if _MARKED.fullmatch(folded) else (folded,)
            found = (source.find(edged(form)) for form in forms) if source else ()
            self._found[key] = next((quoted for quoted in found if quoted), None)
        return self._found[key]
