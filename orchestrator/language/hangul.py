"""Two Hangul words that are one letter apart: a misspelling or another word, but never a synonym.

Hangul letters (jamo) are built from one another by strokes, so that a letter's neighbours look like it: 는 and 눈, 에
and 애. What Korean grammar itself changes by one letter is no misspelling, nor is a loanword that is written two ways.
"""

from __future__ import annotations

from orchestrator.language.lists import listed

_NO_CONSONANT, _J, _JJ, _CH, _D = 11, 12, 13, 14, 3
_ENDING_VOWELS, _ENDING_STOPS = frozenset({0, 4, 6}), frozenset({0, 20})
"""ㅏ, ㅓ and ㅕ: 아, 어 and 여 are one ending, by verb (높았다, 높였다: 줄었다, 줄였다)."""
_GLIDES = {2: 0, 3: 1, 6: 4, 7: 5, 12: 8, 17: 13}
"""Vowels with a glide and without one, which sound the same after ㅈ, ㅉ and ㅊ: 쥬스, 주스."""
_OE = frozenset({10, 11})
"""ㅚ and ㅙ: 되어 is short for 돼."""
_ENDING_FINALS = frozenset({0, 4, 8, 16, 17, 20})
"""None, ㄴ, ㄹ, ㅁ, ㅂ and ㅆ: 하, 한, 할, 함, 합니다, 했다."""
_PARTICLES = frozenset({frozenset("은는"), frozenset("을를")})
_WRITTEN_TWO_WAYS = [
    pair.split("/")
    for pair in listed(
        "콘텐츠/컨텐츠 콘퍼런스/컨퍼런스 콘셉트/컨셉트 콘트롤/컨트롤 메시지/메세지 소시지/소세지 "
        "데이터/데이타 센터/센타 모터/모타 디지털/디지탈 카페/까페 초콜릿/초콜렛 타깃/타겟 리포트/레포트 "
        "바비큐/바베큐 할리우드/헐리우드 마니아/매니아 난센스/넌센스 심포지엄/심포지움 렌터카/렌트카 "
        "카탈로그/카달로그 액세스/억세스 메커니즘/메카니즘 내비/네비 애플리/어플리 블록/블럭 컬러/칼라 "
        "리더십/리더쉽 멤버십/멤버쉽 파트너십/파트너쉽 워크숍/워크샵 앰뷸런스/앰불런스"
    )
]


def one_letter_apart(word: str, other: str) -> int | None:
    """Return where two words of the same length differ, if it is by one letter of one syllable."""
    if len(word) != len(other) or word == other:
        return None
    places = [at for at, (one, two) in enumerate(zip(word, other, strict=True)) if one != two]
    if len(places) != 1:
        return None
    at = places[0]
    differs = _differs(word[at], other[at], last=at == len(word) - 1)
    return at if differs and not _spelling(word, other) else None


def _differs(one: str, two: str, *, last: bool) -> bool:
    (initial, vowel, final), (initial2, vowel2, final2) = _letters(one), _letters(two)
    if (initial != initial2) + (vowel != vowel2) + (final != final2) != 1:
        return False
    if initial != initial2:
        return not (last and frozenset((one, two)) in _PARTICLES)
    if final != final2:
        return not {final, final2} <= _ENDING_FINALS
    vowels = {vowel, vowel2}
    return not (
        (initial == _NO_CONSONANT and final in _ENDING_STOPS and vowels <= _ENDING_VOWELS)
        or (initial in {_J, _JJ, _CH} and _GLIDES.get(vowel, vowel) == _GLIDES.get(vowel2, vowel2))
        or (initial == _D and vowels == _OE)
    )


def _letters(syllable: str) -> tuple[int, int, int]:
    number = ord(syllable) - 0xAC00
    return number // 588, number % 588 // 28, number % 28


def _spelling(word: str, other: str) -> bool:
    return any(
        one in word and two in other and word.replace(one, two) == other
        for pair in _WRITTEN_TWO_WAYS
        for one, two in (pair, reversed(pair))
    )
