"""Changes that make a text say something else. Each gives the changed text, or ``None`` where it finds no place."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence

Wound = Callable[[str, random.Random, Sequence[str]], str | None]

_NUMBER = re.compile(r"(?<![A-Za-z\d.,])\d[\d,.]*\d|(?<![A-Za-z\d.,])\d")
_UNIT = re.compile(
    r"(?<=\d)(\s?)(?:(%p|%|ms|MWh|MW|GB|km|kg|cm|mg|dB|㎢|㎥|m³|m|g|원|년|일|시간|분|초|톤|명|건)(?![A-Za-z가-힣]{2})"
    r"|(percent|percentage points|million|seconds|minutes|years|euros|seasons|people)\b)"
)
_OTHER_UNIT = {
    "%": "ms", "%p": "%", "ms": "s", "MWh": "MW", "MW": "kW", "GB": "MB", "km": "m", "kg": "g", "cm": "mm",
    "mg": "g", "dB": "Hz", "㎢": "㎡", "㎥": "L", "m³": "L", "m": "cm", "g": "kg", "원": "달러", "년": "개월",
    "일": "주", "시간": "분", "분": "초", "초": "분", "톤": "kg", "명": "%", "건": "%", "percent": "ms",
    "percentage points": "percent", "million": "billion", "seconds": "minutes", "minutes": "hours",
    "years": "months", "euros": "dollars", "seasons": "years", "people": "percent",
}  # fmt: skip
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|will|must|may)\b(?!\s+(?:not|never|no)\b)"
)
_NEGATED = re.compile(r"\s(?:not|never)\b|\b[Nn]o(?=\s[a-z])|\bNobody\b")
_AFFIRMED_KO = re.compile(r"(했|되었|였|이었|줄었|늘었|높았|줄였|지었|열|이루어졌|된|한|쓴|판)다(?=[.\s]|$)")
_NEGATIVE_KO = {
    "했": "하지 않았", "되었": "되지 않았", "줄었": "줄지 않았", "늘었": "늘지 않았", "높았": "높지 않았",
    "줄였": "줄이지 않았", "지었": "짓지 않았", "된": "되지 않는", "한": "하지 않는", "이루어졌": "이루어지지 않았",
    "였": "가 아니었", "이었": "이 아니었",
}  # fmt: skip
_NEGATED_KO = re.compile(r"(하지|되지|지|멈추지|다르지|넘지)\s(?:않았|않는|않은|못한|못했)다|없다")
_NAME = re.compile(
    r"(?<=[a-z,]\s)[A-Z][a-z]+(?:-?\d+)?(?=[\s,.;:)])|(?<![A-Za-z])[A-Z][A-Za-z]{2,}(?=[가-힣]|\s[가-힣\d])"
)
_LOOK_ALIKES = {
    "a": "\u0430", "e": "\u0435", "o": "\u043e", "p": "\u0440", "c": "\u0441", "x": "\u0445", "i": "\u0456",
    "A": "\u0391", "B": "\u0412", "E": "\u0395", "H": "\u041d", "K": "\u039a", "M": "\u041c", "O": "\u041e",
    "0": "O", "1": "l", "을": "율", "은": "온", "에": "애", "다": "따", "는": "눈", "이": "아",
}  # fmt: skip
_MARKS = ("\u0301", "\u0323", "\u0338", "\u20dd")


def digit(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """Another digit in one number."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    number = rng.choice(found)
    at = rng.choice([i for i in range(number.start(), number.end()) if text[i].isdigit()])
    leads = at == number.start()
    return text[:at] + rng.choice([d for d in "0123456789"[leads:] if d != text[at]]) + text[at + 1 :]


