"""The time line as a bar chart of characters: lines of (text, style) pieces, from 40 columns on.

A bar's shade tells its time apart: waiting in the queue, until the first token, and from then on. The
critical path is coloured and, for eyes and terminals without colour, marked before its names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.timeline.model import UNHEARD, Row, RowStatus, Timeline
from orchestrator.timeline.text import axis, cut, duration, nothing_ran, row_name, summary, ticks

Piece = tuple[str, str]
"""A run of characters and its rich style (``""`` for none)."""

MIN_WIDTH = 40
MAX_ROWS = 200
CUT = "//"
"""What stands where the axis leaves its beginning out."""


@dataclass(frozen=True)
class Glyphs:
    """The characters of a chart. ``ends`` fill a bar's last cell by eighths; empty where there are none."""

    wait: str
    before: str
    after: str
    critical_after: str
    ends: str
    mark: str
    edge: str
    axis: str
    tick: str
    corner: str
    dots: str


UNICODE = Glyphs("░", "▒", "█", "█", "▏▎▍▌▋▊▉", "◆", "│", "─", "┴", "└", "…")
ASCII = Glyphs(".", "-", "=", "#", "", "*", "|", "-", "+", "+", "~")

_BAR_STYLE: dict[RowStatus, str] = {
    "ok": "blue",
    "running": "cyan",
    "lost": "bright_black",
    "late": "bright_black",
    "failed": "red",
    "timeout": "red",
}
_CRITICAL_STYLE = "bold yellow"


def chart(line: Timeline, *, width: int, glyphs: Glyphs = UNICODE) -> tuple[tuple[Piece, ...], ...]:
    """Draw a time line; no line is wider than ``width`` (at least 40) columns."""
    width = max(MIN_WIDTH, width)
    rows, hidden = line.rows[:MAX_ROWS], len(line.rows) - MAX_ROWS
    names = [row_name(row, rows) for row in rows]
    notes = _notes(rows, narrow=width < 60)
    name_width = min(max(map(len, names), default=0), 14 if width < 60 else width // 3)
    note_width = max(map(len, notes), default=0)
    cells = max(8, width - 2 - name_width - 2 - 1 - note_width)
    span = axis(line)
    lines = [*_wrapped(summary(line), width, glyphs), ()]
    if not rows:
        return (*lines, ((nothing_ran(line), ""),))
    for row, name, note in zip(rows, names, notes, strict=True):
        style = _CRITICAL_STYLE if row.critical else ""
        lines.append(
            (
                (f"{glyphs.mark if row.critical else ' '} ", style),
                (f"{_fit(name, name_width, glyphs)} ", style),
                (glyphs.edge, "dim"),
                *_bar(row, cells=cells, span=span, glyphs=glyphs),
                (f" {note:<{note_width}}", "" if row.status == "ok" else _BAR_STYLE[row.status]),
            )
        )
    if hidden > 0:
        lines.append(((f"  {glyphs.dots} and {hidden} more", "dim"),))
    lines += _axis(span, cells=cells, indent=name_width + 3, glyphs=glyphs)
    lines += [(), *_wrapped(_legend(line, glyphs), width, glyphs, style="dim")]
    return tuple(lines)


def _notes(rows: Sequence[Row], *, narrow: bool) -> list[str]:
    """Write what stands right of the bars: how long it took, and how it ended where that was not well."""
    marks = {"ok": "", "running": ">", "lost": "x", "late": "~", "failed": "!", "timeout": "!"}
    times = [duration(row.duration_ms) for row in rows]
    ends = ["" if row.status == "ok" else marks[row.status] if narrow else row.status for row in rows]
    time_width, end_width = (max(map(len, column), default=0) for column in (times, ends))
    return [
        f"{time:>{time_width}} {end:<{end_width}}".rstrip() for time, end in zip(times, ends, strict=True)
    ]


def _fit(name: str, width: int, glyphs: Glyphs) -> str:
    """Shorten a name to its column, but keep the attempt's number."""
    if len(name) <= width:
        return f"{name:<{width}}"
    step, hash_, number = name.partition(" #")
    tail = f"{glyphs.dots}{hash_}{number}"
    return step[: max(1, width - len(tail))] + tail


def _bar(row: Row, *, cells: int, span: tuple[int, int], glyphs: Glyphs) -> list[Piece]:
    """One row's cells. A bar is never shorter than one cell, so that no step is invisible."""

    def at(ms: int, per_cell: int = 1) -> int:
        return max(0, ms - span[0]) * cells * per_cell // (span[1] - span[0])

    queued = at(row.start_ms - (row.queued_ms or 0))
    start = min(cells - 1, at(row.start_ms))
    eighths = at(row.end_ms, 8) - start * 8
    full, part = divmod(max(1, eighths), 8)
    if not glyphs.ends:
        full, part = max(1, full + (part >= 4)), 0
    full = min(full, cells - start)
    end = glyphs.ends[part - 1] if part and start + full < cells else ""
    before = 0
    if row.first_token_ms is not None:
        before = min(full, at(row.start_ms + row.first_token_ms) - start)
    style = _CRITICAL_STYLE if row.critical and row.status == "ok" else _BAR_STYLE[row.status]
    solid = glyphs.critical_after if row.critical else glyphs.after
    if row.status in UNHEARD:
        solid, end = glyphs.before, ""
    used = start + full + len(end)
    return [
        (" " * min(queued, start), ""),
        (glyphs.wait * max(0, start - queued), "dim"),
        (glyphs.before * max(0, before), style),
        (solid * (full - max(0, before)) + end, style),
        (" " * (cells - used), ""),
    ]


def _axis(span: tuple[int, int], *, cells: int, indent: int, glyphs: Glyphs) -> list[tuple[Piece, ...]]:
    begin, end = span
    rule, labels = [glyphs.axis] * cells, [" "] * (cells + 12)
    for moment, label in ticks(begin, end, max(2, cells // 9)):
        at = min(cells - 1, (moment - begin) * cells // (end - begin))
        rule[at] = glyphs.tick
        left = min(at, cells - len(label)) if at else 0
        labels[left : left + len(label)] = label
    rule[0] = glyphs.axis
    if begin:
        rule[: len(CUT)] = CUT
    return [
        ((" " * indent + glyphs.corner + "".join(rule), "dim"),),
        ((" " * (indent + 1) + "".join(labels).rstrip(), "dim"),),
    ]


def _legend(line: Timeline, glyphs: Glyphs) -> str:
    parts = [f"{glyphs.mark} critical path"] if any(row.critical for row in line.rows) else []
    if cut(line):
        parts.append(f"{CUT} {cut(line)}")
    if any(row.queued_ms for row in line.rows):
        parts.append(f"{glyphs.wait} in the queue")
    if any(row.first_token_ms is not None for row in line.rows):
        parts.append(f"{glyphs.before} until the first token")
    return " · ".join(parts)


def _wrapped(text: str, width: int, glyphs: Glyphs, style: str = "") -> list[tuple[Piece, ...]]:
    """Break a line of `` · `` separated parts between parts."""
    lines: list[str] = []
    for part in text.split(" · "):
        joined = f"{lines[-1]} · {part}" if lines else part
        if lines and len(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(part)
    if glyphs is ASCII:
        lines = [line.replace(" · ", " | ").encode("ascii", "replace").decode() for line in lines]
    return [((line[:width], style),) for line in lines if line]
