"""No-op jobs: one at a time, for what a job takes, and drained from full queues, for what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.arms import ARGUMENT, PLAN, Arm, NaiveArm, Spent, TriptychArm
from benchmarks.figures import Spread
from benchmarks.processes import Worker
from benchmarks.room import Room, Size, awake
from benchmarks.simulated import NOTHING
from orchestrator.broker import QUEUES

DEFAULTS, THREADS, TRIPTYCH, PLANNING = "naive", "naive, threads", "triptych", "triptych, planning"
SLOTS = 100
"""Triptych's own default, and given to the naive chord on threads too."""
ON_THREADS = ("--pool", "threads", "--concurrency", str(SLOTS))


@dataclass(frozen=True)
class Latency:
    """One round of jobs one at a time, in ms.

    ``argument`` is from the plan's end to the result in hand, for a chord from sending it; ``whole`` counts
    submitting and planning too.
    """

    argument: Spread
    whole: Spread


@dataclass(frozen=True)
class Drain:
    """One round of drained jobs, per job: CPU of all worker processes and of the server, ms; commands it ran."""

    jobs_per_s: float
    worker_cpu_ms: float | None
    server_cpu_ms: float
    commands: float


def latency(room: Room, size: Size) -> dict[str, list[Latency]]:
    """One producer, one job at a time."""
    rounds: dict[str, list[Latency]] = {name: [] for name in (DEFAULTS, THREADS, TRIPTYCH)}
    with room.arms(*_naive(room), _triptych(room)) as arms:
        for number in range(1, size.rounds + 1):
            for arm in room.shuffled(arms):
                with awake(arm):
                    measured = one_at_a_time(arm, size.latency_jobs)
                rounds[arm.name].append(measured)
                room.told(f"latency {number}/{size.rounds}: {arm.name} p50 {measured.argument.p50:.1f} ms")
    return rounds


def drain(room: Room, size: Size) -> dict[str, list[Drain]]:
    """Queues are filled while nobody works, then emptied.

    Triptych has a worker for plans and one for the argument here, so that planning is counted apart: the first
    empties its queue, which fills the other's.
    """
    rounds: dict[str, list[Drain]] = {name: [] for name in (DEFAULTS, THREADS, PLANNING, TRIPTYCH)}
    with room.arms(*_naive(room), _triptych(room, (PLAN, ARGUMENT))) as arms:
        for number in range(1, size.drain_rounds + 1):
            for arm in room.shuffled(arms):
                for name, measured in _drained(arm, size.drain_jobs):
                    rounds[name].append(measured)
                    room.told(f"drain {number}/{size.drain_rounds}: {name} {measured.jobs_per_s:.0f} jobs/s")
    return rounds


def _naive(room: Room) -> tuple[Callable[[str], Arm], Callable[[str], Arm]]:
    return (
        lambda url: NaiveArm(DEFAULTS, url=url, folder=room.folder),
        lambda url: NaiveArm(THREADS, url=url, folder=room.folder, options=ON_THREADS),
    )


def _triptych(room: Room, queues: Sequence[Sequence[str]] = (QUEUES,)) -> Callable[[str], Arm]:
    return lambda url: TriptychArm(TRIPTYCH, url=url, folder=room.folder, slots=SLOTS, queues=queues)


def one_at_a_time(arm: Arm, count: int) -> Latency:
    """One round of jobs, each sent when the one before is in hand."""
    argument, whole = [], []
    for _ in range(count):
        sent = time.time()
        times = arm.wait(arm.send(NOTHING))
        argument.append((times.in_hand - (times.began or sent)) * 1_000)
        whole.append((times.in_hand - sent) * 1_000)
    return Latency(Spread.of(argument), Spread.of(whole))


def drained(arm: Arm, count: int) -> Drain:
    """One round of an arm whose workers do everything: its queues are filled while they sleep, then emptied."""
    before = Spent.by(arm)
    jobs = [arm.send(NOTHING) for _ in range(count)]
    seconds = _timed(arm, arm.workers, lambda: [arm.wait(job) for job in jobs])
    return _per_job(count, seconds, before, Spent.by(arm))


def _drained(arm: Arm, count: int) -> Iterator[tuple[str, Drain]]:
    if not isinstance(arm, TriptychArm):
        yield arm.name, drained(arm, count)
        return
    before = Spent.by(arm)
    jobs = [arm.send(NOTHING) for _ in range(count)]
    planner, *others = arm.workers
    seconds = _timed(arm, [planner], lambda: arm.until_all("sent:thesis", jobs))
    yield PLANNING, _per_job(count, seconds, before, Spent.by(arm))
    before = Spent.by(arm)
    seconds = _timed(arm, others, lambda: [arm.wait(job) for job in jobs])
    yield arm.name, _per_job(count, seconds, before, Spent.by(arm))


def _timed(arm: Arm, workers: Sequence[Worker], body: Callable[[], object]) -> float:
    """How long this takes while these workers of an arm run, in s."""
    began = time.monotonic()
    for worker in workers:
        worker.thaw()
    body()
    seconds = time.monotonic() - began
    arm.settle()
    for worker in workers:
        worker.freeze()
    return seconds


def _per_job(count: int, seconds: float, before: Spent, after: Spent) -> Drain:
    measured = before.worker_cpu is not None and after.worker_cpu is not None
    cpu_s = (after.worker_cpu or 0.0) - (before.worker_cpu or 0.0)
    return Drain(
        jobs_per_s=count / seconds,
        worker_cpu_ms=cpu_s * 1_000 / count if measured else None,
        server_cpu_ms=(after.server_cpu - before.server_cpu) * 1_000 / count,
        commands=(after.commands - before.commands) / count,
    )
