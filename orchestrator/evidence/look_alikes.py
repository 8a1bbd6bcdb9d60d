"""Words that only look like words of the quotes: letters of another script, marks that nobody writes there.

What another script or mark is for says whether it is a disguise: a Cyrillic letter in a Latin word is one, a Cyrillic
word in a text that has other Cyrillic letters is not; nor is a mark that the cited passages themselves put on words (in
French, in Vietnamese), an accent that English words may have, or a symbol such as \u03b1 or x\u0304.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from orchestrator.evidence.copies import stand_ins
from orchestrator.evidence.statement import Evidence, Statement
from orchestrator.language import content_words
from orchestrator.language.accents import written_both_ways
from orchestrator.language.hangul import one_letter_apart
from orchestrator.language.look_alikes import (
    WORD,
    crosses_out,
    notation,
    odd,
    plain,
    script,
    skeleton,
    strokes,
)

_UNUSUAL = re.compile(r"[^\x00-\x7f\uac00-\ud7a3]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_MAX_NAMED = 3
"""Characters of one word that are spelled out."""
# What stands between these is how a word is spoken.
_SPOKEN_AFTER, _SPOKEN_BEFORE = frozenset("/[\u02c8\u02cc"), frozenset("/]\u02c8\u02cc\u02d0")


def look_alikes(text: str, evidence: Evidence, *, known: str = "") -> list[str]:
    """Say of each such word of a folded text what it looks like, and which of its characters are others.

    A word that stands in ``known`` too is as it should be. Linear time.
    """
    if not _UNUSUAL.search(text):
        return []
    told: dict[str, str] = {}
    as_it_should_be = {word.lower() for word in WORD.findall(known)} | evidence.written
    scripts = frozenset(script(ch) for ch in set(text) if ch.isalpha() and not odd(ch))
    for match in WORD.finditer(text):
        word = match.group()
        places = [at for at, ch in enumerate(word) if odd(ch)]
        if not places or word in told or word.lower() in as_it_should_be:
            continue
        places = [at for at in places if not _explained(word, at, scripts, evidence)]
        if places and not (notation(word) or written_both_ways(word) or _spoken(text, match)):
            like = _like(word, evidence)
            told[word] = f"{word} only looks like {like}: {_named(word, places)}" if like else ""
    return [detail for detail in told.values() if detail]


def misspelt(claimed: Statement, evidence: Evidence) -> list[str]:
    """Say of each Hangul word that is one letter away from the quoted word in whose place it stands which that is."""
    if claimed.text.isascii():
        return []
    told: dict[str, str] = {}
    for word, quoted in stand_ins(claimed, evidence):
        at = one_letter_apart(word, quoted) if _HANGUL.fullmatch(word + quoted) else None
        if at is not None:
            letter = f"its character {at + 1} is {word[at]} for {quoted[at]}"
            told.setdefault(word, f"{word} only looks like {quoted}: {letter}")
    return list(told.values())


def _explained(word: str, at: int, scripts: frozenset[str], evidence: Evidence) -> bool:
    """Whether a character that looks like another has its place in this word; ``scripts`` are those of its text."""
    own, base = script(word[at]), script(word[max(0, at - 1)])
    if own == "LATIN" or (own, base) == ("COMBINING", "LATIN"):
        return evidence.marks_in_use.issuperset(strokes(word[at]))
    return own in scripts and all(script(ch) == own for ch in word if ch.isalpha())


def _like(word: str, evidence: Evidence) -> str | None:
    """The word of the quotes that this one looks like, in whatever form; crossed out, it needs to be like none."""
    like = evidence.skeletons.get(skeleton(word))
    if like is None and not evidence.words.isdisjoint(content_words(plain(word))):
        return plain(word)
    return plain(word) if like is None and any(map(crosses_out, word)) else like


def _spoken(text: str, match: re.Match[str]) -> bool:
    """Whether it stands between slashes or brackets, as in ``/\u0261\u026at/``."""
    return text[max(0, match.start() - 1) : match.start()] in _SPOKEN_AFTER and (
        text[match.end() : match.end() + 1] in _SPOKEN_BEFORE
    )


def _named(word: str, odd: Sequence[int]) -> str:
    """Characters by number, counted from 1, and by their names in Unicode."""
    return ", ".join(
        f"its character {at + 1} is U+{ord(word[at]):04X} {unicodedata.name(word[at], '')}".strip()
        for at in odd[:_MAX_NAMED]
    )
