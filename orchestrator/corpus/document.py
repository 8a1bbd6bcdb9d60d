"""What a loader makes of a file: its text, and where headings, paragraphs, tables and pages stand in it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.errors import DocumentError

MAX_CHARS = 10_000_000
"""Longest extracted text of one document (about 4,000 pages)."""

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]

# What no reader sees: controls but tab and newline, soft hyphens, BOMs, non-characters.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u00ad\ufeff\ufffe\uffff\ud800-\udfff]")
_NEWLINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the document's text, ``text[start:end]``. ``level`` is a heading's, 1 to 6 (else 0)."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One document as its readers see it.

    Offsets count characters of ``text``. ``pages`` holds the offset at which each page begins, for formats that
    have pages. ``digest`` is the SHA-256 of the file's bytes.
    """

    source: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    digest: str
    pages: tuple[int, ...] = ()


def clean(text: str) -> str:
    """One kind of newline, and nothing invisible."""
    return _INVISIBLE.sub("", _NEWLINE.sub("\n", text))


def one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


@dataclass
class DocumentBuilder:
    """Puts a document's text together block by block, so that the blocks' offsets are right by construction."""

    source: str
    title: str = ""
    _parts: list[str] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)
    _pages: list[int] = field(default_factory=list)
    _length: int = 0

    def page(self) -> None:
        """Begin a new page: the next block is its first."""
        self._pages.append(self._length + (2 if self._parts else 0))

    def add(self, kind: BlockKind, text: str, level: int = 0) -> None:
        """Append one block, stripped of blank lines around it; an empty one is left out.

        Raises ``DocumentError`` when the document grows over ``MAX_CHARS``.
        """
        text = clean(text).strip("\n").rstrip()
        text = text if kind == "code" else text.lstrip()
        if not text.strip():
            return
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        self._blocks.append(Block(kind, self._length, self._length + len(text), level))
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_CHARS:
            raise DocumentError(self.source, f"holds more than {MAX_CHARS:,} characters of text; split it")

    def build(self, data: bytes, *, empty: str = "holds no text") -> Document:
        """The finished document. Raises ``DocumentError`` saying ``empty`` when it has no word in it."""
        text = "".join(self._parts)
        if not any(ch.isalnum() for ch in text):
            raise DocumentError(self.source, empty)
        return Document(
            source=self.source,
            title=one_line(clean(self.title or self._first_heading(text)))[:200],
            text=text,
            blocks=tuple(self._blocks),
            digest=hashlib.sha256(data).hexdigest(),
            pages=tuple(self._pages),
        )

    def _first_heading(self, text: str) -> str:
        return next((text[b.start : b.end] for b in self._blocks if b.kind == "heading"), "")
