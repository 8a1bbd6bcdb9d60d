"""Numbers in Korean words: ``삼백만 원``, ``열두 명``; only before a unit or a counter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from orchestrator.language.lists import listed

_DIGITS = {word: value for value, word in enumerate(listed("일 이 삼 사 오 육 칠 팔 구"), start=1)}
_SMALL_SCALES = {"십": 10, "백": 100, "천": 1_000}
_LARGE_SCALES = {"만": 10**4, "억": 10**8, "조": 10**12}
_NATIVE = {word: value for value, word in enumerate(listed("두 세 네 다섯 여섯 일곱 여덟 아홉"), start=2)}
_NATIVE_TENS = {
    word: 10 * value for value, word in enumerate(listed("열 스물 서른 마흔 쉰 예순 일흔 여든 아흔"), start=1)
}
_COUNTERS = "|".join(
    listed(
        "명 개 곳 번(?!째) 대 권 마리 가지 건 살 차례 사람 장 척 층 팀 회 군데 단계 달 시간 주 배 "
        "원 달러 유로 톤 퍼센트 년 킬로 그루 병 잔"
    )
)
_BEHIND = rf"(?=\s?(?:{_COUNTERS}))"
_SPELLED = re.compile(
    rf"(?<![가-힣\d])(?:(?P<sino>[일이삼사오육칠팔구십백천만억조]*[십백천만억조][일이삼사오육칠팔구]?)"
    rf"|(?P<ten>{'|'.join(_NATIVE_TENS)})?(?P<one>한|{'|'.join(_NATIVE)})?|(?P<twenty>스무)){_BEHIND}"
)
_FIRST = "".join(
    sorted({word[0] for word in (*_DIGITS, *_SMALL_SCALES, *_LARGE_SCALES, *_NATIVE, *_NATIVE_TENS, "한")})
)
# One character, and then what stands before it: a search for characters is much faster than one that looks behind.
_BEGINS = re.compile(rf"[{_FIRST}](?<![가-힣\d].)", re.DOTALL)


def spelled_in_korean(text: str) -> Iterator[tuple[Decimal, int, int]]:
    """(value, start, end) of every number in words. A lone "one" is left out: it says "a" more often than 1."""
    taken = 0
    for first in _BEGINS.finditer(text):
        match = _SPELLED.match(text, first.start()) if first.start() >= taken else None
        if match is None:
            continue
        taken = match.end()
        if match["sino"]:
            value = _sino(match["sino"])
        elif match["twenty"]:
            value = 20
        elif match["ten"]:
            value = _NATIVE_TENS[match["ten"]] + (
                1 if match["one"] == "한" else _NATIVE.get(match["one"] or "", 0)
            )
        elif match["one"] in _NATIVE:
            value = _NATIVE[match["one"]]
        else:
            continue
        yield Decimal(value), match.start(), match.end()


def _sino(word: str) -> int:
    total = section = digit = 0
    for ch in word:
        if ch in _DIGITS:
            digit = _DIGITS[ch]
        elif ch in _SMALL_SCALES:
            section += (digit or 1) * _SMALL_SCALES[ch]
            digit = 0
        else:
            total += (section + digit or 1) * _LARGE_SCALES[ch]
            section = digit = 0
    return total + section + digit
