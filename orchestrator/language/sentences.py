"""Sentence boundaries, English and Korean: plain text, Markdown and text taken from PDFs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.language.lists import listed
from orchestrator.language.normalise import normalise

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_BULLET = re.compile(
    r"\s*(?:[-*+•‣◦▪·]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s|[①-⑳가나다라마바사아자차카타파하][.)]\s|>)"
)
_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s*\||\s*(?:```|~~~)|\s*[=\-*_|:+ ]{3,}$")

_CLOSERS = "\"'\u201d\u2019»」』)\\]*_"
_END = re.compile(
    rf"[.!?…]+[{_CLOSERS}]*(?=\s|\Z)|[。\uff01\uff1f]+[{_CLOSERS}]*|(?<=[다요까죠])[.!?]+(?=[가-힣])"
)
# What each of them begins with: looking for that first is much faster.
_ENDS_WITH = re.compile("[.!?…。\uff01\uff1f]")
_TOKEN_BEFORE = re.compile(r"[^\s(\[\"'\u201c\u2018]+\Z")
_NEXT = re.compile(rf"\s*[(\[{_CLOSERS}\u201c\u2018«「『]*(\w+)")
_WORD_CHAR = re.compile(r"\w")
_KOREAN_DATE = re.compile(r"\d{4}\.\s?\d{1,2}\.(?:\s?\d{1,2}\.)?\Z")
_DATE_GOES_ON = re.compile(r"\s\d{1,2}\.(?:\s|\Z)")
_LOOK_BACK = 40
_AROUND = " \t\r\n\"'\u201c\u201d\u2018\u2019«»「」『』"

_TITLES = frozenset(listed("mr mrs ms dr prof sen rep gov gen col capt lt sgt rev hon st mt messrs"))
_BEFORE_NUMBERS = frozenset(
    listed(
        "no nos fig figs eq eqs sec secs ch vol vols p pp ref refs tab art para app ex jan "
        "feb mar apr jun jul aug sep sept oct nov dec"
    )
)
_INSIDE = frozenset(listed("e.g i.e cf vs viz approx ca resp eg ie"))
# May end a sentence as well: the next word decides.
_EITHER = frozenset(listed("al etc inc ltd co corp jr sr dept est ph.d a.m p.m"))
_STARTERS = frozenset(
    listed(
        "the this that these those a an in on at for from with as by to it its we they he she "
        "you i there here however but and so if when while although because since after "
        "before both each all many most some our their his her results one two no not such "
        "thus then also finally first second moreover furthermore overall"
    )
)
_ACRONYM = re.compile(r"(?:[a-z]\.)+[a-z]")


@dataclass(frozen=True)
class Span:
    """A sentence and where it stands: ``text == source[start:end]``."""

    text: str
    start: int
    end: int


def sentences(text: str) -> tuple[Span, ...]:
    """The sentences of a text in order; each one's text is verbatim and stripped.

    A bullet, a heading and a table row are sentences of their own; what holds no word is left out.
    """
    spans: list[Span] = []
    for start, end in _blocks(text):
        at = start
        for cut in (*_cuts(text, start, end), end):
            piece = text[at:cut]
            if _WORD_CHAR.search(piece):
                lead = len(piece) - len(piece.lstrip())
                stripped = piece.strip()
                spans.append(Span(stripped, at + lead, at + lead + len(stripped)))
            at = cut
    return tuple(spans)


def edges(sentence: str) -> tuple[int, int]:
    """Where a sentence's own words begin and end: behind a bullet and opening marks, before a stop and closing ones."""
    bullet = _BULLET.match(sentence)
    behind = bullet.end() if bullet else 0
    return len(sentence) - len(sentence[behind:].lstrip(_AROUND)), len(sentence.rstrip(_AROUND + ".。"))


def bare(sentence: str) -> str:
    """The sentence between its edges, folded: what it says, however it is set."""
    folded = normalise(sentence)
    start, end = edges(folded)
    return folded[start:end]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that a sentence may cross."""
    start, closed = 0, True
    for line in _LINE.finditer(text):
        blank = not line.group().strip()
        heading = bool(_HEADING.match(line.group().rstrip()))
        if blank or closed or heading or _BULLET.match(line.group()):
            if line.start() > start:
                yield start, line.start()
            start = line.start()
        closed = blank or heading
    if len(text) > start:
        yield start, len(text)


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    at = taken = start
    for begins in _ENDS_WITH.finditer(text, start, end):
        mark = _END.match(text, begins.start(), end) if begins.start() >= taken else None
        if mark is None:
            continue
        taken = mark.end()
        if mark.end() < end and _ends_sentence(text, at, mark, end):
            yield mark.end()
            at = mark.end()


def _ends_sentence(text: str, sentence_start: int, mark: re.Match[str], end: int) -> bool:
    following = _NEXT.match(text, mark.end(), min(end, mark.end() + _LOOK_BACK))
    word = following.group(1) if following else ""
    if word[:1].islower():
        return False
    if mark.group()[0] != "." or mark.group().startswith(".."):
        return True
    back = text[max(sentence_start, mark.start() - _LOOK_BACK) : mark.start()]
    before = _TOKEN_BEFORE.search(back)
    token = before.group() if before else ""
    if token.isdigit():
        list_number = text[sentence_start : mark.start()].strip() == token
        if list_number or _KOREAN_DATE.search(back + ".") or _DATE_GOES_ON.match(text, mark.end()):
            return False
    return not _abbreviates(token, word)


def _abbreviates(token: str, following: str) -> bool:
    """Whether the period after ``token`` belongs to it, given the word that follows."""
    low = token.lower()
    if low in _TITLES or low in _INSIDE:
        return True
    if low in _BEFORE_NUMBERS:
        return any(ch.isdigit() for ch in following)
    initial = len(token) == 1 and token.isalpha() and token.isupper() and token.isascii()
    if initial or low in _EITHER or _ACRONYM.fullmatch(low):
        return following.lower() not in _STARTERS
    return False
