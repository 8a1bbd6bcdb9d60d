"""Splits a document into passages: whole sentences of one section, a few hundred characters each. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.corpus.document import Block, Document, one_line
from orchestrator.language import sentences

MIN_CHARS = 400
TARGET_CHARS = 800
MAX_CHARS = 1_200
MAX_HEADING_CHARS = 400

_BREAKS = (re.compile(r"[;:,\uff0c\u3001\uff1b\uff1a]\s*"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage to be: ``document.text[start:end]`` under ``heading`` ("Guide > Limits"); ``page`` counts from 1."""

    text: str
    heading: str
    start: int
    end: int
    page: int | None


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never split: a sentence, a row, an item, or a block that is short enough. ``first``: opens its block."""

    start: int
    end: int
    first: bool


def chunks(document: Document) -> tuple[Chunk, ...]:
    """The document's passages in order.

    They hold between ``MIN_CHARS`` and ``MAX_CHARS`` characters, fewer where a section is shorter. No sentence is
    split unless it is longer than ``MAX_CHARS`` by itself, and no passage runs on under the next heading.
    """
    found = []
    for heading, blocks in _sections(document):
        units = [unit for block in blocks for unit in _units(document.text, block)]
        for start, end in _packed(units):
            page = bisect_right(document.pages, start) if document.pages else None
            found.append(Chunk(document.text[start:end], heading, start, end, page))
    return tuple(found)


def _sections(document: Document) -> Iterator[tuple[str, list[Block]]]:
    """Each heading's path with the blocks that stand under it. A heading over nothing at all is its own section."""
    path: list[tuple[int, str]] = []
    body: list[Block] = []
    bare: Block | None = None
    for block in document.blocks:
        if block.kind != "heading":
            body.append(block)
            bare = None
            continue
        if body:
            yield _joined(path), body
            body = []
        elif bare is not None and block.level <= bare.level:
            yield _joined(path[:-1]), [bare]
        while path and path[-1][0] >= block.level:
            path.pop()
        path.append((block.level, one_line(document.text[block.start : block.end])))
        bare = block
    if body:
        yield _joined(path), body
    elif bare is not None:
        yield _joined(path[:-1]), [bare]


def _joined(path: list[tuple[int, str]]) -> str:
    """The heading path, as much of its end as ``Passage.heading`` has room for."""
    names = [name for _, name in path]
    while len(names) > 1 and len(" > ".join(names)) > MAX_HEADING_CHARS:
        names.pop(0)
    return " > ".join(names)[:MAX_HEADING_CHARS].rstrip()


def _units(text: str, block: Block) -> Iterator[_Unit]:
    if block.end - block.start <= TARGET_CHARS:
        yield _Unit(block.start, block.end, first=True)
        return
    body = text[block.start : block.end]
    if block.kind in {"table", "list", "code"}:
        pieces = _lines(body)
    else:
        pieces = [(span.start, span.end) for span in sentences(body)]
    first = True
    for start, end in pieces:
        for part_start, part_end in _parts(text, block.start + start, block.start + end):
            yield _Unit(part_start, part_end, first)
            first = False


def _lines(body: str) -> list[tuple[int, int]]:
    return [(m.start(), m.end()) for m in re.finditer(r"[^\n]*\S[^\n]*", body)]


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A unit longer than ``MAX_CHARS``, cut after a clause, else between words, else anywhere."""
    while end - start > MAX_CHARS:
        window = text[start : start + MAX_CHARS]
        cut = MAX_CHARS
        for breaks in _BREAKS:
            ends = [m.end() for m in breaks.finditer(window, MAX_CHARS // 2)]
            if ends:
                cut = ends[-1]
                break
        piece = window[:cut].rstrip()
        yield start, start + len(piece)
        start += cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end


def _packed(units: list[_Unit]) -> list[tuple[int, int]]:
    """Spans of neighbouring units: past the target at a block's end, in any case before the maximum."""
    spans: list[tuple[int, int]] = []
    for unit in units:
        if spans:
            start, end = spans[-1]
            grown = unit.end - start
            enough = end - start >= (MIN_CHARS if unit.first else TARGET_CHARS)
            if grown <= MAX_CHARS and not (enough and grown > TARGET_CHARS):
                spans[-1] = (start, unit.end)
                continue
        spans.append((unit.start, unit.end))
    if len(spans) > 1:
        (start, end), (last_start, last_end) = spans[-2:]
        if last_end - last_start < MIN_CHARS and last_end - start <= MAX_CHARS:
            spans[-2:] = [(start, last_end)]  # a short tail says more with what leads up to it
    return spans
