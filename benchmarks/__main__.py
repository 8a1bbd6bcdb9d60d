"""``python -m benchmarks``: measure everything in one run, print tables, say whether the targets are met.

Exit codes: 0 all targets met, 1 some missed, 2 the benchmark did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from benchmarks import load, noop
from benchmarks.command import Told, private, run, seed_of
from benchmarks.report import Report
from benchmarks.room import Room, Size


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
    with private("bench") as (fleet, folder, machine):
        told(f"seed {seed}; {machine}")
        if machine.busy:
            told("Something else keeps this machine busy: the figures will be worse than it is.")
        room = Room(fleet.socket, folder, random.Random(seed), told)  # noqa: S311 - an order, no secret
        return Report(
            seed=seed,
            size=size,
            machine=machine,
            latency=noop.latency(room, size),
            drain=noop.drain(room, size),
            steady=load.steady(room, size),
            scaling=load.scaling(room, size),
        )


if __name__ == "__main__":
    sys.exit(main())
