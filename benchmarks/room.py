"""What all measurements share: a server, a folder, dice, and somebody to tell how it goes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.arms import Arm, TriptychArm, databases, together
from benchmarks.command import Told, private
from benchmarks.machine import Machine

A = TypeVar("A", bound=Arm)


@dataclass(frozen=True)
class Size:
    """How much is measured. ``jobs`` per arm and round; ``window_s`` of steady arrivals."""

    rounds: int = 5
    latency_jobs: int = 40
    drain_rounds: int = 3
    drain_jobs: int = 300
    steady_rounds: int = 3
    in_flight: tuple[int, ...] = (50, 200, 500)
    window_s: float = 10.0
    scaling_rounds: int = 2
    scaling_jobs: int = 300
    persona_speed: float = 1.0

    @classmethod
    def quick(cls, jobs: int | None) -> Size:
        """Everything once, and small: it shows that the benchmark runs, not what anything costs."""
        n = jobs or 20
        return cls(1, n, 1, n, 1, (5,), min(1.0, n / 20), 1, 2 * n, 10.0)


@dataclass
class Room:
    """One run's surroundings. ``told`` hears of every finished part."""

    socket: Path
    folder: Path
    dice: random.Random
    machine: Machine
    told: Told

    @contextmanager
    def arms(self, *makers: Callable[[str], A]) -> Iterator[list[A]]:
        """Arms, each on a database of its own, warm and frozen; gone when the body ends."""
        made: list[A] = []
        try:
            for maker, url in zip(makers, databases(self.socket, len(makers)), strict=True):
                made.append(maker(url))
            together(made)
            yield made
        finally:
            for arm in made:
                arm.stop()

    @contextmanager
    def triptych(self, slots: int, settings: Mapping[str, str]) -> Iterator[TriptychArm]:
        """One arm with one worker, which runs while the body does."""

        def make(url: str) -> TriptychArm:
            return TriptychArm("triptych", url=url, folder=self.folder, slots=slots, settings=settings)

        with self.arms(make) as (arm,), awake(arm):
            yield arm

    def shuffled(self, arms: list[A]) -> list[A]:
        """The arms in a new order, so that none is always measured after the same other."""
        return self.dice.sample(arms, len(arms))


@contextmanager
def opened(name: str, told: Told, *, seed: int | None = None) -> Iterator[Room]:
    """A room with a server and a folder of its own, which are gone in the end; told is what it is on."""
    with private(name) as (fleet, folder, machine):
        told(f"{machine}" if seed is None else f"seed {seed}; {machine}")
        if machine.busy:
            told("Something else keeps this machine busy: the figures will be worse than it is.")
        yield Room(fleet.socket, folder, random.Random(seed), machine, told)  # noqa: S311 - an order, no secret


@contextmanager
def awake(arm: Arm) -> Iterator[None]:
    """Let one arm's workers run while the body does."""
    arm.thaw()
    try:
        yield
    finally:
        arm.freeze()
