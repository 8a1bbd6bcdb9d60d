"""Numbers with their units: ``3,000,000``, ``3 million``, ``three million`` and ``300만`` are one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from orchestrator.language.korean_numbers import spelled_in_korean
from orchestrator.language.lists import listed
from orchestrator.language.units import CURRENCIES, unit_at

_DIGITS = r"\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w)\]])[-\u2212+])?(?:(?P<currency>{'|'.join(map(re.escape, CURRENCIES))})\s?)?"
    # A digit after a letter belongs to a name (H2O, p95); Hangul is no such letter (약3배).
    rf"(?<![A-Za-z0-9\u00c0-\u024f_])(?:(?P<digits>{_DIGITS})(?P<part>[\u00bc-\u00be\u2150-\u215e])?|(?P<alone>[\u00bc-\u00be\u2150-\u215e]))"
)
_DOTTED = re.compile(r"(?:\.\d+)+")
_POWER = re.compile(
    r"(?:\s?[\u00d7x*]\s?(?P<ten>10))?(?:\^(?P<caret>-?\d{1,2})|(?P<super>\u207b?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{1,2}))"
)
_ENGLISH_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SCALE = re.compile(
    r"[\s-]?(hundred|thousand|million|billion|trillion)\b|(k|K|M|B)(?![A-Za-z0-9])|\s?(mn|bn|tn)\b",
    re.IGNORECASE,
)
_LETTER_SCALES = {"k": 3, "m": 6, "b": 9, "mn": 6, "bn": 9, "tn": 12}
_KOREAN_SCALES = {"십": 1, "백": 2, "천": 3, "만": 4, "억": 8, "조": 12, "": 0}
_KOREAN_SCALE = re.compile(
    r"(?P<low>[십백천])?(?P<high>만|억|조(?![건사직합항각]))|(?P<only>[십백천])(?![가-힣]{0,1}분의)"
)
_KOREAN_NEXT = re.compile(rf"\s?(?P<digits>{_DIGITS})")
_FRACTION = re.compile(r"\s?분의\s?(\d+)")
# 2024-05-01, 2024.5.1 and the Korean 2024. 5. 1.; a particle may follow.
_ISO_DATE = re.compile(
    r"(?<![A-Za-z0-9_-])(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|\.\s(\d{1,2})\.\s(\d{1,2})(?=\.))(?![A-Za-z0-9_-])(?!\.\d)"
)
_KOREAN_DATE = re.compile(
    r"(?:(?<!\d)(\d{4})\s?년\s?)?(?<!\d)(\d{1,2})\s?월(?:\s?(\d{1,2})\s?일)?|(?<!\d)(\d{4})\s?년"
)
_MONTHS = {m: i for i, m in enumerate(listed("jan feb mar apr may jun jul aug sep oct nov dec"), start=1)}
_MONTH = (
    r"(?P<{0}>January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?"
)
_ENGLISH_DATE = re.compile(
    rf"\b(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH.format('m1')}(?:,?\s(?P<y1>\d{{4}})\b)?"
    rf"|\b{_MONTH.format('m2')}\s(?:(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d.])(?:,?\s(?P<y2>\d{{4}})\b)?|(?P<y3>\d{{4}})\b)"
)
_SMALL = {
    word: value
    for value, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen "
            "fourteen fifteen sixteen seventeen eighteen nineteen"
        )
    )
} | {
    w: 10 * n for n, w in enumerate(listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_ANY_SMALL = "|".join(sorted(_SMALL, key=len, reverse=True))
_SPELLED = re.compile(
    rf"\b(?:(?:{_ANY_SMALL})|an?(?=[\s-](?:hundred|thousand|million|billion|trillion)\b))"
    rf"(?:(?:\sand\s|[\s-])(?:{_ANY_SMALL}|hundred|thousand|million|billion|trillion)\b)*\b"
    rf"(?:[\s-](?P<part>{'|'.join(_PARTS)})s?\b)?",
    re.IGNORECASE,
)
_MONTH_HINTS = tuple(name.capitalize() for name in _MONTHS)
# What a number needs, looked for first: most texts have neither.
_ANY_DIGIT = re.compile(r"[\d\u00bc-\u00be\u2150-\u215e]")
_DIGITS_RUN = re.compile(r"\d+")
_DAY_OR_MONTH = re.compile(r"[\dJFMASOND]\d*")
"""Where an English date may begin: at digits, or at a month's first letter."""
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_SPELLING = frozenset(_SMALL) | {"a", "an"}
"""What a number in English words begins with."""
_BEFORE_DIGITS = 2 + max(map(len, CURRENCIES))
"""Characters that a sign, a currency and a space take before a number's digits."""
_RANGE = re.compile(r"\s?[-\u2010-\u2015\u2212~\u223c\u301c\uff5e]\s?|\sto\s")


