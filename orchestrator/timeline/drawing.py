"""The time line as a picture: one list of shapes, computed here, drawn by :mod:`svg` and by :mod:`png`.

Coordinates are in px from the top left. Colours are roles; each renderer has them for its ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from orchestrator.plaintext import one_line
from orchestrator.timeline.model import UNHEARD, Row, Timeline
from orchestrator.timeline.text import axis, cut, duration, nothing_ran, row_name, summary, ticks

Role = Literal[
    "paper",
    "ink",
    "muted",
    "grid",
    "wait",
    "critical",
    "critical_soft",
    "step",
    "step_soft",
    "bad",
    "bad_soft",
]

LIGHT: dict[Role, str] = {
    "paper": "#ffffff", "ink": "#1d2433", "muted": "#5d6779", "grid": "#e6e9ef", "wait": "#a9b2c1",
    "critical": "#c2570c", "critical_soft": "#f6c998", "step": "#4a72b0", "step_soft": "#bccfe9",
    "bad": "#b3261e", "bad_soft": "#f2b8b5",
}  # fmt: skip
DARK: dict[Role, str] = {
    "paper": "#12161f", "ink": "#e7eaf1", "muted": "#98a3b5", "grid": "#272e3b", "wait": "#5b667a",
    "critical": "#f59e4c", "critical_soft": "#7a4a1d", "step": "#7ba4e0", "step_soft": "#34496b",
    "bad": "#f2746b", "bad_soft": "#6d2723",
}  # fmt: skip

_NOTE: dict[str, Role] = {"ok": "ink", "running": "muted", "late": "muted"}
"""What a row's duration is written in; what went wrong stands out."""

MAX_ROWS = 60
WIDTH = 960
_MARGIN = 28
_ROW = 34
_BAR = 16
_TOP = 96


@dataclass(frozen=True)
class Box:
    """A filled rectangle with rounded corners."""

    x: float
    y: float
    width: float
    height: float
    fill: Role
    radius: float = 0


@dataclass(frozen=True)
class Stroke:
    """A line through points; ``dashed`` where it only points at something."""

    points: tuple[tuple[float, float], ...]
    colour: Role
    width: float = 1
    dashed: bool = False


@dataclass(frozen=True)
class Diamond:
    """A filled square on its tip, ``size`` from centre to tip: the mark of the critical path."""

    x: float
    y: float
    size: float
    fill: Role


@dataclass(frozen=True)
class Words:
    """One line of text; ``y`` is its base line."""

    x: float
    y: float
    text: str
    size: int
    colour: Role
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Shape = Box | Stroke | Diamond | Words


@dataclass(frozen=True)
class Drawing:
    """A picture: its size in px, what it shows in words, and its shapes from back to front."""

    width: int
    height: int
    title: str
    description: str
    shapes: tuple[Shape, ...]


def drawing(line: Timeline) -> Drawing:
    """Lay a time line out. Of more than 60 attempts the critical ones stay, and the rest is counted."""
    rows = _shown(line.rows)
    hidden = len(line.rows) - len(rows)
    names = [row_name(row, line.rows) for row in rows]
    # Wide enough for the widest of the fonts that a reader may have: a bold letter of DejaVu Sans takes 9 px.
    widths = ((9.2 if row.critical else 8.2) * len(name) for row, name in zip(rows, names, strict=True))
    left = _MARGIN + 22 + max([60, *widths])
    right = WIDTH - _MARGIN - 112
    bottom = _TOP + _ROW * len(rows)
    begin, end = axis(line)

    def x(ms: int) -> float:
        return round(left + (right - left) * (min(max(ms, begin), end) - begin) / (end - begin), 1)

    title = f"Job {one_line(line.task_id, 64)}" if line.task_id else "No events"
    shapes: list[Shape] = [
        Words(_MARGIN, 40, title, 20, "ink", bold=True),
        Words(_MARGIN, 64, summary(line), 14, "muted"),
    ]
    if not rows:
        shapes.append(Words(_MARGIN, bottom + 18, nothing_ran(line), 14, "ink"))
        return Drawing(WIDTH, bottom + 46, title, f"{summary(line)}. {nothing_ran(line)}", tuple(shapes))
    for moment, label in ticks(begin, end, 8):
        shapes.append(Stroke(((x(moment), _TOP - 8), (x(moment), bottom + 6)), "grid"))
        shapes.append(Words(x(moment), bottom + 24, label, 12, "muted", "middle"))
    if begin:
        shapes += [
            Stroke(((left + at - 3, bottom + 12), (left + at + 3, bottom)), "muted", 1.5) for at in (-3, 2)
        ]
    middles = [_TOP + _ROW * (index + 0.5) for index in range(len(rows))]
    if line.status != "running":
        shapes += _end_line(rows, middles, x(line.total_ms), x)
    shapes += _connectors(rows, middles, x)
    for row, name, middle in zip(rows, names, middles, strict=True):
        shapes += _row(row, name, middle, x)
    if hidden > 0:
        shapes.append(Words(left - 12, bottom + 24, f"and {hidden} more", 12, "muted", "end"))
    shapes += _legend(line, bottom + 58)
    return Drawing(
        width=WIDTH,
        height=bottom + 58 + (48 if cut(line) else 28),
        title=title,
        description=f"{'; '.join(filter(None, (summary(line), cut(line))))}. "
        + " ".join(f"{_spoken(row, name)}." for row, name in zip(rows, names, strict=True)),
        shapes=tuple(shapes),
    )


