"""Where a worker can die: every boundary in the life of every step, from its message being sent to its acknowledgement.

A new mode joins by being in ``orchestrator.routing.flow.FLOWS`` and saying here how its steps are joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from orchestrator.contracts import Mode
from orchestrator.routing.flow import FLOWS
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

JOINED: Final[Mapping[Mode, Literal["chain", "chord"]]] = {"sequential": "chain", "parallel": "chord"}
"""How Celery takes a job from its first step to its last."""


@dataclass(frozen=True)
class Place:
    """One point in the life of one step."""

    mode: Mode
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
        return (
            (self.mode, self.step) == ("parallel", "thesis")
            or self.point in ("sending", "ending", "ended")
            or (self.step == PLAN and self.point in ("leased", "stored"))
        )


def life(mode: Mode, step: str) -> tuple[Point, ...]:
    """The points that a step passes in a job without trouble, in order."""
    if step == PLAN:
        return ("popped", "received", "leased", "worked", "stored", "acking", "acked")
    flow = FLOWS[mode]
    first, last = not flow[step], not any(step in needs for needs in flow.values())
    # Steps that start together are sent together, by one call: it is counted as the first one's.
    sent: tuple[Point, ...] = () if first and step != next(iter(flow)) else ("sending", "sent")
    after: tuple[Point, ...] = ()
    if last:
        after = ("ending", "ended")
    elif JOINED[mode] == "chord":
        after = ("counting", "counted")
    return (*sent, "popped", "received", "leased", "calling", "worked", "stored", *after, "acking", "acked")


PLACES: Final = tuple(
    Place(mode, step, point)
    for mode, flow in FLOWS.items()
    for step in (PLAN, *flow)
    for point in life(mode, step)
)
