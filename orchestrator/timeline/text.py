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


def axis(line: Timeline) -> tuple[int, int]:
    """From where to where a picture reaches, in ms since the job was accepted.

    It begins with the first step where the wait before it is longer than all that followed: a private worker that
    takes a second to start would squeeze steps of a few milliseconds to nothing.
    """
    end = max([line.total_ms, 1, *(row.end_ms for row in line.rows)])
    first = min((row.start_ms for row in line.rows), default=0)
    return (first, end) if end - first < first < end else (0, end)


def cut(line: Timeline) -> str:
    """Say what the axis leaves out; empty where that is nothing."""
    start, _ = axis(line)
    return f"the axis starts at {duration(start)}" if start else ""


def nothing_ran(line: Timeline) -> str:
    """Say that a job has no steps to draw."""
    if not line.task_id:
        return "There are no events of this job."
    if line.status == "running":
        return "No step has begun yet."
    return "The job ended before any step began."


def ticks(start_ms: int, end_ms: int, most: int) -> tuple[tuple[int, str], ...]:
    """Choose at most ``most`` + 1 round moments from ``start_ms`` to ``end_ms``; the last label names the unit."""
    if end_ms <= start_ms or most < 1:
        return ((start_ms, "0"),)
    step = _round_step((end_ms - start_ms) / most)
    moments = range(-(-start_ms // step) * step, end_ms + 1, step)
    unit, per, digits = "ms", 1, 0
    if end_ms >= 1_000:
        unit, per = "s", 1_000
        digits = next(d for d in range(4) if step % 10 ** (3 - d) == 0)
    if end_ms >= 600_000 and step % 60_000 == 0:
        unit, per, digits = "min", 60_000, 0
    labels = [f"{moment / per:.{digits}f}" if moment else "0" for moment in moments]
    if labels:
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
        *([f"critical path {duration(line.critical_path_ms)}"] if line.rows else []),
    ]
    if line.at_once > 2:
        parts.append(f"up to {line.at_once} steps at once")
    if line.saved_ms:
        parts.append(f"{duration(line.saved_ms)} less than in sequence")
    return " · ".join(parts)
