"""Words and numbers on a time line: durations, axis ticks."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.plaintext import one_line
from orchestrator.timeline.model import Row, Timeline


def duration(ms: int) -> str:
    """Write a duration as people read it: ``340 ms``, ``4.5 s``, ``2:05 min``, ``1:02:05 h``."""
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 99_950:
        return f"{ms / 1_000:.1f} s"
    seconds = round(ms / 1_000)
    if seconds < 3_600:
        return f"{seconds // 60}:{seconds % 60:02} min"
    return f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02} h"


def ticks(span_ms: int, most: int) -> tuple[tuple[int, str], ...]:
    """Choose at most ``most`` + 1 round moments from 0 to ``span_ms``; the last label names the unit."""
    if span_ms <= 0 or most < 1:
        return ((0, "0"),)
    step = _round_step(span_ms / most)
    moments = range(0, span_ms + 1, step)
    unit, per, digits = ("ms", 1, 0) if span_ms < 1_000 else ("s", 1_000, 1 if step % 1_000 else 0)
    if span_ms >= 600_000 and step % 60_000 == 0:
        unit, per, digits = "min", 60_000, 0
    if span_ms >= 1_000 and step < 100:
        digits = 2
    labels = [f"{moment / per:.{digits}f}" if moment else "0" for moment in moments]
    labels[-1] += f" {unit}"
    return tuple(zip(moments, labels, strict=True))


def _round_step(least: float) -> int:
    """Take the smallest of 1, 2, 5, 10, ... ms (then of 20, 30, 60, ... s) that is not under ``least``."""
    size = 1
    while size < 10_000:
        for factor in (1, 2, 5):
            if factor * size >= least:
                return factor * size
        size *= 10
    for seconds in (10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600):
        if seconds * 1_000 >= least:
            return seconds * 1_000
    return 3_600_000 * -(-int(least) // 3_600_000)


def row_name(row: Row, rows: Sequence[Row]) -> str:
    """Name an attempt; the number is shown only where the step has several."""
    several = row.attempt > 1 or not row.last or any(r.step == row.step and r is not row for r in rows)
    return one_line(f"{row.step} #{row.attempt}" if several else row.step, 44)


def summary(line: Timeline) -> str:
    """Say the job's figures in one line."""
    parts = [
        *([one_line(line.mode, 40)] if line.mode else []),
        line.status,
        f"{duration(line.total_ms)} {'so far' if line.status == 'running' else 'in all'}",
        f"critical path {duration(line.critical_path_ms)}",
    ]
    if line.saved_ms:
        parts.append(f"{duration(line.saved_ms)} less than in sequence")
    return " · ".join(parts)