@dataclass(frozen=True)
class Quantity:
    """A number as a value and its unit ("" where it has none), and where it stands in the text.

    Units are canonical (``percent`` and 퍼센트 are ``%``) and never converted: 4 s is not 4,000 ms. The parts of a date
    are a year without a unit, ``month#`` and ``day#``.
    """

    value: Decimal
    unit: str
    start: int
    end: int

    @property
    def key(self) -> tuple[Decimal, str]:
        """What makes two quantities the same."""
        return self.value, self.unit


def quantities(text: str) -> tuple[Quantity, ...]:
    """Every number of a text, in order: digits, number words to the trillions, Korean scales, dates, ranges.

    "One" alone is a pronoun more often than a number and is left out, unless a unit or a scale follows.
    """
    found: list[Quantity] = []
    taken = 0
    has_digits = bool(_ANY_DIGIT.search(text))
    dates = _dates(text) if has_digits else []
    digits = _written(text) if has_digits else ()
    korean = () if text.isascii() else _spelled_in_korean(text)
    spelled = _spelled(text)
    # Where two readings overlap, the earlier start wins; at one start a date, then digits.
    readings = [
        (q.start, rank, q) for rank, group in enumerate((dates, digits, spelled, korean)) for q in group
    ]
    for start, _, quantity in sorted(readings, key=lambda reading: reading[:2]):
        if start >= taken:
            found.append(quantity)
            taken = quantity.end
    return _with_range_units(found, text)


def _dates(text: str) -> list[Quantity]:
    found: list[Quantity] = []

    def add(match: re.Match[str], group: int | str, unit: str, value: int | None = None) -> None:
        if match.group(group):
            number = int(match.group(group)) if value is None else value
            end = match.end(group)
            end += text.startswith(("\ub144", "\uc6d4", "\uc77c"), end)
            found.append(Quantity(Decimal(number), unit, match.start(group), end))

    for match in _from(_DIGITS_RUN, _ISO_DATE, text):
        for group, unit in ((1, ""), (2, "month#"), (3, "day#"), (4, "month#"), (5, "day#")):
            add(match, group, unit)
    for match in _from(_DIGITS_RUN, _KOREAN_DATE, text) if "\uc6d4" in text or "\ub144" in text else ():
        for group, unit in ((1, ""), (2, "month#"), (3, "day#"), (4, "")):
            add(match, group, unit)
    has_months = any(name in text for name in _MONTH_HINTS)
    for match in _from(_DAY_OR_MONTH, _ENGLISH_DATE, text) if has_months else ():
        for month in ("m1", "m2"):
            name = match.group(month)
            add(match, month, "month#", _MONTHS[name[:3].lower()] if name else None)
        for part, unit in (("d1", "day#"), ("d2", "day#"), ("y1", ""), ("y2", ""), ("y3", "")):
            add(match, part, unit)
    return found


