"""Where quotes stand in texts, word for word.

A quote that begins or ends inside a word or a number ("12" in "125", "1.5" in "11.5", "5" in "-5") is not in the
text. Scripts without spaces have an edge at every character, but for those that carry a number or a negation.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from orchestrator.language.normalise import fold

_EDGE = "\x00"  # fold() drops it, so no text can forge one
_BETWEEN = 3 * _EDGE  # no quote has three edges in a row
_MAX_TRIED = 1_000
"""Places of a quote's rarest word that are tried one by one; beyond, the text is scanned."""
MAX_SCANNED = 100_000_000
"""Characters of texts that one haystack scans: a scan costs a whole text, and nearly all quotes need none."""
_MAX_PLACES = 20
"""A word that stands at more places than these says little about where a quote was taken from."""
_MAX_WORDS = 24
"""Words at either end of a quote by which it is placed."""

_NO_SPACES = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
)
_HAN_NUMERALS = "〇零一二三四五六七八九十百千万萬億亿兆"
_HAN_NEGATIONS = "不未非無无没沒"
# Indic signs are marks, not \w, yet they stand inside words.
# The usual letters first, in one go: the look-ahead costs as much as all the rest.
_LETTER = rf"(?:[A-Za-z\uac00-\ud7a3]++|(?![{_NO_SPACES}])[\w\u0300-\u036f\u0900-\u0963\u0966-\u0dff])"
_UNIT = re.compile(
    rf"((?:(?<![\w)\]])[-+](?=\d))?{_LETTER}+(?:(?<=\d)[.,:/~-](?=\d){_LETTER}+)*(?:(?<=\d)[{_NO_SPACES}])?"
    rf"|[{_HAN_NUMERALS}]+|[{_HAN_NEGATIONS}]?[{_NO_SPACES}])"
)


def _split(folded: str) -> list[str]:
    """What stands between the words, and the words at the odd places."""
    return _UNIT.split(folded)


def _joined(parts: list[str]) -> str:
    return _EDGE.join(parts)


def edged(folded: str) -> str:
    """Mark the edges of a folded text's words, so that ``in`` on two such texts means whole-word containment."""
    return _joined(_split(folded))


class Haystack:
    """Folded texts in which many quotes are looked up, each by its rarest word: a look-up costs no scan of a text.

    A quote of nothing but very common words does; where these were too many, ``exhausted`` says so, and the others
    count as not found.
    """

    exhausted = False
    _scanned = 0

    def __init__(self, texts: Sequence[str]) -> None:
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        """Of every word: which ones of all words it is."""
        self._starts: list[int] = []
        """Of the n-th word of all texts: where it begins in the marked text."""
        self._text_starts: list[int] = []
        self._first_words: list[int] = []
        marked, at = [], 0
        for text in texts:
            parts = _split(text)
            self._text_starts.append(at)
            self._first_words.append(len(self._starts))
            self._index(parts, at)
            marked.append(_joined(parts))
            at += len(marked[-1]) + len(_BETWEEN)
        self._first_words.append(len(self._starts))
        self._text_starts.append(at)
        self._marked = _BETWEEN.join(marked)

    def _index(self, parts: list[str], at: int) -> None:
        for number, word in enumerate(parts[1::2], len(self._starts)):
            self._places[word].append(number)
        ends = list(accumulate(map(len, parts)))
        # Before a text's n-th word stand n words, each between two edges, and its own first edge.
        self._starts += [at + end + 2 * n + 1 for n, end in enumerate(ends[:-1:2])]

    def find(self, quote: str, text: int | None = None) -> tuple[int, int, int] | None:
        """Return ``(text, start, end)`` of the first place where a folded quote stands word for word, or ``None``.

        ``text`` limits the search to one text. A quote without a word or number is nowhere.
        """
        parts = _split(quote)
        words = parts[1::2]
        low, high = (0, len(self._starts)) if text is None else self._first_words[text : text + 2]
        rarest, count = 0, _MAX_TRIED + 1
        for number, word in enumerate(words[:64]):
            places = self._places.get(word)
            if places is None:
                return None
            if len(places) < count:
                rarest, count = number, len(places)
        if not words:
            return None
        marked = _joined(parts)
        if count > _MAX_TRIED:
            return self._scan(marked, len(words), text)
        before = sum(map(len, parts[: 2 * rarest + 1])) + 2 * rarest + 1
        places = self._places[words[rarest]]
        for place in places[bisect_left(places, low) : bisect_left(places, high)]:
            at = self._starts[place] - before
            if at >= 0 and self._marked.startswith(marked, at):
                return self._span(at, place - rarest, len(marked) - 2 * len(words))
        return None

    def _scan(self, marked: str, words: int, text: int | None) -> tuple[int, int, int] | None:
        bounds = (0, len(self._marked)) if text is None else self._text_starts[text : text + 2]
        if self._scanned > MAX_SCANNED:
            self.exhausted = True
            return None
        at = self._marked.find(marked, *bounds)
        self._scanned += (at if at >= 0 else bounds[1]) - bounds[0]
        if at < 0:
            return None
        return self._span(at, bisect_left(self._starts, at), len(marked) - 2 * words)

    def _span(self, at: int, word: int, length: int) -> tuple[int, int, int]:
        text = bisect_left(self._text_starts, at + 1) - 1
        start = at - self._text_starts[text] - 2 * (word - self._first_words[text])
        return text, start, start + length

    def near(self, quote: str, text: int) -> tuple[int, int] | None:
        """Return the span of a text in which most words of a folded quote stand where the quote has them, or ``None``.

        It may begin and end some characters beside what was meant.
        """
        parts = _split(quote)
        ends = list(accumulate(map(len, parts)))
        low, high = self._first_words[text : text + 2]
        guesses: list[tuple[int, int]] = []
        telling = 0
        words = list(enumerate(parts[1::2]))
        for number, word in (
            words if len(words) <= 2 * _MAX_WORDS else words[:_MAX_WORDS] + words[-_MAX_WORDS:]
        ):
            offset = ends[2 * number]
            places = self._places.get(word, [])
            first, last = bisect_left(places, low), bisect_left(places, high)
            if last - first <= _MAX_PLACES:
                telling += 1
                guesses += (
                    (self._folded_start(place, text) - offset, offset) for place in places[first:last]
                )
        return _densest(sorted(guesses), len(quote), words=telling)

    def _folded_start(self, word: int, text: int) -> int:
        return self._starts[word] - self._text_starts[text] - 2 * (word - self._first_words[text]) - 1


def _densest(guesses: list[tuple[int, int]], length: int, *, words: int) -> tuple[int, int] | None:
    """The span on whose start most guesses ``(start, offset of the word that says so)`` agree."""
    slack = max(12, length // 5)
    best, best_at, first = 0, 0, 0
    for last, (start, _) in enumerate(guesses):
        while guesses[first][0] < start - slack:
            first += 1
        if last - first + 1 > best:
            best, best_at = last - first + 1, first
    if 2 * best < words or not best:
        return None
    agreed = guesses[best_at : best_at + best]
    start = min(agreed, key=lambda guess: guess[1])[0]
    end = max(agreed, key=lambda guess: guess[1])[0] + length
    return max(0, start), end


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Return ``(start, end)`` of the first verbatim occurrence of the quote in the text, or ``None``.

    Both are folded first; the span is the original text's. A quote without a word or number is nowhere.
    """
    folded = fold(text)
    found = Haystack([folded.text]).find(fold(quote).text)
    return folded.span(*found[1:]) if found else None
