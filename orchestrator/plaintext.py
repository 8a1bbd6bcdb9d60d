"""Text from models and documents, made safe to show: nothing in it steers a terminal or reorders a line."""

from __future__ import annotations

import re

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links, the clipboard
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_REORDERING = re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def without_controls(text: str) -> str:
    """Drop control characters, terminal sequences and lone surrogates; make every line break a line feed.

    Nothing that a reader can see changes, so a quote stays verbatim.
    """
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", _ESCAPE_SEQUENCE.sub("", text)))


def plain(text: str) -> str:
    """Do as ``without_controls``, drop the marks that reorder text, and strip: for sentences to be shown."""
    return _REORDERING.sub("", without_controls(text)).strip()


def one_line(text: str, limit: int | None = None) -> str:
    """Do as ``plain``, on one line of at most ``limit`` characters, an ellipsis included."""
    line = " ".join(plain(text).split())
    if limit is None or len(line) <= limit:
        return line
    return line[: limit - 1].rstrip() + "…"