class _Scale(Protocol):
    def __call__(self, ms: int) -> float: ...


def _shown(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    if len(rows) <= MAX_ROWS:
        return rows
    room = MAX_ROWS - sum(row.critical for row in rows)
    kept = []
    for row in rows:
        if row.critical or room > 0:
            kept.append(row)
            room -= not row.critical
    return tuple(kept[:MAX_ROWS])


def _row(row: Row, name: str, middle: float, x: _Scale) -> Iterator[Shape]:
    """One attempt: its name, the wait before it, its bar in two shades, and how long it took."""
    strong, soft = _colours(row)
    top = middle - _BAR / 2
    start, end = x(row.start_ms), x(row.end_ms)
    if row.critical:
        yield Diamond(_MARGIN + 5, middle, 5, "critical")
    yield Words(_MARGIN + 20, middle + 5, name, 14, "ink", bold=row.critical)
    if row.queued_ms:
        since = x(row.start_ms - row.queued_ms)
        yield Box(since, middle - 2, max(0.0, start - since), 4, "wait", 2)
    width = max(3.0, end - start)
    if row.status in UNHEARD:
        yield Box(start, top, width, _BAR, soft, 4)
    else:
        yield Box(start, top, width, _BAR, strong, 4)
        first = 0.0 if row.first_token_ms is None else x(row.start_ms + row.first_token_ms) - start
        if 2 < first <= width:
            # Inset, so that the bar keeps its outline while the model has not said anything yet.
            yield Box(start + 1.5, top + 1.5, first - 1.5, _BAR - 3, soft, 2.5)
    yield Words(_note_x(row, x), middle + 5, _note(row), 13, _NOTE.get(row.status, "bad"))


def _note(row: Row) -> str:
    return duration(row.duration_ms) + ("" if row.status == "ok" else f" {row.status}")


def _note_x(row: Row, x: _Scale) -> float:
    return x(row.start_ms) + max(3.0, x(row.end_ms) - x(row.start_ms)) + 8


def _end_line(rows: tuple[Row, ...], middles: list[float], at: float, x: _Scale) -> Iterator[Shape]:
    """A dashed line where the job ended, with a gap beside every note that it would run through."""
    top = _TOP - 8.0
    for row, middle in zip(rows, middles, strict=True):
        left = _note_x(row, x)
        if left - 5 <= at <= left + 7.5 * len(_note(row)) + 5:
            yield Stroke(((at, top), (at, middle - _ROW / 2 + 4)), "muted", 1.2, dashed=True)
            top = middle + _ROW / 2 - 4
    yield Stroke(((at, top), (at, _TOP + _ROW * len(rows) + 6.0)), "muted", 1.2, dashed=True)


def _connectors(rows: tuple[Row, ...], middles: list[float], x: _Scale) -> Iterator[Shape]:
    """Lines from each critical attempt's end to the start of the one that it let begin."""
    chain = sorted(
        (row.start_ms, row.end_ms, middle) for row, middle in zip(rows, middles, strict=True) if row.critical
    )
    for (_, ended, above), (starts, _, below) in pairwise(chain):
        yield Stroke(
            ((x(ended), above), (x(ended), below), (max(x(ended), x(starts)), below)), "critical", 1.5
        )


def _colours(row: Row) -> tuple[Role, Role]:
    if row.status in {"failed", "timeout", "lost"}:
        return "bad", "bad_soft"
    return ("critical", "critical_soft") if row.critical else ("step", "step_soft")


def _legend(line: Timeline, y: float) -> Iterator[Shape]:
    at = float(_MARGIN)
    if cut(line):
        yield Words(at, y + 20, f"// {cut(line)}", 12, "muted")
    entries: list[tuple[str, list[Role], bool]] = [
        ("critical path", ["critical"], any(row.critical for row in line.rows)),
        ("other steps", ["step"], any(not row.critical and row.status == "ok" for row in line.rows)),
        (
            "until the first token",
            ["step", "step_soft"],
            any(row.first_token_ms is not None for row in line.rows),
        ),
        ("in the queue", ["wait"], any(row.queued_ms for row in line.rows)),
        ("failed or lost", ["bad"], any(_colours(row)[0] == "bad" for row in line.rows)),
    ]
    for label, fills, shown in entries:
        if not shown:
            continue
        if label == "critical path":
            yield Diamond(at + 5, y - 4, 5, "critical")
            at += 10
        if label == "in the queue":
            yield Box(at + 4, y - 6, 22, 4, "wait", 2)
        else:
            yield Box(at + 4, y - 10, 22, 12, fills[0], 3)
        if len(fills) > 1:
            yield Box(at + 5.5, y - 8.5, 12, 9, fills[1], 2)
        yield Words(at + 34, y, label, 12, "muted")
        at += 34 + 5.9 * len(label) + 22


def _spoken(row: Row, name: str) -> str:
    critical = ", on the critical path" if row.critical else ""
    return f"{name}: {row.status}, from {duration(row.start_ms)} for {duration(row.duration_ms)}{critical}"
