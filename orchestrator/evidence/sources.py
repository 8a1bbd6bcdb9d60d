"""A job's passages, folded and marked once, so that every citation is looked up in linear time."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from orchestrator.contracts import Citation, Passage
from orchestrator.language import (
    Folded,
    Haystack,
    Negation,
    Quantity,
    Span,
    Word,
    content_words,
    fold,
    lexed,
    negated,
    quantities,
    sentences,
)
from orchestrator.language.accents import written_both_ways
from orchestrator.language.look_alikes import WORD, odd, strokes
from orchestrator.language.particles import tokens
from orchestrator.language.sentences import bare, edges

# A quote may come in quotation marks of its own.
_MARKED = re.compile(r"([\"']).+\1", re.DOTALL)


@dataclass(frozen=True)
class Quoted:
    """A verbatim quote: where it stands in its passage's own text, ``[start, end)``, and in the folded one."""

    source: Source
    start: int
    end: int
    folded_start: int
    folded_end: int

    @property
    def text(self) -> str:
        """The quote as the passage has it."""
        return self.source.passage.text[self.start : self.end]

    def around(self, chars: int) -> tuple[str, str]:
        """Return up to so many characters of the passage before the quote, and after it."""
        text = self.source.passage.text
        return text[max(0, self.start - chars) : self.start], text[self.end : self.end + chars]

    @cached_property
    def folded_text(self) -> str:
        """The quote, folded."""
        return self.source.folded.text[self.folded_start : self.folded_end]

    @cached_property
    def lexed(self) -> list[Word]:
        """Its words."""
        return self.source.words_in(self.folded_start, self.folded_end)

    @cached_property
    def words(self) -> frozenset[str]:
        """Its content words."""
        return frozenset(form for _, _, forms in self.lexed for form in forms)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Its words in order, as they are compared."""
        return tokens(self.lexed)

    @cached_property
    def quantities(self) -> list[Quantity]:
        """Its numbers as they stand in the passage: ``12`` cut out of ``12 %`` is still 12 %."""
        return self.source.quantities_in(self.start, self.end)

    @cached_property
    def negations(self) -> list[Negation]:
        """The negations of every sentence that it touches, those just outside the quote included."""
        return self.source.negations_around(self.start, self.end)

    @property
    def sentences(self) -> list[str]:
        """The whole sentences in it, bare of what stands around them."""
        return self.source.sentences_in(self.start, self.end)


class Source:
    """One passage; each view of its text is made when first asked for."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self._negations: dict[int, tuple[Negation, ...]] = {}

    @cached_property
    def folded(self) -> Folded:
        """The text, folded."""
        return fold(self.passage.text)

    def whole_words(self, start: int, end: int) -> str:
        """Return a span of the folded text, begun and ended with whole words."""
        text = self.folded.text
        start = text.rfind(" ", 0, start + 1) + 1
        end = min(len(text), end)
        stop = text.find(" ", end - 1) if end else -1
        return text[start : stop if stop >= 0 else len(text)].strip()

    @cached_property
    def lower_case_stems(self) -> frozenset[str]:
        """Content words that the passage writes in small letters: no names."""
        return frozenset(content_words(" ".join({w for w in self.passage.text.split() if w.islower()})))

    @cached_property
    def marks_in_use(self) -> frozenset[str]:
        """Marks on Latin letters in a passage whose language has such: one marked word alone is a loanword."""
        if self.folded.text.isascii():
            return frozenset()
        marked = {w for w in WORD.findall(self.folded.text) if not w.isascii() and w[0].islower()}
        usual = [word for word in marked if any(map(odd, word)) and not written_both_ways(word)]
        marks = frozenset(stroke for word in usual for ch in word if odd(ch) for stroke in strokes(ch))
        return marks if len(usual) > 1 else frozenset()

    @cached_property
    def _words(self) -> list[Word]:
        return lexed(self.folded.text)

    @cached_property
    def _word_starts(self) -> list[int]:
        return [start for _, start, _ in self._words]

    def words_in(self, start: int, end: int) -> list[Word]:
        """Return the words of ``[start, end)`` of the folded text."""
        first = bisect_left(self._word_starts, start)
        last = bisect_left(self._word_starts, end)
        cut_open = first and self._ends_at(first - 1) > start
        cut_off = last and self._ends_at(last - 1) > end
        # Only scripts without spaces can be cut inside a run.
        return lexed(self.folded.text[start:end]) if cut_open or cut_off else self._words[first:last]

    def _ends_at(self, number: int) -> int:
        word, start, _ = self._words[number]
        return start + len(word)

    @cached_property
    def sentences(self) -> tuple[Span, ...]:
        """Its sentences, with their places in the text as it is."""
        return sentences(self.passage.text)

    def words_by_sentence(self) -> Iterator[tuple[str, int]]:
        """Give every content word with the number of the sentence that it stands in."""
        for _, start, forms in self._words:
            number = bisect_right(self._sentence_ends, self.folded.origin(start))
            yield from ((form, number) for form in forms)

    @cached_property
    def _sentence_ends(self) -> list[int]:
        return [s.end for s in self.sentences]

    def sentences_in(self, start: int, end: int) -> list[str]:
        """Return, bare, the sentences that stand in ``[start, end)`` as a whole, but for the marks around them."""
        first = bisect_right(self._sentence_ends, start)
        inside = []
        for number in range(first, len(self.sentences)):
            span = self.sentences[number]
            if span.start >= end:
                break
            begins, ends = edges(span.text)
            if span.start + begins >= start and span.start + ends <= end:
                inside.append(bare(span.text))
        return inside

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
        for number in range(bisect_right(self._sentence_ends, start), len(self.sentences)):
            sentence = self.sentences[number]
            if sentence.start >= end:
                break
            if number not in self._negations:
                self._negations[number] = negated(sentence.text)
            found += self._negations[number]
        return found


