"""Whether a job is to run claim by claim: what is asked of it, of the fleet and of the models, in order. Pure.

Whatever is not known counts against it: the modes that need less are always there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.contracts import Complexity, Consideration, Lesson, Mode
from orchestrator.routing.estimate import Estimate, Figures, estimate

AutoPipelined = Literal["learned", "on", "off"]
"""When ``auto`` may run a job claim by claim: once a lesson says so of the models in use, always, or never."""

SLOTS = 3
"""What a pipelined job takes at once; with two it is no faster than the others."""
LEAST_CLAIMS = 3
"""Fewer leave too little to work on side by side."""
LEAST_GAIN = 0.1
"""Share of the time that it has to save."""


@dataclass(frozen=True)
class Room:
    """The slots of the fleet's workers (and of the models' endpoints, where these have fewer), and who is under way.

    ``jobs`` others are open, ``pipelined`` of them run claim by claim. Each takes one slot at least, of those three.
    """

    slots: int
    jobs: int = 0
    pipelined: int = 0

    @property
    def free(self) -> int:
        """What is left for one job more."""
        return max(0, self.slots - self.jobs - (SLOTS - 1) * self.pipelined)


@dataclass(frozen=True)
class Outlook:
    """What is known of a job and its fleet before the personas speak.

    ``claims`` can be expected at most; ``derivations`` are the goal's words that ask for claims that follow from each
    other; ``figures`` were learned of the models in use; ``room`` of ``None`` is not known, or nobody has looked.
    """

    claims: int
    derivations: int = 0
    figures: Figures = field(default_factory=dict)
    room: Room | None = None


@dataclass(frozen=True)
class Terms:
    """A deployment's terms: whether ``auto`` may, up to which cost (tokens relative to sequential, at their prices)."""

    allowed: AutoPipelined = "learned"
    ceiling: float = 2.6


def consider(
    complexity: Complexity,
    outlook: Outlook,
    terms: Terms,
    lesson: Lesson | None,
    otherwise: Mode,
    *,
    exploring: bool = False,
) -> tuple[Consideration, ...]:
    """Ask everything, in the order in which it is told; what is not allowed is asked no further.

    ``otherwise`` is the mode that the job would run in, whose time is to be beaten. The complexity of a job that is
    ``exploring`` is not asked for: where the boundary ought to be is what it is to show.
    """
    allowed = _allowed(terms, lesson)
    if not allowed.met:
        return (allowed,)
    return (allowed, *_asked(complexity, outlook, terms, None if exploring else lesson, otherwise))


def lacks_only_room(considered: tuple[Consideration, ...]) -> bool:
    """Whether all depends on slots that nobody has looked at yet."""
    return [each.code for each in considered if not each.met] == ["slots"] and considered[-1].met is None


def _allowed(terms: Terms, lesson: Lesson | None) -> Consideration:
    if terms.allowed == "off":
        return Consideration(code="allowed", met=False, detail="TRIPTYCH_AUTO_PIPELINED is off")
    if terms.allowed == "on":
        return Consideration(code="allowed", met=True, detail="TRIPTYCH_AUTO_PIPELINED is on")
    if lesson is None:
        why = "no comparison has shown it not worse on these models (triptych route learn REPORT)"
        return Consideration(code="allowed", met=False, detail=why)
    return Consideration(code="allowed", met=True, detail=f"learned from {evidence_of(lesson)}"[:300])


def evidence_of(lesson: Lesson) -> str:
    """What a lesson rests on, in words."""
    of = "goals of a comparison" if lesson.source == "comparison" else "jobs assigned at random"
    return f"{lesson.jobs} {of}, at a risk of {100 * lesson.risk:g} %"


def _asked(
    complexity: Complexity, outlook: Outlook, terms: Terms, lesson: Lesson | None, otherwise: Mode
) -> Iterator[Consideration]:
    if lesson is not None:
        met = complexity.score < lesson.boundary
        side = "below" if met else "at or above"
        yield Consideration(
            code="boundary",
            met=met,
            detail=f"complexity {complexity.score:g} is {side} {lesson.boundary:g}, as was learned for it",
        )
    yield Consideration(
        code="claims",
        met=outlook.claims >= LEAST_CLAIMS,
        detail=f"the evidence carries {outlook.claims} claims, {LEAST_CLAIMS} are the least",
    )
    words = outlook.derivations
    yield Consideration(
        code="independent",
        met=not words,
        detail=f"{words} words of the goal ask for claims that follow from each other"
        if words
        else "the goal asks for no claims that follow from each other",
    )
    found = estimate(outlook.figures, outlook.claims)
    yield _gain(found, otherwise)
    yield Consideration(
        code="cost",
        met=found.cost <= terms.ceiling,
        detail=f"tokens cost {found.cost:.2f} x those of sequential, {terms.ceiling:g} x is the ceiling",
    )
    yield _slots(outlook.room)


def _gain(found: Estimate, otherwise: Mode) -> Consideration:
    seconds, other = found.seconds["pipelined"], found.seconds[otherwise]
    source = "learned" if found.learned else "nominal durations, none learned yet"
    return Consideration(
        code="gain",
        met=seconds <= (1 - LEAST_GAIN) * other,
        detail=f"about {seconds:.1f} s against {other:.1f} s {otherwise} ({source})",
    )


def _slots(room: Room | None) -> Consideration:
    if room is None:
        return Consideration(code="slots", met=None, detail="how many slots are free is not known")
    return Consideration(
        code="slots",
        met=room.free >= SLOTS,
        detail=f"{room.free} of {room.slots} slots are free, it takes {SLOTS}",
    )
