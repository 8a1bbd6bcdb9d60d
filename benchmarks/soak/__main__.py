"""``python -m benchmarks.soak``: run it, print the table, say whether anything was lost.

Exit codes: 0 nothing lost and no result twice, 1 something was, 2 the soak did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.command import Told, run, seed_of
from benchmarks.soak.report import Report, Size
from benchmarks.soak.run import soak


def main() -> int:
    """Run the soak; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make soak",
        description="Triptych and a naive Celery chord under the same load and the same faults.",
    )
    parser.add_argument("--jobs", type=int, default=3_000, help="jobs per side (default: 3000)")
    parser.add_argument("--per-s", type=float, default=5.0, help="of them arrive per second (default: 5)")
    parser.add_argument(
        "--fault-every-s", type=float, default=3.0, help="mean time between faults (default: 3)"
    )
    parser.add_argument("--deadline-s", type=float, default=90.0, help="of every job (default: 90)")
    parser.add_argument("--workers", type=int, default=4, help="workers per side (default: 4)")
    parser.add_argument("--slots", type=int, default=12, help="what a worker can run at a time (default: 12)")
    parser.add_argument("--seed", type=int, help="of the jobs and the faults (default: fresh, and printed)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcome here")
    parser.add_argument("--keep", action="store_true", help="keep the logs, and say where they are")
    given = parser.parse_args()
    seed = seed_of(given.seed)
    size = Size(given.jobs, given.per_s, given.fault_every_s, given.deadline_s, given.workers, given.slots)

    def measure(told: Told) -> Report:
        folder = Path(
            tempfile.mkdtemp(prefix="triptych-soak-")
        )  # short: a socket's path is limited to 107 bytes
        try:
            return soak(size, seed=seed, folder=folder, told=told)
        finally:
            if given.keep:
                print(f"logs: {folder}", file=sys.stderr)
            else:
                shutil.rmtree(folder, ignore_errors=True)

    return run("soak", measure, file=given.json)


if __name__ == "__main__":
    sys.exit(main())
