"""Where a worker can die: every boundary in the life of every step, from its message being sent to its acknowledgement.

A new mode joins by saying here how its steps are joined. A pipelined thesis has two claims here, as the model's does,
and a synthesis in sections has two of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from orchestrator.routing.flow import (
    ANTITHESIS_STANDALONE,
    CLAIM,
    CRITIC,
    REBUTTAL,
    RESOLUTION,
    SECTION,
    SINGLE,
    SYNTHESIS,
    THESIS,
    Flow,
    awaited_after,
    flow,
    name_of,
    number_of,
    part,
    sections,
)
from orchestrator.store.record import PLAN

Point = Literal[
    "sending",  # it is known what to send, and recorded where Triptych sends it (a chord: its count is complete)
    "sent",  # its message is in the queue
    "popped",  # its message has left the queue and is booked nowhere
    "received",  # Celery has started its task
    "leased",
    "calling",  # the model has begun to answer
    "worked",  # the output is there, in memory
    "stored",
    "counting",  # it is about to be counted in its chord
    "counted",
    "ending",  # the job's result is there, in memory
    "ended",
    "acking",
    "acked",
]

Way = Literal["sequential", "parallel", "sectioned", "pipelined", "single"]
"""A mode; ``sectioned`` is ``parallel`` with a synthesis in sections."""

JOINED: Final[Mapping[Way, Literal["chain", "chord", "nothing"]]] = {
    "sequential": "chain",
    "parallel": "chord",
    "sectioned": "chord",
    "pipelined": "chord",
    "single": "nothing",
}
"""How Celery takes a job from its first step to its last."""
_CLAIMS = _SECTIONS = 2


def asks(mode: Way) -> dict[str, Any]:
    """What a job asks for to go this way."""
    return {"mode": "parallel", "sections": _SECTIONS} if mode == "sectioned" else {"mode": mode}


def flow_of(mode: Way) -> Flow:
    """All steps of a whole job after its plan, in order, and what each needs."""
    if mode == "sectioned":
        return flow("parallel", awaited=sections(_SECTIONS))
    claims = [part(CLAIM, number) for number in range(1, _CLAIMS + 1)]
    return flow(mode, claims, awaited_after(mode, THESIS, _CLAIMS))


def form_of(mode: Way, step: str) -> str:
    """As what the model knows the step's caller."""
    if mode in ("pipelined", "sectioned"):
        return {CRITIC: ANTITHESIS_STANDALONE, SYNTHESIS: "merge"}.get(step, name_of(step))
    if mode == SINGLE:
        return SINGLE
    return step


_SHORT = {
    "pipelined": {
        (THESIS, "calling"),
        (part(REBUTTAL, 1), "sending"),
        (part(RESOLUTION, 1), "sending"),
        (part(RESOLUTION, 1), "counted"),
        (SYNTHESIS, "sending"),
        (SYNTHESIS, "ending"),
    },
    "sectioned": {
        (ANTITHESIS_STANDALONE, "stored"),
        (part(SECTION, 1), "sending"),
        (part(SECTION, 1), "calling"),
        (part(SECTION, 1), "counted"),
        (SYNTHESIS, "sending"),
        (SYNTHESIS, "ending"),
    },
    "single": {(SYNTHESIS, "sending"), (SYNTHESIS, "calling"), (SYNTHESIS, "ending")},
}


@dataclass(frozen=True)
class Place:
    """One point in the life of one step."""

    mode: Way
    step: str
    point: Point

    def __str__(self) -> str:
        return f"{self.mode}-{self.step}-{self.point}"

    @property
    def interrupts(self) -> bool:
        """Whether the step has an owner there, and no output."""
        return self.point in ("leased", "calling", "worked")

    @property
    def short(self) -> bool:
        """Whether it is tried in every run of the tests: each point somewhere, the joins and the end everywhere."""
        if self.mode in _SHORT:
            return (self.step, self.point) in _SHORT[self.mode]
        return (
            (self.mode, self.step) == ("parallel", "thesis")
            or self.point in ("sending", "ending", "ended")
            or (self.step == PLAN and self.point in ("leased", "stored"))
        )


def life(mode: Way, step: str) -> tuple[Point, ...]:
    """The points that a step passes in a job without trouble, in order."""
    if step == PLAN:
        return ("popped", "received", "leased", "worked", "stored", "acking", "acked")
    needs = flow_of(mode)
    first, last = not needs[step], step == SYNTHESIS
    # Steps that start together are sent together, by one call: it is counted as the first one's.
    sent: tuple[Point, ...] = () if first and step != next(iter(needs)) else ("sending", "sent")
    after: tuple[Point, ...] = ()
    if last:
        after = ("ending", "ended")
    elif JOINED[mode] == "chord" and step != CRITIC:  # which nobody waits for
        after = ("counting", "counted")
    return (*sent, "popped", "received", "leased", "calling", "worked", "stored", *after, "acking", "acked")


PLACES: Final = tuple(
    Place(mode, step, point)
    for mode in JOINED
    for step in (PLAN, *flow_of(mode))
    if number_of(step) < _CLAIMS  # the claims' parts are alike, and so are sections
    for point in life(mode, step)
)
