"""``python -m benchmarks``: measure everything in one run, print tables, say whether the targets are met.

Exit codes: 0 all targets met, 1 some missed, 2 the benchmark did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import load, noop
from benchmarks.machine import this_machine
from benchmarks.processes import BenchmarkFailed
from benchmarks.report import Report
from benchmarks.room import Room, Size
from orchestrator.errors import TriptychError
from orchestrator.local import PrivateFleet
from orchestrator.settings import Settings


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
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    size = Size.quick(arguments.jobs) if arguments.quick else Size()
    # What the person who runs it has configured is neither used nor measured.
    for name in [n for n in os.environ if n.startswith("TRIPTYCH_") or n == "REDIS_URL"]:
        del os.environ[name]
    stop = _Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.ask)
    try:
        report = _run(seed, size, stop)
    except KeyboardInterrupt:
        print("interrupted; nothing is left running", file=sys.stderr)
        return 130
    except (BenchmarkFailed, TriptychError) as error:
        print(f"the benchmark did not run: {error}", file=sys.stderr)
        return 2
    report.show(Console())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_dict(), indent=1) + "\n")
    return 0 if all(target.met for target in report.targets()) else 1


class _Stop:
    """Somebody wants to stop. Python drops what is raised inside a finaliser, so it is asked again after every part."""

    def __init__(self) -> None:
        self._asked = False

    def ask(self, *_: object) -> None:
        """Handle the signal. Raises ``KeyboardInterrupt``."""
        self._asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` where that was asked for."""
        if self._asked:
            raise KeyboardInterrupt


def _run(seed: int, size: Size, stop: _Stop) -> Report:
    console = Console(stderr=True, highlight=False)
    fleet = PrivateFleet(Settings())
    folder = Path(tempfile.mkdtemp(prefix="triptych-bench-"))
    try:
        fleet.start_valkey()
        machine = this_machine(f"unix://{fleet.socket}")
        console.print(f"seed {seed}; {machine}")
        if machine.busy:
            console.print("Something else keeps this machine busy: the figures will be worse than it is.")

        def told(line: str) -> None:
            console.print(line)
            stop.check()

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
    finally:
        fleet.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
