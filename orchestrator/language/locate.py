"""Where a quote stands in a text, word for word.

A quote that begins or ends inside a word or a number ("12" in "125", "1.5" in "11.5", "5" in "-5") is not in the
text. Scripts without spaces have an edge at every character, but for those that carry a number or a negation.
"""

from __future__ import annotations

import re

from orchestrator.language.normalise import fold

_EDGE = "\x00"  # fold() drops it, so no text can forge one

_NO_SPACES = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
)
_HAN_NUMERALS = "〇零一二三四五六七八九十百千万萬億亿兆"
_HAN_NEGATIONS = "不未非無无没沒"
# Indic signs are marks, not \w, yet they stand inside words.
_LETTER = rf"(?:(?![{_NO_SPACES}])[\w\u0300-\u036f\u0900-\u0963\u0966-\u0dff])"
_UNIT = re.compile(
    rf"(?:(?<![\w)\]])[-+](?=\d))?{_LETTER}+(?:(?<=\d)[.,:/~-](?=\d){_LETTER}+)*(?:(?<=\d)[{_NO_SPACES}])?"
    rf"|[{_HAN_NUMERALS}]+|[{_HAN_NEGATIONS}]?[{_NO_SPACES}]"
)


def edged(folded: str) -> str:
    """Mark the edges of a folded text's words, so that ``in`` on two such texts means whole-word containment.

    Marking once and searching with ``find`` keeps the search linear, however often a quote almost matches.
    """
    return _UNIT.sub(rf"{_EDGE}\g<0>{_EDGE}", folded)


def find_edged(quote: str, text: str) -> tuple[int, int] | None:
    """Return the first occurrence of one ``edged`` text in another, as a span of the folded text, or ``None``."""
    if _EDGE not in quote:
        return None
    at = text.find(quote)
    if at < 0:
        return None
    start = at - text.count(_EDGE, 0, at)
    return start, start + len(quote) - quote.count(_EDGE)


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Return ``(start, end)`` of the first verbatim occurrence of the quote in the text, or ``None``.

    Both are folded first; the span is the original text's. A quote without a word or number is nowhere.
    """
    folded = fold(text)
    found = find_edged(edged(fold(quote).text), edged(folded.text))
    return folded.span(*found) if found else None