class Sources:
    """All passages of a job by id; each citation's quote is searched for once and remembered."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.by_id: dict[str, Source] = {}
        for passage in passages:
            self.by_id.setdefault(passage.id, Source(passage))
        self._order = list(self.by_id.values())
        self._number = {passage_id: number for number, passage_id in enumerate(self.by_id)}
        self._found: dict[tuple[str, str], Quoted | None] = {}
        self._folded: dict[str, str] = {}

    @cached_property
    def _haystack(self) -> Haystack:
        return Haystack([source.folded.text for source in self._order])

    @property
    def exhausted(self) -> bool:
        """Whether so many quotes were of very common words alone that some were not searched for."""
        return self._haystack.exhausted

    def quoted(self, citation: Citation) -> Quoted | None:
        """Return the citation's quote where it is verbatim in the passage that it names, or ``None``."""
        key = (citation.passage_id, citation.quote)
        if key not in self._found:
            known = citation.passage_id in self._number
            self._found[key] = self._find(citation.quote, citation.passage_id) if known else None
        return self._found[key]

    def quoted_anywhere(self, citation: Citation) -> Quoted | None:
        """Return the citation's quote where it is verbatim in whichever passage has it first, or ``None``."""
        return self._find(citation.quote, None)

    def closest(self, citation: Citation) -> tuple[str, str] | None:
        """Return (the folded quote, the span of its passage that shares most of its words in order), or ``None``."""
        number = self._number.get(citation.passage_id)
        if number is None:
            return None
        quote = self._fold(citation.quote)
        span = self._haystack.near(quote, number)
        return (quote, self._order[number].whole_words(*span)) if span else None

    def _fold(self, quote: str) -> str:
        if quote not in self._folded:
            self._folded[quote] = fold(quote).text
        return self._folded[quote]

    def _find(self, quote: str, passage_id: str | None) -> Quoted | None:
        folded = self._fold(quote)
        forms = (folded, folded[1:-1]) if _MARKED.fullmatch(folded) else (folded,)
        number = None if passage_id is None else self._number[passage_id]
        for form in forms:
            if found := self._haystack.find(form, number):
                source = self._order[found[0]]
                return Quoted(source, *source.folded.span(*found[1:]), *found[1:])
        return None
