"""Jobs whose personas sleep: what is added to their critical path, and what a second worker brings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.arms import ARGUMENT, PATIENCE_S, PLAN, Arm, LedgerClock, NaiveArm, Times, TriptychArm
from benchmarks.figures import Spread
from benchmarks.processes import BenchmarkFailed
from benchmarks.room import Room, Size, awake
from benchmarks.simulated import MEASURED, Personas
from orchestrator.broker import QUEUES
from orchestrator.client import AsyncClient
from orchestrator.errors import StillRunning

SLOTS = 700
"""500 jobs in flight have 590 personas at work at a time: 2.95 s of work in 2.5 s."""
SCALED_SLOTS = 20
NAIVE, TRIPTYCH = "naive, threads", "triptych"
ONE, TWO = "one worker", "two workers"


@dataclass(frozen=True)
class Steady:
    """One round at one level: ms over the critical path, and the memory of the largest worker at its peak so far, MB.

    ``argument`` is from the plan's end to the result in hand, less what the personas slept; ``whole`` counts
    submitting and planning too. A chord's end is its callback's, before its producer has heard of it. Where jobs
    were ``lost`` (not done within a minute) the level is more than the arm can take, and there are no figures.
    """

    argument: Spread | None
    whole: Spread | None
    lost: int
    peak_rss_mb: float | None

    def __str__(self) -> str:
        return (
            f"p50 {self.argument.p50:.1f} ms over the critical path"
            if self.argument
            else f"{self.lost} jobs lost"
        )


def steady(room: Room, size: Size) -> dict[str, dict[int, list[Steady]]]:
    """Arrivals at an even pace, so many that this many jobs are in flight. Levels ascend, for the memory's sake.

    Planning has a worker of its own, as in ``noop.drain``: a chord plans nothing.
    """
    personas = MEASURED.shorter(size.persona_speed)
    rounds: dict[str, dict[int, list[Steady]]] = {
        name: {level: [] for level in size.in_flight} for name in (NAIVE, TRIPTYCH)
    }
    options = ("--pool", "threads", "--concurrency", str(SLOTS))
    with room.arms(
        lambda url: NaiveArm(NAIVE, url=url, folder=room.folder, options=options),
        lambda url: TriptychArm(TRIPTYCH, url=url, folder=room.folder, slots=SLOTS, queues=(PLAN, ARGUMENT)),
    ) as arms:
        for number in range(1, size.steady_rounds + 1):
            for level in size.in_flight:
                for arm in room.shuffled(arms):
                    with awake(arm):
                        measured = _offered(arm, personas, level, size.window_s)
                    rounds[arm.name][level].append(measured)
                    room.told(
                        f"steady {number}/{size.steady_rounds}: {arm.name}, {level} in flight, {measured}"
                    )
    return rounds


def scaling(room: Room, size: Size) -> dict[str, list[float]]:
    """Jobs/s of a queue that keeps every slot busy, with one worker of 20 slots and with two."""
    personas = MEASURED.shorter(size.persona_speed)
    rounds: dict[str, list[float]] = {ONE: [], TWO: []}

    def workers(name: str, count: int) -> Callable[[str], Arm]:
        queues = (QUEUES,) * count
        return lambda url: TriptychArm(name, url=url, folder=room.folder, slots=SCALED_SLOTS, queues=queues)

    with room.arms(workers(ONE, 1), workers(TWO, 2)) as arms:
        for number in range(1, size.scaling_rounds + 1):
            for arm in room.shuffled(arms):
                jobs = [arm.send(personas) for _ in range(size.scaling_jobs)]
                with awake(arm):
                    ends = sorted(arm.wait(job).ended for job in jobs)
                rounds[arm.name].append(_rate(ends))
                room.told(f"scaling {number}/{size.scaling_rounds}: {arm.name} {_rate(ends):.1f} jobs/s")
    return rounds


def _rate(ends: list[float]) -> float:
    """Jobs/s while the queue was full: from a quarter of the jobs to three quarters of them."""
    first, last = len(ends) // 4, 3 * len(ends) // 4
    return (last - first) / max(ends[last] - ends[first], 0.001)


def _offered(arm: Arm, personas: Personas, level: int, window_s: float) -> Steady:
    """One level for one arm. Jobs that arrive before the level is reached are not counted."""
    every_s = personas.critical_path_s / level
    ramp = level
    count = ramp + max(1, round(window_s / every_s))
    if isinstance(arm, TriptychArm):
        sent, times = asyncio.run(_triptych(arm, personas, every_s, count))
    else:
        sent, times = _naive(arm, personas, every_s, count)
    pairs = [(s, t) for s, t in list(zip(sent, times, strict=True))[ramp:] if t is not None]
    lost = times.count(None)
    peak = max((p for p in (worker.peak_rss_mb() for worker in arm.workers) if p is not None), default=None)
    if lost:
        return Steady(None, None, lost, peak)

    def over(began: float, times: Times) -> float:
        # A chord's producer is busy sending: what its waiting would add is not the chord's.
        ended = times.ended if times.began is None else times.in_hand
        return (ended - began - personas.critical_path_s) * 1_000

    argument = Spread.of([over(t.began or s, t) for s, t in pairs])
    return Steady(argument, Spread.of([over(s, t) for s, t in pairs]), 0, peak)


def _naive(
    arm: Arm, personas: Personas, every_s: float, count: int
) -> tuple[list[float], list[Times | None]]:
    began, sent, jobs = time.monotonic(), [], []
    for number in range(count):
        time.sleep(max(0.0, began + number * every_s - time.monotonic()))
        sent.append(time.time())
        jobs.append(arm.send(personas))
    times: list[Times | None] = []
    for job in jobs:
        try:
            times.append(arm.wait(job))
        except BenchmarkFailed:
            times.append(None)
    return sent, times


async def _triptych(
    arm: TriptychArm, personas: Personas, every_s: float, count: int
) -> tuple[list[float], list[Times | None]]:
    client = AsyncClient(arm.settings)
    began, sent, jobs = time.monotonic(), [], []
    try:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * every_s - time.monotonic()))
            sent.append(time.time())
            jobs.append(asyncio.create_task(_one(client, arm, personas)))
        return sent, list(await asyncio.gather(*jobs))
    finally:
        await client.close()


async def _one(client: AsyncClient, arm: TriptychArm, personas: Personas) -> Times | None:
    """One job, as an asyncio producer runs it; ``None`` where it was lost."""
    clock = LedgerClock()
    ref = (await client.submit(arm.spec(personas))).ref
    try:
        async for entry_id, event in client.stream(ref, watch=False, within_s=PATIENCE_S):
            clock.hear(entry_id, event)
        return clock.times(await client.result(ref))
    except (BenchmarkFailed, StillRunning):
        return None
