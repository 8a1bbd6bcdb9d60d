"""``python -m benchmarks.overload``: three times as many jobs as a fleet can do.

One worker, whose slots bound what it can do, and producers that offer jobs at random moments: at half of that for
comparison, and at three times that, once with ``TRIPTYCH_MAX_JOBS`` at the number of slots, once without a bound.
Personas are simulated. Told are the times of the jobs that were accepted, and what the others were told.

Exit codes: 0 accepted jobs keep their latency and every other was told when to come back, 1 not so, 2 it did not run,
130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.arms import TriptychArm
from benchmarks.command import Told, run, seed_of
from benchmarks.figures import Spread
from benchmarks.machine import Machine
from benchmarks.room import opened
from benchmarks.simulated import MEASURED
from orchestrator.client import AsyncClient
from orchestrator.errors import AdmissionClosed
from orchestrator.store import JobRef

SLOTS = 20
CAPACITY_PER_S = SLOTS / MEASURED.in_sequence_s
"""Jobs that this many slots can do; planning, a few ms of a slot, left out."""
UNBOUNDED = 100_000
LEVELS = ((0.5, SLOTS), (3.0, SLOTS), (3.0, UNBOUNDED))
"""How much is offered, of what can be done, and ``TRIPTYCH_MAX_JOBS``."""
KEPT = 1.5
"""By how much the 95th percentile may rise and still be called kept: slots are full then, and were half empty."""


@dataclass
class Offer:
    """What became of the jobs that came at one level. Times in s, from submitting to the result in hand."""

    load: float
    bound: int
    window_s: float
    offered: int = 0
    late: int = 0
    """Accepted, and ended at their deadline without an answer."""
    complete: list[tuple[float, float]] = field(default_factory=list)
    """What each took, and when its result was there, s after the beginning."""
    told_s: list[float] = field(default_factory=list)
    """What each refused job was told: come back after so long."""

    @property
    def name(self) -> str:
        """As a table's column has it."""
        return f"{self.load:g} x, {f'at most {self.bound}' if self.bound < UNBOUNDED else 'no bound'}"

    @property
    def took(self) -> Spread | None:
        """Of the jobs that are complete."""
        return Spread.of([took for took, _ in self.complete]) if self.complete else None

    def rows(self) -> dict[str, str]:
        """What a person reads."""
        took = self.took
        within = sum(at_s < self.window_s for _, at_s in self.complete)
        return {
            "jobs offered": f"{self.offered:,}",
            "refused": f"{len(self.told_s):,}",
            "told to come back in": f"{min(self.told_s):.0f} to {max(self.told_s):.0f} s"
            if self.told_s
            else "-",
            "accepted, and too late": f"{self.late:,}",
            "complete": f"{len(self.complete):,}",
            "complete per s, while jobs came": f"{within / self.window_s:.1f}",
            "complete jobs: p50": f"{took.p50:.2f} s" if took else "-",
            "p95": f"{took.p95:.2f} s" if took else "-",
            "p99": f"{took.p99:.2f} s" if took else "-",
        }


