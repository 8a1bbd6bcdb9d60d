"""Words that turn a statement round, English and Korean, and what they turn round.

"Not only" does not count: what follows still holds. Neither do prefixes (un-, non-, 불-, 비-): they belong to the word,
so that whoever compares words sees them. Two negations are two, never none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.language.lists import listed
from orchestrator.language.words import content_forms

_APOSTROPHE = "['\u2019\u02bc\uff07]"
_ENGLISH = (
    r"\b(?:not\b(?!\s+(?:only|just|merely|simply)\b)|no\b(?!\.\s?\d)"
    r"|(?:never|none|nobody|nothing|nowhere|neither|nor|without|cannot|unable|hardly|barely|scarcely)\b"
    rf"|[a-z]{{1,6}}n{_APOSTROPHE}t\b|fail(?:s|ed|ing)?\s+to\b|lack(?:s|ed|ing)?\b)"
)
_KOREAN = (
    r"(?<!못지)않"  # 못지않게: no less than
    # 끊임없이: incessantly; 없애다: to remove
    r"|(?<!끊임)(?<!틀림)(?<!변함)(?<!상관)(?<!어김)(?<!빈틈)없(?![애앤앨앴앱])"
    r"|아니(?=[다라며고었지하]|\W|\Z)|아닌|아닙니다"
    r"|(?<![가-힣])안(?=\s[가-힣]|[된됐되돼])"  # not 안내, 안전
    r"|(?<![가-힣])못(?=\s[가-힣]|[하한했합해할])|(?<=지)못(?=[하한했합해할])"  # not 잘못
    r"|(?<=지\s)(?:마[라세십]|말[고아라])|(?<=지)말[고아라]"
)
_NEGATION = re.compile(f"{_ENGLISH}|{_KOREAN}", re.IGNORECASE)
_ENGLISH_NEGATION = re.compile(_ENGLISH, re.IGNORECASE)
_KOREAN_NEGATION = re.compile(_KOREAN)
# One of these stands in every negation; looking for them first is much faster.
_WORD = re.compile(r"[a-z]+")
_HINTS = frozenset(
    listed(
        "not no never none nobody nothing nowhere neither nor without cannot unable hardly barely scarcely "
        "fail fails failed failing lack lacks lacked lacking"
    )
)
_CONTRACTED = ("n'", "n\u2019", "n\u02bc", "n\uff07")
_KOREAN_HINTS = ("않", "없", "아니", "아닌", "아닙", "안", "못", "마", "말")
_CLAUSE_END = re.compile(
    r"[,;:.!?\u3002\uff0c](?!\d)|\b(?:but|however|although|though|whereas|while|because|and|or|unless)\b"
    r"|(?:지만|으나|는데)(?=\s)|\n",
    re.IGNORECASE,
)
_REACH = 120
"""Characters to either side in which a negation's clause is looked for."""
_SCOPE_WORDS = 4


@dataclass(frozen=True)
class Negation:
    """A negating word, where it stands, and the content words it turns round (none where its clause has none)."""

    word: str
    start: int
    end: int
    scope: tuple[str, ...]


def negations(text: str) -> tuple[str, ...]:
    """The negating words of a text, lower-cased, in order."""
    return tuple(m.group().lower() for m in _matches(text))


def _matches(text: str) -> Iterator[re.Match[str]]:
    low = text.lower()
    english = not _HINTS.isdisjoint(_WORD.findall(low)) or any(hint in low for hint in _CONTRACTED)
    korean = not text.isascii() and any(hint in text for hint in _KOREAN_HINTS)
    if english:
        yield from (_NEGATION if korean else _ENGLISH_NEGATION).finditer(text)
    elif korean:
        yield from _KOREAN_NEGATION.finditer(text)


def negated(text: str) -> tuple[Negation, ...]:
    """The negations of a text with their scope: at most four content words, nearest first.

    English negations bind what follows in the clause, and what precedes where nothing follows; Korean ones bind what
    precedes (``줄이지 않는다``), but for 안 and 못 before a verb.
    """
    return tuple(Negation(m.group().lower(), m.start(), m.end(), _scope(text, m)) for m in _matches(text))


def _scope(text: str, match: re.Match[str]) -> tuple[str, ...]:
    after = text[match.end() : match.end() + _REACH]
    stop = _CLAUSE_END.search(after)
    after_words = list(dict.fromkeys(content_forms(after[: stop.start()] if stop else after)))[:_SCOPE_WORDS]
    start = max(0, match.start() - _REACH)
    before = text[start : match.start()]
    for stop in _CLAUSE_END.finditer(before):
        before = text[start + stop.end() : match.start()]
    before_words = list(dict.fromkeys(content_forms(before)))[::-1][:_SCOPE_WORDS]
    korean = match.group()[0] >= "\uac00"
    precedes = korean and not re.match(r"[안못]", match.group())
    if precedes:
        return tuple(before_words)
    return tuple(after_words or before_words)
