"""The comparison as a picture: a row for each arm, its jobs from p50 to p95, the mean and the longest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from benchmarks.latency.summary import BOUNDS_S, HOPE_S, Figures
from orchestrator.timeline.drawing import WIDTH, Box, Diamond, Drawing, Role, Shape, Stroke, Words

_ROW, _TOP, _GAP, _MARGIN, _NAMES = 28, 104, 46, 28, 210
_STEP_S = 5


def drawing(all_figures: Sequence[Figures], *, title: str, below: str) -> Drawing:
    """Lay the figures out, world by world. ``below`` says what is simulated."""
    left, right = _MARGIN + _NAMES, WIDTH - _MARGIN - 20
    longest = max([*BOUNDS_S, *(each.max for each in all_figures)])
    end = (int(min(longest, 3 * max(BOUNDS_S))) // _STEP_S + 1) * _STEP_S

    def x(seconds: float) -> float:
        return round(left + (right - left) * min(seconds, end) / end, 1)

    shapes: list[Shape] = [
        Words(_MARGIN, 40, title, 20, "ink", bold=True),
        Words(_MARGIN, 64, below, 13, "muted"),
        *_legend(88),
    ]
    y = float(_TOP)
    for world, each in groupby(all_figures, key=lambda figures: figures.world):
        rows = list(each)
        bottom = y + _GAP + _ROW * len(rows)
        counts = sorted({row.jobs for row in rows})
        jobs = " to ".join(map(str, counts[:: len(counts) - 1 or 1]))
        shapes.append(Words(_MARGIN, y + 28, f"{world}, jobs of an arm: {jobs}", 15, "ink", bold=True))
        shapes += _grid(x, y + 38, bottom, end)
        for number, row in enumerate(rows):
            shapes += _row(row, y + _GAP + _ROW * (number + 0.5), x)
        y = bottom + 34
    described = " ".join(
        f"{f.world}, {f.arm}: mean {f.mean:.1f} s, 95 % within {f.p95:.1f} s, longest {f.max:.1f} s."
        for f in all_figures
    )
    return Drawing(WIDTH, int(y), title, f"{below} {described}", tuple(shapes))


def _row(row: Figures, middle: float, x: Callable[[float], float]) -> Iterator[Shape]:
    fill: Role = "critical" if row.mean <= HOPE_S else "step"
    soft: Role = "critical_soft" if row.mean <= HOPE_S else "step_soft"
    yield Words(_MARGIN, middle + 5, row.arm, 13, "ink", bold=row.mean <= HOPE_S)
    yield Stroke(((x(row.p95), middle), (x(row.max), middle)), "wait", 1.5)
    yield Box(x(0), middle - 7, x(row.p50) - x(0), 14, soft, 3)
    yield Box(x(row.p50), middle - 7, max(2.0, x(row.p95) - x(row.p50)), 14, fill, 3)
    yield Stroke(((x(row.max), middle - 5), (x(row.max), middle + 5)), "wait", 1.5)
    yield Diamond(x(row.mean), middle, 5, "ink")
    yield Words(x(row.max) + 6, middle + 4, f"{row.mean:.1f}", 12, "muted")


def _grid(x: Callable[[float], float], top: float, bottom: float, end: int) -> Iterator[Shape]:
    for seconds in range(0, end + 1, _STEP_S):
        yield Stroke(((x(seconds), top), (x(seconds), bottom)), "grid")
        yield Words(x(seconds), bottom + 16, f"{seconds} s", 11, "muted", "middle")
    for bound in BOUNDS_S:
        yield Stroke(((x(bound), top), (x(bound), bottom)), "muted", 1.2, dashed=True)
        yield Words(x(bound), top - 3, f"{bound:g}", 11, "muted", "middle")


def _legend(y: float) -> Iterator[Shape]:
    yield Box(_MARGIN, y - 9, 22, 11, "step_soft", 3)
    yield Words(_MARGIN + 30, y, "to p50", 12, "muted")
    yield Box(_MARGIN + 90, y - 9, 22, 11, "step", 3)
    yield Words(_MARGIN + 120, y, "p50 to p95", 12, "muted")
    yield Stroke(((_MARGIN + 206, y - 4), (_MARGIN + 230, y - 4)), "wait", 1.5)
    yield Words(_MARGIN + 238, y, "to the longest", 12, "muted")
    yield Diamond(_MARGIN + 342, y - 4, 5, "ink")
    yield Words(_MARGIN + 354, y, "mean, s", 12, "muted")
    yield Box(_MARGIN + 420, y - 9, 22, 11, "critical", 3)
    yield Words(_MARGIN + 450, y, f"mean at or under {HOPE_S:g} s", 12, "muted")
