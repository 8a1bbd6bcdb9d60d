"""The rows of a running job: a pipelined one's parts under the claims that they are about, a bar for each step."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.routing.flow import CLAIM, CRITIC, REBUTTAL, RESOLUTION, SYNTHESIS, name_of, number_of

PARTS = (CLAIM, REBUTTAL, RESOLUTION)
_BRANCH = {
    REBUTTAL: "\N{BOX DRAWINGS LIGHT VERTICAL AND RIGHT} ",
    RESOLUTION: "\N{BOX DRAWINGS LIGHT UP AND RIGHT} ",
}
_LAST = (CRITIC, SYNTHESIS)
_BLOCK = "\N{FULL BLOCK}"


def in_rows(steps: Iterable[str]) -> list[str]:
    """Steps as they came, but a claim's parts under the claim, and critic and synthesis at the end."""
    steps = list(steps)
    parts = [step for step in steps if name_of(step) in PARTS]
    parts.sort(key=lambda step: (number_of(step), PARTS.index(name_of(step))))
    if not parts:
        return steps
    others = [step for step in steps if step not in parts and step not in _LAST]
    return [*others, *parts, *(step for step in _LAST if step in steps)]


def label(step: str) -> str:
    """A step's name in its row: ``t2`` for a claim, and its parts as branches of it."""
    name = name_of(step)
    if name == CLAIM:
        return f"  t{number_of(step)}"
    if name in _BRANCH:
        return f"  {_BRANCH[name]}{name}"
    return step.replace("_", " ").replace(":", " ")


def bar(start_ms: int | None, ran_ms: int | None, *, first_ms: int, now_ms: int, cells: int) -> str:
    """When a step ran, as a stretch of the job's time so far; one cell at least, nothing before it began."""
    if start_ms is None or ran_ms is None:
        return ""
    span = max(1, now_ms - first_ms)
    left = min(cells - 1, max(0, start_ms - first_ms) * cells // span)
    right = max(left + 1, min(cells, -(-(start_ms - first_ms + ran_ms) * cells // span)))
    return " " * left + _BLOCK * (right - left)
