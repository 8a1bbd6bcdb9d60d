"""Pipelined jobs arriving at an even pace: by how much the mean rises with how many are in flight.

No luck here: every job takes the same on a machine that costs nothing, so that what rises is the machine's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from benchmarks.latency.arms import BEST, World
from benchmarks.latency.fleet import Sample
from benchmarks.latency.running import Theatre
from benchmarks.processes import Worker

LEVELS = (1, 25, 50, 75, 100, 150, 200, 300)
ALLOWED, TOO_MUCH = 5.0, 10.0
"""Percent that the mean rises at 50 jobs in flight, and where it is asked at how many."""
JUDGED = 50


@dataclass(frozen=True)
class Level:
    """One level: the mean and median in s, its rise over the lowest level's in %, and what the CPUs did meanwhile.

    ``workers_cpu``, ``model_cpu`` and ``server_cpu`` are cores that were busy. The simulated endpoint and the producer
    are on the same machine as the workers: a real endpoint's half of it would be elsewhere.
    """

    in_flight: int
    jobs: int
    mean_s: float
    p50_s: float
    p95_s: float
    rise_pct: float
    failed: int
    workers_cpu: float
    model_cpu: float


async def rises(theatre: Theatre, levels: Sequence[int], window_s: float) -> list[Level]:
    """Go up the levels until the mean has risen by more than ``TOO_MUCH``. ``window_s`` at scale 1."""
    found: list[Level] = []
    world = World("steady", "none")
    try:
        await theatre.warm([BEST], BEST.job(world, 0))
        for level in levels:
            measured = await _at(theatre, world, level, window_s, found[0].mean_s if found else None)
            found.append(measured)
            theatre.stage.told(
                f"{level} in flight: mean {measured.mean_s:.2f} s, {measured.rise_pct:+.1f} %, workers use "
                f"{measured.workers_cpu:.2f} cores, the simulated model {measured.model_cpu:.2f}"
            )
            if measured.rise_pct > TOO_MUCH or measured.failed:
                break
    finally:
        await theatre.leave()
    return found


async def _at(theatre: Theatre, world: World, level: int, window_s: float, alone_s: float | None) -> Level:
    """Jobs that arrive before the level is reached are not counted."""
    scale, job = theatre.stage.scale, BEST.job(world, level)
    every_s = job.ideal_s(theatre.stage.seed) / level
    counted = max(3, round(window_s / every_s))
    ramp = level if level > 1 else 0
    began, tasks = time.monotonic(), list[asyncio.Task[Sample]]()
    workers = [worker for fleet in theatre.fleets.values() for worker in fleet.workers]
    before: tuple[float, float, float] | None = None
    async with asyncio.TaskGroup() as group:
        for number in range(ramp + counted):
            await asyncio.sleep(max(0.0, began + number * every_s / scale - time.monotonic()))
            if number == ramp:
                before = (time.monotonic(), _cpu(workers), _cpu([theatre.model.worker]))
            numbered = BEST.job(world, level * 100_000 + number)
            tasks.append(group.create_task(theatre.one(BEST, numbered, world.name)))
        wall, ours, theirs = before or (began, 0.0, 0.0)
        passed = max(time.monotonic() - wall, 1e-9)
        cores = (_cpu(workers) - ours) / passed, (_cpu([theatre.model.worker]) - theirs) / passed
    samples = [task.result() for task in tasks][ramp:]
    totals = sorted(sample.total_s for sample in samples)
    mean_s = fmean(totals)
    return Level(
        in_flight=level,
        jobs=len(samples),
        mean_s=mean_s,
        p50_s=median(totals),
        p95_s=totals[int(0.95 * (len(totals) - 1))],
        rise_pct=(mean_s / alone_s - 1) * 100 if alone_s else 0.0,
        failed=sum(sample.status != "complete" for sample in samples),
        workers_cpu=cores[0],
        model_cpu=cores[1],
    )


def _cpu(workers: Sequence[Worker]) -> float:
    return sum(worker.cpu_s() or 0.0 for worker in workers)


def where_it_rises(levels: Sequence[Level], pct: float = TOO_MUCH) -> float | None:
    """At how many jobs in flight the mean has risen by so much, in proportion between levels; ``None``: at none."""
    for below, above in pairwise(levels):
        if above.rise_pct >= pct:
            share = (pct - below.rise_pct) / max(above.rise_pct - below.rise_pct, 1e-9)
            return below.in_flight + max(0.0, share) * (above.in_flight - below.in_flight)
    return None
