"""The words of a text in order, and in Korean the particles on them, which say what a word does in its clause."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from orchestrator.language.lists import listed
from orchestrator.language.words import Word

ARTICLES = frozenset({"a", "an", "the"})
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_AFTER_A_VOWEL = {"가": "이", "는": "은", "를": "을", "와": "과", "으로": "로", "한테": "에게"}
TOPICS = frozenset({"이", "은", "도"})
"""Of a subject, a topic, and one more of either: code cannot tell them apart."""
ROLES = TOPICS | frozenset(listed("을 에 에서 로 에게 보다 의 부터 까지"))


@lru_cache(maxsize=65_536)
def split(word: str, forms: tuple[str, ...]) -> tuple[str, str]:
    """Return (stem, particle or other ending) of a word of a text with its forms; ``은`` and ``는`` are one particle.

    The word itself and nothing where it is not Hangul; nothing and a particle where that stands alone, behind a number.
    """
    if not _HANGUL.fullmatch(word):
        return word, ""
    if not forms:
        return ("", _particle(word)) if _particle(word) in ROLES else (word, "")
    stem = forms[0] if word.startswith(forms[0]) else word
    return stem, _particle(word[len(stem) :])


def tokens(words: Iterable[Word]) -> tuple[str, ...]:
    """What the words of a text are compared by, in order, with particles apart and without articles."""
    found: list[str] = []
    for word, _, forms in words:
        if word.isascii():
            found += () if word in ARTICLES else (forms[0] if forms else word,)
        else:
            stem, particle = split(word, forms)
            found += filter(None, (forms[0] if forms and not particle else stem, particle))
    return tuple(found)


def _particle(ending: str) -> str:
    """Without what makes a topic of a word that has a role."""
    base = ending[:-1] if ending[-1:] in "은는도" and len(ending) > 1 else ending
    return _AFTER_A_VOWEL.get(base, base)
