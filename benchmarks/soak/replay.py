"""The recorded durations, and the schedule that a seed stands for: what is offered, and what goes wrong when. Pure."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from benchmarks.simulated import Personas
from orchestrator.contracts import ArguedMode, Mode

SPEED = 10.0
"""How much faster than recorded the personas are."""
RECORDED = Path(__file__).with_name("persona_seconds.csv")

Kind = Literal["kill", "child", "term", "stop", "cut", "restart"]
WEIGHTS: dict[Kind, float] = {
    "kill": 0.42,  # a worker, with -9
    "child": 0.21,  # one process of its pool, where it has one: else the worker
    "term": 0.12,  # tell a worker to end, as a rolling restart does
    "stop": 0.12,  # it does nothing for a while
    "cut": 0.09,  # all connections
    "restart": 0.04,  # Redis is down for a while
}
MODES: tuple[Mode, ...] = get_args(ArguedMode)
STOPPED_S, DOWN_S = (4.0, 12.0), (0.5, 6.0)


@dataclass(frozen=True)
class Arrival:
    """One job, ``at_s`` after the start. A naive pipelined one is parallel."""

    at_s: float
    mode: Mode
    personas: Personas


@dataclass(frozen=True)
class Fault:
    """One fault, ``at_s`` after the start. ``victim`` is a worker's number; ``for_s`` how long it lasts."""

    at_s: float
    kind: Kind
    victim: int
    for_s: float


@cache
def recorded() -> tuple[Personas, ...]:
    """What the personas took, at ``SPEED``."""
    with RECORDED.open(encoding="utf-8") as file:
        rows = [tuple(float(cell) for cell in row) for row in list(csv.reader(file))[1:]]
    return tuple(Personas(*row).shorter(SPEED) for row in rows)


def arrivals(dice: random.Random, *, jobs: int, per_s: float) -> tuple[Arrival, ...]:
    """Jobs that come independently of each other, ``per_s`` of them in the mean."""
    found, now = [], 0.0
    for _ in range(jobs):
        now += dice.expovariate(per_s)
        found.append(Arrival(now, dice.choice(MODES), dice.choice(recorded())))
    return tuple(found)


def faults(dice: random.Random, *, until_s: float, every_s: float, workers: int) -> tuple[Fault, ...]:
    """Faults about ``every_s``, until ``until_s``."""
    found, now = [], 0.0
    while (now := now + dice.uniform(0.5, 1.5) * every_s) < until_s:
        (kind,) = dice.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))
        lasts = {"stop": STOPPED_S, "restart": DOWN_S}.get(kind, (0.0, 0.0))
        found.append(Fault(now, kind, dice.randrange(workers), dice.uniform(*lasts)))
    return tuple(found)
