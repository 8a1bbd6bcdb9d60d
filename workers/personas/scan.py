"""Finds the JSON objects in what a model writes, as it writes: one pass, whatever surrounds them.

Code fences, prose, list bullets and the brackets of an enclosing array are passed over; an object may be
spread over several lines. A line that clearly begins a new answer line ends an object that was left open, so
that a broken line costs one line. Reasoning in front of the answer (``<think> ... </think>``) is dropped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

MAX_ANSWER_CHARS = 400_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_THINK_OPEN = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THINK_CLOSE = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_NEW_LINE = re.compile(r'[ \t]*(?:[-*,\[][ \t]*)*\{\s*"(?:kind|type)"|\{[ \t]*"')
_OPENING = re.compile(r'\{(?=\s*(?:["}]|$))')
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*+"')
_STRUCTURE = re.compile(r'["{}]')
_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*[}\]])')


@dataclass(frozen=True)
class Found:
    """One object's text and the line (from 1) that it begins on. ``closed=False``: it was left open."""

    text: str
    line: int
    closed: bool = True


@dataclass(frozen=True)
class Reset:
    """What came before was the model thinking aloud, not its answer."""


class ObjectScanner:
    """Feed text in pieces of any size; get the objects that closed. Work is linear in the text."""

    def __init__(self) -> None:
        self.overflow = False
        """True once text beyond ``MAX_ANSWER_CHARS`` was dropped."""
        self._size = 0
        self._partial: list[str] = []
        self._open: list[str] = []
        self._open_line = 0
        self._depth = 0
        self._in_string = False
        self._line = 0
        self._begun = False
        self._thinking = False

    @property
    def pending(self) -> str:
        """The text of the object, or of the line, that is still being written."""
        return "".join([*self._open, *self._partial])

    def feed(self, text: str) -> list[Found | Reset]:
        """Take the next piece of the answer; a line's objects are found when the line ends."""
        room = MAX_ANSWER_CHARS - self._size
        if len(text) > room:
            self.overflow = True
            text = text[:room]
        self._size += len(text)
        if "\n" not in text:
            self._partial.append(text)
            return []
        *lines, rest = "".join([*self._partial, text]).split("\n")
        self._partial = [rest]
        return [found for line in lines for found in self._read_line(line)]

    def close(self) -> list[Found | Reset]:
        """End the text: returns what the last line holds, an object that never closed included."""
        found = self._read_line("".join(self._partial))
        self._partial = []
        return [*found, *self._abandon()]

    def _abandon(self) -> list[Found | Reset]:
        if not self._open:
            return []
        left = Found("".join(self._open), self._open_line, closed=False)
        self._open, self._depth, self._in_string = [], 0, False
        return [left]

    def _read_line(self, line: str) -> list[Found | Reset]:
        self._line += 1
        line = _SURROGATE.sub("\ufffd", line)
        if not self._begun and line.strip("\ufeff \t\r"):
            self._begun = True
            line = line.lstrip("\ufeff")
            self._thinking = _THINK_OPEN.match(line) is not None
        if self._thinking:
            end = _THINK_CLOSE.search(line)
            if end is None:
                return []
            self._thinking = False
            line = line[end.end() :]
        elif _THINK_CLOSE.fullmatch(line.strip()):
            # Some chat templates open the reasoning in the prompt, so that only its end is seen.
            self._abandon()
            return [Reset()]
        found = self._abandon() if self._open and _NEW_LINE.match(line) else []
        return found + self._scan(line)

    def _scan(self, line: str) -> list[Found | Reset]:
        found: list[Found | Reset] = []
        at = start = 0
        while True:
            if not self._depth:
                opening = _OPENING.search(line, at)
                if opening is None:
                    return found
                start, at = opening.start(), opening.end()
                self._depth, self._open_line = 1, self._line
            at = self._to_close(line, at)
            if self._depth:
                self._open.append(line[start:] + "\n")
                return found
            found.append(Found("".join([*self._open, line[start:at]]), self._open_line))
            self._open = []

    def _to_close(self, line: str, at: int) -> int:
        """Follow the open object to its end (depth 0), or to the line's; returns where that is."""
        while self._depth:
            if self._in_string:
                end = _STRING_END.match(line, at)
                if end is None:
                    return len(line)
                at, self._in_string = end.end(), False
                continue
            mark = _STRUCTURE.search(line, at)
            if mark is None:
                return len(line)
            at = mark.end()
            if mark.group() == '"':
                self._in_string = True
            else:
                self._depth += 1 if mark.group() == "{" else -1
        return at


def read_object(text: str) -> dict[str, Any] | None:
    """Read the object in ``text``, or ``None``. Forgives trailing commas and line breaks inside strings."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        try:
            value = json.loads(_TRAILING_COMMA.sub(_drop_comma, text), strict=False)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _drop_comma(match: re.Match[str]) -> str:
    return "" if match.group() == "," else match.group()
