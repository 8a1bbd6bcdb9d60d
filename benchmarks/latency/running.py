"""All arms in one run: their jobs in one shuffled order, so many in flight at a time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.arms import databases
from benchmarks.latency import rivals
from benchmarks.latency.arms import Arm, World, environment
from benchmarks.latency.fleet import Fleet, Model, Sample, spec_for
from benchmarks.latency.world import Job, Triple
from benchmarks.processes import BenchmarkFailed, Worker
from orchestrator.broker.addresses import broker_url
from orchestrator.report.pace import LEAST_SEEN

TELL_EVERY_S = 10.0
FIRST_LESSON = 1_000_000
"""Numbers from here on are of jobs that are not counted."""
SETTLE_S = 0.01
"""Between two jobs that begin: nobody's users all ask in the same ms."""


@dataclass(frozen=True)
class Stage:
    """What a run is made with. ``told`` hears how it goes."""

    socket: Path
    folder: Path
    seed: int
    scale: float
    workers: int
    told: Callable[[str], None]


@dataclass
class Theatre:
    """The endpoint, a fleet for each set of settings, and the chord's worker: started once, used by all worlds."""

    stage: Stage
    model: Model
    fleets: Mapping[tuple[tuple[str, str], ...], Fleet]
    chord: Worker | None = None
    chord_url: str = ""
    _warm: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, stage: Stage, arms: Sequence[Arm]) -> Theatre:
        """Start all processes that these arms need. What was started is stopped where one of them does not come up."""
        model = Model(seed=stage.seed, scale=stage.scale, folder=stage.folder)
        wanted = dict.fromkeys(arm.settings for arm in arms if arm.rival is None)
        urls = databases(stage.socket, len(wanted) + 1)
        fleets: dict[tuple[tuple[str, str], ...], Fleet] = {}
        theatre = cls(stage, model, fleets, chord_url=broker_url(urls[-1]))
        try:
            for number, (settings, url) in enumerate(zip(wanted, urls, strict=False)):
                fleets[settings] = Fleet(
                    f"fleet{number}",
                    url=url,
                    folder=stage.folder,
                    workers=stage.workers,
                    environment={**model.environment(), **environment(settings, stage.scale)},
                )
            if any(arm.rival == "chord" for arm in arms):
                theatre.chord = rivals.chord_worker(theatre.chord_url, stage.folder)
            for fleet in fleets.values():
                fleet.wait_until_ready()
        except BaseException:
            theatre.close()
            raise
        return theatre

    async def warm(self, arms: Sequence[Arm], job: Job) -> None:
        """A job of every arm: imports and connections are no later job's cost. Raises ``BenchmarkFailed``."""
        new = [arm for arm in arms if arm.name not in self._warm]
        for arm, sample in zip(
            new, await asyncio.gather(*(self._quick(arm, job) for arm in new)), strict=True
        ):
            if sample.status != "complete":
                raise BenchmarkFailed(f"{arm.name}: a job is {sample.status}: {', '.join(sample.reasons)}")
            self._warm.add(arm.name)

    async def _quick(self, arm: Arm, job: Job) -> Sample:
        """A job of personas that hardly speak."""
        run, short = f"warm-up/{arm.name}".replace(" ", "_"), Triple(0.5, 0.5, 0.5)
        quick = replace(job, run=run, mode=arm.mode, claims=arm.claims, triple=short, weather="none")
        quick = replace(quick, sections=arm.sections)
        return await self.one(arm, quick, "")

    async def one(self, arm: Arm, job: Job, world: str) -> Sample:
        """One job of an arm."""
        scale = self.stage.scale
        sample = Sample(arm.name, world, job.number, ideal_s=job.ideal_s(self.stage.seed))
        if arm.rival:
            return await rivals.run(
                arm.rival, job, sample, model_url=self.model.url, url=self.chord_url, scale=scale
            )
        return await self.fleets[arm.settings].run(
            spec_for(job.mode, sections=job.sections, scope=job.to_text()), sample, scale
        )

    async def leave(self) -> None:
        """Close producers' connections: they belong to the loop that is about to end."""
        for fleet in self.fleets.values():
            await fleet.close()

    def close(self) -> None:
        """End all processes."""
        for fleet in self.fleets.values():
            fleet.stop()
        for worker in (self.chord, self.model.worker):
            if worker is not None:
                worker.stop()


async def perform(theatre: Theatre, world: World, arms: Mapping[Arm, int], in_flight: int) -> list[Sample]:
    """So many jobs of each arm in one world, interleaved, once the arms that learn have been taught."""
    stage = theatre.stage
    pairs = [(arm, arm.job(world, number)) for arm, jobs in arms.items() for number in range(jobs)]
    random.Random(stage.seed).shuffle(pairs)  # noqa: S311 - an order, no secret
    samples = list[Sample]()

    try:
        await theatre.warm(list(arms), pairs[0][1])
        if lessons := _lessons(world, arms):
            stage.told(f"{world.name}: {len(lessons)} jobs to learn from, which are not counted")
            await _each(lessons, in_flight, lambda arm, job: theatre.one(arm, job, world.name))
        begun = time.monotonic()
        progress = _Progress(stage, world, [job.ideal_s(stage.seed) for _, job in pairs], in_flight)

        async def one(arm: Arm, job: Job) -> None:
            samples.append(await theatre.one(arm, job, world.name))
            progress.ended(samples[-1])

        await _each(pairs, in_flight, one)
    finally:
        await theatre.leave()
    stage.told(f"{world.name}: {len(samples)} jobs in {time.monotonic() - begun:.0f} s")
    return samples


def _lessons(world: World, arms: Mapping[Arm, int]) -> list[tuple[Arm, Job]]:
    """Jobs, of luck of their own, for arms that learn where there is luck: a fleet that has seen none hedges none."""
    return [
        (arm, replace(arm.job(world, FIRST_LESSON + number), run="lesson"))
        for number in range(LEAST_SEEN)
        for arm, jobs in arms.items()
        if arm.learns and world.has_luck and number < jobs
    ]


async def _each(
    pairs: Sequence[tuple[Arm, Job]], in_flight: int, run: Callable[[Arm, Job], Awaitable[object]]
) -> None:
    """Run all of them, so many at a time."""
    free = asyncio.Semaphore(in_flight)

    async def one(arm: Arm, job: Job) -> None:
        try:
            await run(arm, job)
        finally:
            free.release()

    async with asyncio.TaskGroup() as group:
        for arm, job in pairs:
            await free.acquire()
            group.create_task(one(arm, job))
            await asyncio.sleep(SETTLE_S)


class _Progress:
    """Says how far a world is, and how long the rest takes at the pace so far."""

    def __init__(self, stage: Stage, world: World, ideals: Sequence[float], in_flight: int) -> None:
        self._stage = stage
        self._world = world
        self._count, self._work_s = len(ideals), sum(ideals)
        self._done = 0
        self._done_s = 0.0
        self._began = self._told = time.monotonic()
        guess_s = self._work_s / stage.scale / in_flight
        stage.told(f"{world}: {self._count} jobs, {in_flight} in flight, about {guess_s:.0f} s")

    def ended(self, sample: Sample) -> None:
        """One job more."""
        self._done += 1
        self._done_s += sample.ideal_s or 0.0
        now = time.monotonic()
        if now - self._told >= TELL_EVERY_S:
            self._told = now
            left_s = (now - self._began) * (self._work_s / max(self._done_s, 1e-9) - 1)
            self._stage.told(
                f"{self._world.name}: {self._done} of {self._count} jobs, about {left_s:.0f} s left"
            )
