"""``python -m benchmarks.cores [ROUNDS]``: a worker that keeps to one core, beside one that is spread over all.

No-op jobs, interleaved, a minute a round; the naive chord beside them, which is left to the kernel as Celery leaves it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from statistics import median

from benchmarks.arms import Arm, NaiveArm, TriptychArm
from benchmarks.command import Told
from benchmarks.noop import DEFAULTS, SLOTS, drained, one_at_a_time
from benchmarks.room import Room, awake, opened

ONE, ALL = "one core", "all cores"
WAITED, DRAINED = 40, 200


def main() -> int:
    """Print a table of medians; returns the exit code."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (DEFAULTS, ONE, ALL)}
    seed = random.randrange(2**32)  # noqa: S311 - an order, no secret
    with opened("cores", Told(), seed=seed) as room, room.arms(*_arms(room)) as arms:
        for number in range(1, rounds + 1):
            for arm in room.shuffled(arms):
                with awake(arm):
                    p50 = one_at_a_time(arm, WAITED).argument.p50
                drain = drained(arm, DRAINED)
                figures[arm.name].append((p50, drain.worker_cpu_ms or float("nan"), drain.jobs_per_s))
                room.told(f"{number}/{rounds}: {arm.name} {p50:.1f} ms, {drain.jobs_per_s:.0f} jobs/s")
    print("| median of rounds | p50, ms | CPU a job, ms | jobs/s |")
    print("| --- | ---: | ---: | ---: |")
    for name, found in figures.items():
        p50, cpu, rate = (median(values) for values in zip(*found, strict=True))
        print(f"| {name} | {p50:.1f} | {cpu:.1f} | {rate:.0f} |")
    return 0


def _arms(room: Room) -> tuple[Callable[[str], Arm], ...]:
    def triptych(name: str, *, one_core: bool) -> Callable[[str], Arm]:
        settings = {"TRIPTYCH_ONE_CORE": str(one_core)}
        return lambda url: TriptychArm(name, url=url, folder=room.folder, slots=SLOTS, settings=settings)

    return (
        lambda url: NaiveArm(DEFAULTS, url=url, folder=room.folder),
        triptych(ONE, one_core=True),
        triptych(ALL, one_core=False),
    )


if __name__ == "__main__":
    sys.exit(main())
