"""``python -m benchmarks``: measure everything in one run, print tables, say whether the targets are met.

Each section is kept as it ends: an interrupted run says what it has, and what is missing.

Exit codes: 0 all targets met, 1 some missed, 2 the benchmark did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import load, noop
from benchmarks.command import Told, run, seed_of
from benchmarks.report import SECTIONS, Report
from benchmarks.room import Room, Size, opened

MEASURES: tuple[Callable[[Room, Size], Any], ...] = (noop.latency, noop.drain, load.steady, load.scaling)
"""Of the report's sections."""


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Triptych's machinery against a naive Celery chord, interleaved."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every round's figures here")
    parser.add_argument("--quick", action="store_true", help="everything once and small: does it run?")
    parser.add_argument("--jobs", type=int, help="with --quick: jobs per measurement (default 20)")
    parser.add_argument("--seed", type=int, help="of the order in which arms are measured (default: fresh)")
    arguments = parser.parse_args()
    seed = seed_of(arguments.seed)
    size = Size.quick(arguments.jobs) if arguments.quick else Size()
    return run("benchmark", lambda told: _measure(seed, size, told), file=arguments.json)


def _measure(seed: int, size: Size, told: Told) -> Report:
    with opened("bench", told, seed=seed) as room:
        report = Report(seed, size, room.machine)
        for name, section in zip(SECTIONS, MEASURES, strict=True):
            report = replace(report, **{name: section(room, size)})
            told.keep(report)
        return report


if __name__ == "__main__":
    sys.exit(main())