def _from(begins: re.Pattern[str], pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """``pattern.finditer(text)`` for a pattern that begins where the simpler one does: much faster."""
    taken = 0
    for start in begins.finditer(text):
        if start.start() >= taken and (match := pattern.match(text, start.start())):
            yield match
            taken = match.end()


def _next_number(text: str, at: int) -> re.Match[str] | None:
    digit = _ANY_DIGIT.search(text, at)
    return _NUMBER.search(text, max(at, digit.start() - _BEFORE_DIGITS)) if digit else None


def _written(text: str) -> Iterator[Quantity]:
    at = 0
    while match := _next_number(text, at):
        dotted = (
            _DOTTED.match(text, match.end())
            if match.group("digits") and "." in match.group("digits")
            else None
        )
        if dotted:  # 3.11.2: a version or an address, each part a number of its own
            for part in re.finditer(r"\d+", text[match.start("digits") : dotted.end()]):
                start = match.start("digits") + part.start()
                yield Quantity(Decimal(part.group()), "", start, start + len(part.group()))
            at = dotted.end()
            continue
        value = _value(match)
        value, end = _scaled(text, value, match)
        fraction = _FRACTION.match(text, end)
        if fraction and value:
            value, end = Decimal(fraction.group(1)) / value, fraction.end()
        unit, unit_end = unit_at(text, end)
        if match.group("currency"):
            unit, unit_end = CURRENCIES[match.group("currency")], end
        yield Quantity(
            -value if match.group("sign") in {"-", "\u2212"} else value, unit, match.start(), unit_end
        )
        at = unit_end


def _value(match: re.Match[str]) -> Decimal:
    value = Decimal((match.group("digits") or "0").replace(",", ""))
    part = match.group("part") or match.group("alone")
    return value + Decimal(str(unicodedata.numeric(part))) if part else value


def _scaled(text: str, value: Decimal, match: re.Match[str]) -> tuple[Decimal, int]:
    """The value with the power of ten or scale words behind it, and where they end."""
    end = match.end()
    power = _POWER.match(text, end)
    if power and (power.group("ten") or value == 10):
        exponent = int(power.group("caret") or _plain_digits(power.group("super")))
        return value.scaleb(exponent if power.group("ten") else exponent - 1), power.end()
    if scale := _SCALE.match(text, end):
        word = (scale.group(1) or scale.group(2) or scale.group(3)).lower()
        if not (scale.group(2) and text[scale.start(2)] in "mb"):  # 5m is five metres, 5M five million
            return value.scaleb(_ENGLISH_SCALES.get(word) or _LETTER_SCALES[word]), scale.end()
    if text[match.start() - 1 : match.start()] == "제":  # 제2조: article two
        return value, end
    return _korean_scaled(text, value, end)


def _korean_scaled(text: str, value: Decimal, end: int) -> tuple[Decimal, int]:
    """``3억 5,000만``: parts of falling scale add up."""
    total, last = Decimal(0), 99
    while True:
        scale = _KOREAN_SCALE.match(text, end)
        exponent = sum(_KOREAN_SCALES[g] for g in scale.groups() if g) if scale else 0
        rank = _KOREAN_SCALES[scale.group("high") or scale.group("only")] if scale else 0
        if scale and rank >= last:
            return total + value, end
        total += value.scaleb(exponent)
        if not scale:
            return total, end
        end, last = scale.end(), rank
        following = _KOREAN_NEXT.match(text, end)
        if not following:
            return total, end
        next_scale = _KOREAN_SCALE.match(text, following.end())
        glued = following.start("digits") == end
        if not (
            (next_scale and _KOREAN_SCALES[next_scale.group("high") or next_scale.group("only")] < last)
            or glued
        ):
            return total, end
        value, end = Decimal(following.group("digits").replace(",", "")), following.end()


def _spelled(text: str) -> Iterator[Quantity]:
    taken = 0
    for word in _LATIN_WORD.finditer(text):
        begins = word.start() >= taken and word.group().lower() in _SPELLING
        match = _SPELLED.match(text, word.start()) if begins else None
        if not match:
            continue
        taken = match.end()
        whole = match.group()[: match.start("part") - match.start()] if match.group("part") else match.group()
        value = _spelled_value(whole)
        unit, end = unit_at(text, match.end())
        if match.group("part"):
            value /= _PARTS[match.group("part").lower()]
        elif match.group().lower() == "one" and not unit:
            continue
        yield Quantity(value, unit, match.start(), end)


def _spelled_in_korean(text: str) -> Iterator[Quantity]:
    for value, start, end in spelled_in_korean(text):
        unit, unit_end = unit_at(text, end)
        yield Quantity(value, unit, start, unit_end)


def _spelled_value(phrase: str) -> Decimal:
    total = current = Decimal(0)
    for word in re.findall(r"[a-z]+", phrase.lower()):
        if word in _SMALL:
            current += _SMALL[word]
        elif word in {"a", "an"}:
            current = Decimal(1)
        elif word == "hundred":
            current = (current or Decimal(1)) * 100
        elif word in _ENGLISH_SCALES:
            total += (current or Decimal(1)).scaleb(_ENGLISH_SCALES[word])
            current = Decimal(0)
    return total + current


def _with_range_units(found: list[Quantity], text: str) -> tuple[Quantity, ...]:
    """In ``3-5 ms`` the first number is in ms too."""
    out = list(found)
    for i in range(len(out) - 2, -1, -1):
        first, second = out[i], out[i + 1]
        between = text[first.end : second.start]
        if not first.unit and second.unit and "#" not in second.unit and _RANGE.fullmatch(between):
            out[i] = Quantity(first.value, second.unit, first.start, first.end)
    return tuple(out)


def _plain_digits(superscripts: str) -> str:
    return unicodedata.normalize("NFKC", superscripts).replace("\u2212", "-")
