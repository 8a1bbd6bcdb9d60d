"""Power curves: how often a comparison of so many goals comes to a verdict, for arms whose truth is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.experiment.verdict import LEAST_PAIRS
from orchestrator.timeline.drawing import WIDTH, Drawing, Role, Shape, Stroke, Words

_MARGIN, _LEFT, _TOP, _HEIGHT, _NAMES = 28, 76, 96, 300, 290
_COLOURS: Sequence[Role] = ("muted", "step", "critical", "bad", "ink", "step_soft", "critical_soft")

Curve = Sequence[tuple[int, float]]
"""(Goals, share of comparisons with a verdict), ascending."""


def drawing(curves: Mapping[str, Curve], *, below: str) -> Drawing:
    """Draw a line for each arm, its name at its end. Under ten goals nothing is a verdict: all begin there."""
    title = "How many goals a verdict takes"
    most = max(goals for curve in curves.values() for goals, _ in curve)
    right, bottom = WIDTH - _MARGIN - _NAMES, _TOP + _HEIGHT

    def place(goals: int, share: float) -> tuple[float, float]:
        return round(_LEFT + (right - _LEFT) * goals / most, 1), round(bottom - _HEIGHT * share, 1)

    shapes: list[Shape] = [
        Words(_MARGIN, 40, title, 20, "ink", bold=True),
        Words(_MARGIN, 64, below, 13, "muted"),
    ]
    for percent in range(0, 101, 20):
        (_, y) = place(0, percent / 100)
        shapes += [
            Stroke(((_LEFT, y), (right, y)), "grid"),
            Words(_LEFT - 8, y + 4, f"{percent} %", 12, "muted", "end"),
        ]
    for goals in range(0, most + 1, 50):
        (x, _) = place(goals, 0)
        shapes.append(Words(x, bottom + 20, str(goals), 12, "muted", "middle"))
    shapes.append(Words(right, bottom + 40, "goals", 12, "muted", "end"))
    ends = _apart([place(*curve[-1])[1] for curve in curves.values()])
    for (name, curve), colour, y in zip(curves.items(), _COLOURS, ends, strict=False):
        points = [place(LEAST_PAIRS - 1, 0.0), *(place(*point) for point in curve)]
        shapes.append(Stroke(tuple(points), colour, 2.5))
        shapes.append(Words(right + 10, y + 4, f"{name}: {curve[-1][1]:.0%}", 12, "ink", bold=True))
    told = " ".join(
        f"{name}: {', '.join(f'{share:.0%} at {goals} goals' for goals, share in curve)}."
        for name, curve in curves.items()
    )
    return Drawing(WIDTH, bottom + 60, title, f"{below} {told}", tuple(shapes))


def _apart(heights: Sequence[float], least: float = 16.0) -> list[float]:
    """Names' heights, moved so far down that none stands on another."""
    placed: dict[int, float] = {}
    last = -least
    for number in sorted(range(len(heights)), key=lambda n: heights[n]):
        last = placed[number] = max(heights[number], last + least)
    return [placed[number] for number in range(len(heights))]
