"""Light stemming: forms of one word meet, different short words never do.

English: plural, -ed, -ing, -ion/-ation/-ate, -ment, -ly, final e. Korean: particles and the endings of 하다 and 되다.
A stem is a key to compare by, not a word to show.
"""

from __future__ import annotations

import re
from functools import lru_cache

from orchestrator.language.lists import listed

_AS_THEY_ARE = frozenset(
    listed("news lens plus thus this always perhaps series species across analysis during evening")
)
_VOWEL = re.compile(r"[aeiouy]")
_SHORT_WITH_E = re.compile(r"[^aeiou]{1,2}[aeiouy][^aeiouwxy]")  # hop(ed), stor(ing): a final e went missing


@lru_cache(maxsize=65_536)
def english_stem(word: str) -> str:
    """Stem of one lower-case word; words of up to three letters and unknown shapes come back as they are."""
    if len(word) <= 3 or word in _AS_THEY_ARE or not (word.isascii() and word.isalpha()):
        return word
    word = _without_inflection(_singular(word))
    for suffix, stem_length in (("ly", 5), ("ment", 5)):
        if word.endswith(suffix) and len(word) - len(suffix) >= stem_length:
            word = word[: -len(suffix)]
            break
    return _without_derivation(word)


def _singular(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _without_inflection(word: str) -> str:
    if word.endswith("ied"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    for suffix in ("ed", "ing"):
        stem = word[: -len(suffix)]
        if word.endswith(suffix) and not word.endswith("eed") and len(stem) >= 2 and _VOWEL.search(stem):
            return _mended(stem, suffix)
    return word


def _mended(stem: str, suffix: str) -> str:
    """What -ed or -ing was put on: one consonant of two goes, a final e that went missing comes back."""
    if len(stem) == 2:
        lost_e = suffix == "ed" or stem[-1] not in "aeiou"
    elif stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
        return stem[:-1]
    else:
        lost_e = bool(_SHORT_WITH_E.fullmatch(stem)) or (
            stem.endswith("at") and len(stem) >= 6 and stem[-3] not in "eo"
        )
    return stem + "e" if lost_e else stem


def _without_derivation(word: str) -> str:
    if word.endswith("duction"):
        word = word[:-4]
    elif word.endswith("ation") and len(word) >= 9:
        word = word[:-5]
    elif (word.endswith(("sion", "tion")) and len(word) >= 8) or (word.endswith("ate") and len(word) >= 7):
        word = word[:-3]
    if len(word) >= 5 and word.endswith("e") and not _SHORT_WITH_E.fullmatch(word[:-1]):
        word = word[:-1]
    if len(word) >= 6 and word[-1] == word[-2]:
        word = word[:-1]
    return word


_PARTICLES = sorted(
    listed(
        "에서는 에서도 에서의 에서 에게는 에게서 에게 으로는 으로서 으로써 으로도 으로 로는 "
        "로서 로써 에는 에도 까지는 까지도 까지 부터 처럼 보다 마다 조차 마저 밖에 한테 께서 "
        "이라는 이라고 라는 이란 이나 이며 이고 이다 입니다 이었다 였다 이었고 이므로 들은 "
        "들이 들을 들의 들 은 는 이 가 을 를 의 에 도 만 로 과 와 요"
    ),
    key=len,
    reverse=True,
)
# After these one syllable may be left; every other ending leaves at least two.
_LEAVES_ONE = frozenset(listed("다 습니다 은 는 을 를 에서 에서는 에서도 에는 에도 에 으로 까지 부터"))
_AFTER_FINAL = {
    "은": True,
    "는": False,
    "을": True,
    "를": False,
    "이": True,
    "가": False,
    "과": True,
    "와": False,
}
_VERB_ENDINGS = sorted(
    listed(
        "하다 합니다 한다 했다 하였다 하였으며 하는 하고 하며 하여 해서 해 할 한 함 하기 하지 "
        "하지만 하면 하도록 했습니다 했으며 했고 된다 되다 됩니다 되는 되고 되며 되어 됐다 "
        "되었다 되었으며 된 될 됨 되지 되면 되기 시킨다 시키는 시켰다 시킬 시켜 습니다 았다 "
        "었다 았습니다 었습니다 았고 었고 았으며 었으며 으며 는다 지만 지 다"
    ),
    key=len,
    reverse=True,
)
_ENDINGS = sorted({*_PARTICLES, *_VERB_ENDINGS}, key=lambda ending: (-len(ending), ending))
_WHOLE = frozenset(listed("바다 아니다 회의 정의 주의 합의 논의 협의"))


@lru_cache(maxsize=65_536)
def korean_stem(word: str) -> str:
    """A run of Hangul without its particles and common verb endings; ``시스템에서는`` gives ``시스템``."""
    for _ in range(3):  # particles stack, but not deeper
        shorter = _without_ending(word)
        if shorter == word:
            break
        word = shorter
    return word


def _without_ending(word: str) -> str:
    if word in _WHOLE:
        return word
    for ending in _ENDINGS:
        left = len(word) - len(ending)
        if left < (1 if ending in _LEAVES_ONE else 2) or not word.endswith(ending):
            continue
        if ending not in _AFTER_FINAL or _has_final(word[left - 1]) == _AFTER_FINAL[ending]:
            return word[:left]
    return word


def _has_final(syllable: str) -> bool:
    """Whether a Hangul syllable ends in a consonant."""
    return (ord(syllable) - 0xAC00) % 28 != 0
