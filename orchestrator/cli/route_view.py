"""What ``triptych route`` says, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.contracts import Complexity, Lesson, Passage
    from orchestrator.experiment.boundary import Learnt
    from orchestrator.routing import Choice, Policy

_MARKS = {True: "yes", False: "no", None: "?"}


@dataclass(frozen=True)
class Explained:
    """A choice, and what it was made by."""

    choice: Choice
    policy: Policy


def as_json(explained: Explained, score: Complexity, passages: Sequence[Passage]) -> dict[str, Any]:
    """The explanation as one object."""
    choice, policy = explained.choice, explained.policy
    return {
        "mode": choice.mode,
        "reason": choice.reason,
        "boundary": policy.boundary,
        "share": choice.assignment.share if choice.assignment else None,
        "considered": [each.model_dump() for each in choice.considered],
        "learned": [lesson.model_dump(mode="json") for lesson in policy.taught.values()],
        "complexity": score.model_dump(),
        "passages": [passage.id for passage in passages],
        "sources": sorted({passage.source for passage in passages}),
    }


def show_choice(explained: Explained, score: Complexity, console: Console) -> None:
    """Print the mode and why, the factors of the score, what was considered, and what was learned."""
    choice, policy = explained.choice, explained.policy
    console.print(f"{choice.mode}: {choice.reason}", style="bold", markup=False)
    for factor in sorted(score.factors, key=lambda factor: -factor.points):
        console.print(f"  {factor.points:5.2f}  {factor.name:<14} {factor.why}", markup=False)
    if choice.considered:
        console.print("claim by claim (pipelined)?", style="dim")
    for each in choice.considered:
        console.print(f"  {_MARKS[each.met]:>5}  {each.code:<14} {each.detail}", markup=False)
    for lesson in policy.taught.values():
        console.print(f"  {_lesson(lesson)}", markup=False)
    if choice.assignment and choice.assignment.share < 100:
        other = policy.steering.from_mode if policy.steering else "sequential"
        console.print(f"  the other {100 - choice.assignment.share:g} % of such jobs run {other}")


def show_learnt(learnt: Learnt, console: Console, lesson: Lesson | None = None) -> None:
    """Print what was learned of a boundary, or how much is lacking, and the lesson that was made of it."""
    if learnt.boundary is None:
        console.print(
            f"No boundary: {learnt.goals} goals ran through both arms, and a risk of {learnt.risk:.1%} takes "
            f"{learnt.goals + learnt.more}: {learnt.more} more.",
            style="yellow",
        )
        return
    said = _lesson(lesson) if lesson else f"TRIPTYCH_COMPLEXITY_BOUNDARY={learnt.boundary:g}"
    console.print(said, style="bold", markup=False)
    console.print(f"from {learnt.goals} goals, at a risk of {learnt.risk:.1%}")
    console.print("boundary  goals below  lost  risk at most  saved per job", style="dim")
    for step in learnt.steps:
        chosen = step.boundary == learnt.boundary
        line = (
            f"{step.boundary:8g}  {step.goals:11}  {step.lost:4}  {step.risk:12.1%}  {step.saved_s:11.2f} s"
        )
        console.print(line, style="bold" if chosen else "")


def _lesson(lesson: Lesson) -> str:
    from orchestrator.cli.operator import since
    from orchestrator.plaintext import one_line
    from orchestrator.routing.outlook import evidence_of

    models = one_line(", ".join(dict.fromkeys(lesson.models)), 200)
    who, why = one_line(lesson.who, 60), one_line(lesson.why, 300)
    return (
        f"{lesson.mode} below {lesson.boundary:g} on {models}, from {evidence_of(lesson)} ({lesson.lost} lost), "
        f"since {since(lesson.since_ms)} by {who}: {why}"
    )
