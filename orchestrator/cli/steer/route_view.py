"""What ``triptych route`` says, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.experiment.boundary import Learnt, Step
from orchestrator.experiment.live import LiveLearnt

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.contracts import Complexity, Lesson, Passage
    from orchestrator.routing.modes import Choice, Policy

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
    console.print("learned of these models", style="dim")
    for lesson in policy.taught.values():
        console.print(f"  {_lesson(lesson)}", markup=False, soft_wrap=True)
    if not policy.taught:
        console.print(f"  nothing: the boundary is TRIPTYCH_COMPLEXITY_BOUNDARY, {policy.boundary:g}")
    if policy.explore and not policy.steering:
        console.print(f"  {policy.explore:g} % of all jobs are assigned at random, to learn from")
    if choice.assignment and choice.assignment.share < 100:
        other = policy.steering.from_mode if policy.steering else "sequential"
        console.print(f"  the other {100 - choice.assignment.share:g} % of such jobs run {other}")


def show_learnt(learnt: Learnt | LiveLearnt, console: Console, lesson: Lesson | None = None) -> None:
    """Print what was learned of a boundary, or how much is lacking, and the lesson that was made of it."""
    if learnt.boundary is None:
        console.print(_too_few(learnt), style="yellow", soft_wrap=True)
        return
    said = _lesson(lesson) if lesson else f"boundary {learnt.boundary:g} (--apply has auto go by it)"
    if isinstance(learnt, Learnt) and not lesson:
        said = f"TRIPTYCH_COMPLEXITY_BOUNDARY={learnt.boundary:g}"
    console.print(said, style="bold", markup=False, soft_wrap=True)
    console.print(_evidence(learnt), soft_wrap=True)
    console.print(*_HEADS[isinstance(learnt, LiveLearnt)], style="dim")
    for step in learnt.steps:
        cells = (
            f"{step.boundary:8g}  {step.goals:11}  {step.lost:4}"
            if isinstance(step, Step)
            else f"{step.boundary:8g}  {step.lost:4} of {step.jobs:5}  "
            f"{step.reference_lost:4} of {step.reference_jobs:5}"
        )
        saved = "-" if step.saved_s is None else f"{step.saved_s:.2f} s"
        line = f"{cells}  {step.risk:12.1%}  {saved:>13}"
        console.print(line, style="bold" if step.boundary == learnt.boundary else "")


_HEADS = {
    False: ("boundary  goals below  lost  risk at most  saved per job",),
    True: ("boundary  lost of below      sequential    risk at most  saved per job",),
}


def _too_few(learnt: Learnt | LiveLearnt) -> str:
    if isinstance(learnt, Learnt):
        return (
            f"No boundary: {learnt.goals} goals ran through both arms, and a risk of {learnt.risk:.1%} takes "
            f"{learnt.goals + learnt.more}: {learnt.more} more."
        )
    said = (
        f"No boundary: {learnt.jobs} jobs that were assigned at random ran {learnt.mode} and {learnt.reference_jobs} "
        f"sequential on these models"
    )
    if learnt.more:
        return (
            f"{said}; a risk of {learnt.risk:.1%} takes {learnt.jobs + learnt.more} of the former, none of them lost: "
            f"{learnt.more} more (TRIPTYCH_AUTO_EXPLORE)."
        )
    return f"{said}; more of the former were lost than a risk of {learnt.risk:.1%} allows."


def _evidence(learnt: Learnt | LiveLearnt) -> str:
    if isinstance(learnt, Learnt):
        return f"from {learnt.goals} goals, at a risk of {learnt.risk:.1%}"
    return (
        f"from {learnt.jobs} jobs that ran {learnt.mode} and {learnt.reference_jobs} that ran sequential, assigned at "
        f"random, at a risk of {learnt.risk:.1%} (95 %)"
    )


def _lesson(lesson: Lesson) -> str:
    from orchestrator.cli.shared.operator import since
    from orchestrator.plaintext import one_line
    from orchestrator.routing.outlook import evidence_of

    models = one_line(", ".join(dict.fromkeys(lesson.models)), 200)
    who, why = one_line(lesson.who, 60), one_line(lesson.why, 300)
    return (
        f"{lesson.mode} below {lesson.boundary:g} on {models}, from {evidence_of(lesson)} ({lesson.lost} lost), "
        f"since {since(lesson.since_ms)} by {who}: {why}"
    )