def digit_lost(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """One digit too many or too few."""
    found = [m for m in _NUMBER.finditer(text) if len(m.group()) > 1]
    if not found:
        return None
    number = rng.choice(found)
    if "." not in number.group() and rng.random() < 0.5:  # 1.50 would be 1.5
        return text[: number.end()] + "0" + text[number.end() :]
    return text[: number.end() - 1].rstrip(",.") + text[number.end() :]


def unit(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """Another unit behind a number."""
    found = list(_UNIT.finditer(text))
    if not found:
        return None
    m = rng.choice(found)
    return text[: m.start()] + m[1] + _OTHER_UNIT[m[2] or m[3]] + text[m.end() :]


def negation_added(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """A statement turned round."""
    found = list(_AUXILIARY.finditer(text))
    if found:
        m = rng.choice(found)
        return text[: m.end()] + rng.choice([" not", " never"]) + text[m.end() :]
    found = [m for m in _AFFIRMED_KO.finditer(text) if m[1] in _NEGATIVE_KO]
    if not found:
        return None
    m = found[-1]
    return text[: m.start()] + _NEGATIVE_KO[m[1]] + text[m.end() - 1 :]


def negation_dropped(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """A negation taken away."""
    found = list(_NEGATED.finditer(text))
    if found:
        m = rng.choice(found)
        stands_for = {"No": "A", "no": "a", "Nobody": "Everybody"}.get(m.group(), "")
        return text[: m.start()] + stands_for + text[m.end() :]
    found = list(_NEGATED_KO.finditer(text))
    if not found:
        return None
    m = found[-1]
    verb = {"하지": "했다", "되지": "되었다", "없다": "있다"}.get(m[1] or m.group(), "었다")
    return text[: m.start()] + verb + text[m.end() :]


_NAME_KO = re.compile(
    "한강시|시의회|보건소|도서관|연구팀|협동조합|박물관|수자원공사|교육청|서울|대전|국립공원공단|시청"
)


def entity(text: str, rng: random.Random, texts: Sequence[str]) -> str | None:
    """A name swapped for one of another text."""
    pattern = _NAME if _NAME.search(text) else _NAME_KO
    found = list(pattern.finditer(text))
    if not found:
        return None
    m = rng.choice(found)
    others = {n.group() for t in texts for n in pattern.finditer(t)} - {n.group() for n in found}
    return text[: m.start()] + rng.choice(sorted(others)) + text[m.end() :]


def word_dropped(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """One word taken out of the middle."""
    words = text.split(" ")
    del words[rng.randrange(1, len(words) - 1)]
    return " ".join(words)


def word_replaced(text: str, rng: random.Random, texts: Sequence[str]) -> str | None:
    """One word of the middle replaced by a word of another text."""
    words = text.split(" ")
    others = [w for w in rng.choice(texts).split() if len(w) > 3 and w not in words]
    if not others:
        return None
    words[rng.randrange(1, len(words) - 1)] = rng.choice(others)
    return " ".join(words)


def words_reordered(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """Two neighbours changed places."""
    words = text.split(" ")
    places = [i for i in range(len(words) - 1) if words[i] != words[i + 1]]
    at = rng.choice(places)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def look_alike(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """One letter of another script, or another letter, that looks the same or almost."""
    places = [i for i, ch in enumerate(text) if ch in _LOOK_ALIKES]
    if not places:
        return None
    at = rng.choice(places)
    return text[:at] + _LOOK_ALIKES[text[at]] + text[at + 1 :]


def mark_added(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """A combining mark on a letter or a digit: a stroke, an accent, a circle."""
    at = rng.choice([i for i, ch in enumerate(text) if ch.isalnum()])
    return text[: at + 1] + rng.choice(_MARKS) + text[at + 1 :]


def sentences_joined(text: str, rng: random.Random, texts: Sequence[str]) -> str | None:
    """Half of the sentence, and half of another text's."""
    words, others = text.split(" "), rng.choice(texts).split(" ")
    half = len(words) // 2
    return " ".join([*words[:half], *others[-half:]])


OF_TEXT: dict[str, Wound] = {
    "digit": digit,
    "digit lost or added": digit_lost,
    "unit": unit,
    "negation added": negation_added,
    "negation dropped": negation_dropped,
    "entity swap": entity,
    "word dropped": word_dropped,
    "word replaced": word_replaced,
    "words reordered": words_reordered,
    "look-alike character": look_alike,
    "combining mark": mark_added,
    "halves of two texts": sentences_joined,
}
OF_CLAIMS = frozenset(OF_TEXT) - {"word dropped"}
"""A claim that says less than its quote is no worse for it."""


# Between these stands a list, whose members have no order.
_LIST = re.compile(r"(?:\s|,|-|~|&|s\b|and\b|or\b|in\b|of\b|the\b|an?\b|와|과|및|\d+)*")
_SUBJECT_KO = re.compile(r"(?<![가-힣])([가-힣]{2,})(?<!에)(?<!에서)(은|는|이|가)(?=\s)")
_OBJECT_KO = re.compile(r"(?<![가-힣])([가-힣]{2,})(을|를)(?=\s)")


def roles_exchanged(text: str, rng: random.Random, _: Sequence[str]) -> str | None:
    """Two numbers or two names in each other's place; in Korean subject and object, each with the other's particle."""
    pairs = [
        (one.span(), other.span())
        for pattern in (_NUMBER, _NAME)
        for one, other in itertools.combinations(pattern.finditer(text), 2)
        if one.group() != other.group() and not _LIST.fullmatch(text, one.end(), other.start())
    ]
    subject = _SUBJECT_KO.search(text)
    obj = _OBJECT_KO.search(text, subject.end()) if subject else None
    if subject and obj:
        named, done = (_with_particle(obj[1], subject[2]), _with_particle(subject[1], obj[2]))
        return text[: subject.start()] + named + text[subject.end() : obj.start()] + done + text[obj.end() :]
    if not pairs:
        return None
    (start, end), (start2, end2) = rng.choice(pairs)
    return text[:start] + text[start2:end2] + text[end:start2] + text[start:end] + text[end2:]


def _with_particle(noun: str, particle: str) -> str:
    """A noun with the form of a particle that fits its last sound."""
    closed = (ord(noun[-1]) - 0xAC00) % 28 != 0
    pair = next(p for p in ("은는", "이가", "을를") if particle in p)
    return noun + pair[not closed]


ADDED: dict[str, Wound] = {"roles exchanged": roles_exchanged}
"""Of claims, and later than the others, whose cases stay what they were."""