@dataclass(frozen=True)
class Report:
    """All levels, in their order."""

    seed: int
    deadline_s: float
    machine: Machine
    offers: Sequence[Offer]

    @property
    def risen(self) -> float | None:
        """The 95th percentile of the accepted at three times what can be done, over that at half."""
        half, bounded = (offer.took for offer in self.offers[:2])
        return bounded.p95 / half.p95 if half and bounded else None

    @property
    def met(self) -> bool:
        """Whether who was let in kept its latency, and who was not was told when to come back."""
        bounded = self.offers[1]
        told = bool(bounded.told_s) and min(bounded.told_s) > 0
        return self.risen is not None and self.risen <= KEPT and bounded.late == 0 and told

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        offers = [asdict(offer) for offer in self.offers]
        return {
            "seed": self.seed, "deadline_s": self.deadline_s, "machine": self.machine.model_dump(),
            "capacity_per_s": CAPACITY_PER_S, "offers": offers, "risen": self.risen, "met": self.met,
        }  # fmt: skip

    def show(self, console: Console) -> None:
        """Print it for people."""
        console.print(
            f"[bold]{SLOTS} slots, simulated personas ({MEASURED}): at most {CAPACITY_PER_S:.1f} jobs/s. Jobs come for "
            f"{self.offers[0].window_s:g} s; deadline {self.deadline_s:g} s[/bold]\n{self.machine}; seed {self.seed}\n"
        )
        table = Table("offered", box=SIMPLE_HEAD)
        for offer in self.offers:
            table.add_column(offer.name, justify="right")
        columns = [offer.rows() for offer in self.offers]
        for row in columns[0]:
            table.add_row(row, *(column[row] for column in columns))
        console.print(table)
        risen = "not measured" if self.risen is None else f"{self.risen:.2f} x"
        console.print(
            f"p95 of accepted jobs at 3 x, over that at 0.5 x: {risen} (asked for: at most {KEPT:g} x)"
        )


def measure(told: Told, *, seed: int, window_s: float, deadline_s: float) -> Report:
    """Run it. Raises ``BenchmarkFailed``."""
    offers = [Offer(load, bound, window_s) for load, bound in LEVELS]
    with opened("overload", told, seed=seed) as room:
        for offer in offers:
            bounds = {"TRIPTYCH_MAX_JOBS": f"{offer.bound}", "TRIPTYCH_MAX_TENANT_JOBS": f"{offer.bound}"}
            moments = _moments(room.dice, per_s=offer.load * CAPACITY_PER_S, until_s=window_s)
            with room.triptych(SLOTS, bounds) as arm:
                asyncio.run(_offer(arm, tuple(moments), deadline_s, offer))
            told(f"{offer.name}: {len(offer.complete):,} of {offer.offered:,} complete")
        return Report(seed, deadline_s, room.machine, offers)


def _moments(dice: random.Random, *, per_s: float, until_s: float) -> Iterator[float]:
    """When jobs come, independently of each other, s after the beginning."""
    now = 0.0
    while (now := now + dice.expovariate(per_s)) < until_s:
        yield now


async def _offer(arm: TriptychArm, moments: Sequence[float], deadline_s: float, offer: Offer) -> None:
    """Have a job come at each of the moments, and note what becomes of it."""
    began = time.monotonic()

    async def one(client: AsyncClient, at_s: float) -> None:
        await asyncio.sleep(began + at_s - time.monotonic())
        offer.offered += 1
        sent = time.monotonic()
        spec = arm.spec(MEASURED).model_copy(update={"deadline_s": deadline_s})
        try:
            ref: JobRef = (await client.submit(spec)).ref
        except AdmissionClosed as refusal:
            offer.told_s.append(refusal.retry_after_s)
            return
        result = await client.wait(ref)
        in_hand = time.monotonic()
        if result.status == "complete":
            offer.complete.append((in_hand - sent, in_hand - began))
        else:
            offer.late += 1

    async with AsyncClient(arm.settings) as client:
        await asyncio.gather(*(one(client, at_s) for at_s in moments))


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make overload", description="What becomes of jobs when three times as many come as can be done."
    )
    parser.add_argument("--window-s", type=float, default=60.0, help="how long jobs come (default: 60)")
    parser.add_argument("--deadline-s", type=float, default=30.0, help="of every job (default: 30)")
    parser.add_argument("--seed", type=int, help="of the moments at which jobs come (default: fresh)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcome here")
    given = parser.parse_args()
    seed = seed_of(given.seed)
    return run(
        "measurement",
        lambda told: measure(told, seed=seed, window_s=given.window_s, deadline_s=given.deadline_s),
        file=given.json,
    )


if __name__ == "__main__":
    sys.exit(main())
