"""``python -m benchmarks.durability``: which accepted jobs are gone after Redis' end, by how it is set up.

Producers submit all the while. Redis ends in one of four ways, what is left is brought up, and every job that was
acknowledged is looked for. ``accepted at``: when those were that are gone, in s from the end, the first and the last.
``mended``: how often the append-only file had to be, before the server started with it.

Exit codes: 0 nothing is lost that the settings promise to keep, and nothing that was refused is there, 1 not so,
2 it did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.command import Told, private, run
from benchmarks.durability import disk
from benchmarks.durability.ends import (
    SPLIT_S,
    End,
    Loss,
    power_cut,
    primary_cut_off,
    primary_killed,
    process_killed,
)
from benchmarks.figures import percentile
from benchmarks.machine import Machine
from tests import hosts
from tests.sentinels import SAFE

SECONDS, ROUNDS = 5.0, 3
OS_S = 45.0
"""The kernel writes down by itself what is 30 s old: only a longer run shows how much is lost without fsync."""


@dataclass(frozen=True, eq=False)
class Case:
    """One way Redis is set up, and one way it ends. ``keeps``: nothing that was acknowledged may be gone."""

    setting: str
    options: Mapping[str, Any]
    end: End
    how: str
    keeps: bool = False
    seconds: float = SECONDS
    rounds: int = ROUNDS
    lacking: Callable[[], str | None] = lambda: None


def _aof(policy: str) -> tuple[str, dict[str, str]]:
    return f"appendfsync {policy}", {"appendfsync": policy}


KILL, POWER = "kill -9", "power cut"
PRIMARY, SPLIT = "kill -9, failover", f"cut off for {SPLIT_S:g} s, failover"
CASES = (
    Case("appendonly no", {"appendonly": "no"}, process_killed, KILL),
    Case(*_aof("no"), process_killed, KILL, keeps=True),
    Case(*_aof("everysec"), process_killed, KILL, keeps=True),
    Case(*_aof("always"), process_killed, KILL, keeps=True),
    Case(*_aof("no"), power_cut, POWER, seconds=OS_S, rounds=1, lacking=disk.lacking),
    Case(*_aof("everysec"), power_cut, POWER, lacking=disk.lacking),
    Case(*_aof("always"), power_cut, POWER, keeps=True, lacking=disk.lacking),
    Case("sentinels", {}, primary_killed, PRIMARY),
    Case("sentinels, min-replicas", SAFE, primary_killed, PRIMARY),
    Case("sentinels", {}, primary_cut_off, SPLIT, rounds=2, lacking=hosts.lacking),
    Case("sentinels, min-replicas", SAFE, primary_cut_off, SPLIT, rounds=2, lacking=hosts.lacking),
)


@dataclass
class Report:
    """What was found. ``skipped``: what this machine cannot do, and why."""

    machine: Machine
    losses: dict[Case, list[Loss]] = field(default_factory=dict)
    skipped: dict[Case, str] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every promise was kept."""
        return all(
            loss.lied == 0 and not (case.keeps and loss.gone_at)
            for case, losses in self.losses.items()
            for loss in losses
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in self._rows()]
        return {"machine": self.machine.model_dump(), "rows": rows, "kept": self.met}

    def show(self, console: Console) -> None:
        """Print it for people."""
        console.print(f"{self.machine}\n")
        table = Table(*COLUMNS, box=SIMPLE_HEAD)
        for row in self._rows():
            table.add_row(*row)
        console.print(table)
        for case, why in self.skipped.items():
            console.print(f"not measured: {case.setting}, {case.how}: {why}")
        verdict = "all that was promised is there, and nothing that was refused"
        console.print(verdict if self.met else "[bold]a promise was broken[/bold]")

    def _rows(self) -> list[list[str]]:
        return [_row(case, losses) for case, losses in self.losses.items()]


COLUMNS = ("setting", "Redis' end", "accepted", "gone", "accepted at", "refused", "yet there", "unknown", "mended",
           "submit, ms p50/p99")  # fmt: skip


def _row(case: Case, losses: list[Loss]) -> list[str]:
    took = [s for loss in losses for s in loss.took_s]
    gone = [at for loss in losses for at in loss.gone_at]
    return [
        case.setting,
        f"{case.how} ({len(losses)} x)",
        f"{sum(loss.accepted for loss in losses):,}",
        f"{len(gone):,}",
        f"{min(gone):.2f} to {max(gone):.2f}" if gone else "",
        f"{sum(loss.refused for loss in losses):,}",
        f"{sum(loss.lied for loss in losses):,}",
        f"{sum(loss.unknown for loss in losses):,}",
        f"{sum(loss.by_hand for loss in losses)}",
        f"{percentile(took, 0.5) * 1e3:.1f} / {percentile(took, 0.99) * 1e3:.1f}",
    ]


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make bench-durability", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table here")
    parser.add_argument("--only", metavar="TEXT", help="cases whose setting or end holds this")
    parser.add_argument("--quick", action="store_true", help="once each, for a second: does it run?")
    arguments = parser.parse_args()

    def measure(told: Told) -> Report:
        with private("durability") as (_, _, machine):
            report = Report(machine)
        for case in CASES:
            if arguments.only and arguments.only not in f"{case.setting}, {case.how}":
                continue
            if why := case.lacking():
                report.skipped[case] = why
                continue
            rounds, seconds = (1, 1.0) if arguments.quick else (case.rounds, case.seconds)
            report.losses[case] = [_once(case, seconds) for _ in range(rounds)]
            told("  ".join(_row(case, report.losses[case])))
        return report

    return run("durability benchmark", measure, file=arguments.json)


def _once(case: Case, seconds: float) -> Loss:
    folder = Path(tempfile.mkdtemp(prefix="triptych-durability-"))
    try:
        return case.end(case.options, folder, seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
