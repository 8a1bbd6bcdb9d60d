"""A soak's outcome: one table with a column for each side, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.figures import percentile
from benchmarks.machine import Machine
from benchmarks.soak.replay import SPEED
from benchmarks.soak.tally import RECOVERY_S, Tally

OURS = "triptych"


@dataclass(frozen=True)
class Size:
    """How much is offered: jobs per side, ``per_s`` of them; a fault about ``fault_every_s``; workers, their slots."""

    jobs: int
    per_s: float
    fault_every_s: float
    deadline_s: float
    workers: int
    slots: int


@dataclass(frozen=True)
class Report:
    """What a soak has found. ``exits`` are workers that ended by themselves."""

    seed: int
    size: Size
    machine: Machine
    faults: Mapping[str, int]
    exits: Mapping[str, int]
    tallies: Mapping[str, Tally]

    @property
    def met(self) -> bool:
        """Whether Triptych lost nothing and did nothing twice."""
        return self.tallies[OURS].clean

    @property
    def summary(self) -> str:
        """What was done to both sides."""
        size = self.size
        done = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.faults.items())) or "no faults"
        return (
            f"{size.jobs:,} jobs at {size.per_s:g}/s, simulated personas at 1/{SPEED:g} of recorded times, "
            f"{size.workers} workers of {size.slots} slots a side; {done}; seed {self.seed}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything."""
        return {
            "summary": self.summary,
            "seed": self.seed,
            "size": asdict(self.size),
            "machine": self.machine.model_dump(),
            "faults": dict(self.faults),
            "exits": dict(self.exits),
            "sides": {name: tally.to_dict() for name, tally in self.tallies.items()},
            "clean": self.met,
        }

    def show(self, console: Console) -> None:
        """Print it for people."""
        console.print(f"[bold]{self.summary}[/bold]\n{self.machine}\n")
        table = Table(box=SIMPLE_HEAD)
        table.add_column("")
        columns = [
            tally.rows() | {"workers that ended by themselves": str(self.exits[name])}
            for name, tally in self.tallies.items()
        ]
        for name in self.tallies:
            table.add_column(name, justify="right")
        for row in columns[0]:
            table.add_row(row, *(column[row] for column in columns))
        console.print(table)
        console.print(f"{OURS}: {self._verdict()}")

    def _verdict(self) -> str:
        ours = self.tallies[OURS]
        if not ours.clean:
            return f"[bold]{ours.lost} lost, {ours.duplicated_results} results twice[/bold]"
        again = ours.recovered_s(redis_up=True)
        if not again:
            return "nothing lost, no result twice; no step was interrupted by a kill alone"
        p95 = percentile(again, 0.95)
        met = "within" if p95 <= RECOVERY_S else "[bold]over[/bold]"
        return (
            f"nothing lost, no result twice; with Redis up, 95 of 100 interrupted steps run again {met} the "
            f"{RECOVERY_S:g} s asked for ({p95:.1f} s)"
        )
