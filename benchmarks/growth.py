"""``python -m benchmarks.growth``: what is held after many jobs, and whether any of it has grown with their number.

No-op jobs, some of them in flight at a time. At every mark all is let come to rest, until the last result has run
out, and what worker, producer and Redis hold then is written down. The ledger's stream keeps its last 200,000 events
(and an hour): it is listed apart, and held against that bound.

Exit codes: 0 nothing has grown, 1 something has, 2 it did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.arms import TriptychArm
from benchmarks.command import Told, run
from benchmarks.machine import Machine
from benchmarks.processes import BenchmarkFailed, Holds, wait_until
from benchmarks.room import opened
from benchmarks.simulated import NOTHING, Personas
from orchestrator.client import AsyncClient
from orchestrator.store import keys

SLOTS = 100
WINDOW = 100
"""Jobs in flight."""
BUSY = Personas(3.0, 3.0)
"""First of all, every slot is used at once: threads stay when they are there."""
RESULT_TTL_S = 60
SHARES = (0.02, 0.1, 0.4, 1.0)
"""When to look, as shares of all jobs: of 50,000 after 1,000, 5,000, 20,000 and 50,000."""
LEDGER_KEEPS = 200_000
BATCH = 1_000
GROWN = 1.25
"""By how much memory and connections may differ, all being as it was: allocators have their moods, and somebody is
always in the middle of a command."""
TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class Look:
    """What is held after so many jobs, at rest. MB; ``redis_mb`` and ``keys`` without the ledger's stream."""

    jobs: int
    worker: Holds
    producer: Holds
    redis_mb: float
    keys: int
    lasting: int
    """Keys without a TTL."""
    channels: int
    connections: int
    ledger_events: int
    ledger_mb: float

    @classmethod
    def at(cls, jobs: int, arm: TriptychArm, told: Told) -> Look:
        """Look, once all is at rest. Raises ``BenchmarkFailed`` where it never is, or where /proc is not.

        It waits in a thread, which no signal reaches: so it asks whether to go on.
        """
        redis = arm.client.redis

        def run_out() -> bool:
            told.check()
            return not any(True for _ in redis.scan_iter(f"{keys.ROOT}:job:*", count=1_000))

        arm.settle()
        wait_until("results to run out", run_out, timeout_s=6.0 * RESULT_TTL_S)
        gc.collect()
        worker, producer = arm.workers[0].holds(), Holds.of(os.getpid())
        if worker is None or producer is None:
            raise BenchmarkFailed("what a process holds is read in /proc, which is not here")
        names = [key for key in redis.scan_iter(count=1_000) if key != keys.LEDGER]
        ledger = int(redis.memory_usage(keys.LEDGER, samples=0) or 0)
        memory = redis.info("memory")
        return cls(
            jobs=jobs,
            worker=worker,
            producer=producer,
            redis_mb=(int(memory["used_memory"]) - ledger) / 2**20,
            keys=len(names),
            lasting=sum(redis.ttl(name) == -1 for name in names),
            channels=len(redis.pubsub_channels()) + int(redis.pubsub_numpat()),
            connections=int(redis.info("clients")["connected_clients"]),
            ledger_events=int(redis.xlen(keys.LEDGER)),
            ledger_mb=ledger / 2**20,
        )

    def rows(self) -> dict[str, str]:
        """What a person reads."""
        return {
            "worker: memory, MB": f"{self.worker.rss_mb:.0f}",
            "worker: threads": f"{self.worker.threads}",
            "worker: open files": f"{self.worker.files}",
            "producer: memory, MB": f"{self.producer.rss_mb:.0f}",
            "producer: open files": f"{self.producer.files}",
            "Redis: memory, MB": f"{self.redis_mb:.1f}",
            "Redis: keys": f"{self.keys}",
            "of them without a TTL": f"{self.lasting}",
            "Redis: channels": f"{self.channels}",
            "Redis: connections": f"{self.connections}",
            f"ledger: events (at most {LEDGER_KEEPS:,})": f"{self.ledger_events:,}",
            "ledger: memory, MB": f"{self.ledger_mb:.0f}",
        }

    def grown(self, since: Look) -> list[str]:
        """What is more than it was."""
        now, then = self, since
        exact = {
            "channels": (now.channels, then.channels),
            "keys without a TTL": (now.lasting, then.lasting),
        }
        about = {
            "the worker's memory": (now.worker.rss_mb, then.worker.rss_mb),
            "the worker's threads": (now.worker.threads, then.worker.threads),
            "the worker's files": (now.worker.files, then.worker.files),
            "the producer's memory": (now.producer.rss_mb, then.producer.rss_mb),
            "the producer's files": (now.producer.files, then.producer.files),
            "Redis' memory": (now.redis_mb, then.redis_mb),
            "keys": (now.keys, then.keys),
            "connections": (now.connections, then.connections),
            "the ledger, over its bound": (now.ledger_events, LEDGER_KEEPS),
        }
        more = [name for name, (a, b) in exact.items() if a > b]
        return more + [name for name, (a, b) in about.items() if a > GROWN * b]


@dataclass(frozen=True)
class Report:
    """All looks, in their order; at the last of them ``jobs`` had passed, unless it was interrupted."""

    machine: Machine
    jobs: int
    took_s: float
    looks: Sequence[Look]

    @property
    def whole(self) -> bool:
        """Whether all jobs have passed."""
        return self.looks[-1].jobs >= self.jobs

    @property
    def grown(self) -> list[str]:
        """What has grown from the first look to the last."""
        return self.looks[-1].grown(self.looks[0])

    @property
    def met(self) -> bool:
        """Whether nothing has, over all jobs."""
        return self.whole and not self.grown

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        looks = [asdict(look) for look in self.looks]
        return {
            "machine": self.machine.model_dump(), "jobs": self.jobs, "took_s": self.took_s, "looks": looks,
            "grown": self.grown, "whole": self.whole,
        }  # fmt: skip

    def show(self, console: Console) -> None:
        """Print it for people."""
        console.print(
            f"[bold]No-op jobs, {WINDOW} in flight, results kept for {RESULT_TTL_S} s; looked at when all is at "
            f"rest[/bold]\n{self.machine}; {self.took_s / 60:.0f} min\n"
        )
        table = Table("after jobs", box=SIMPLE_HEAD)
        for look in self.looks:
            table.add_column(f"{look.jobs:,}", justify="right")
        columns = [look.rows() for look in self.looks]
        for row in columns[0]:
            table.add_row(row, *(column[row] for column in columns))
        console.print(table)
        console.print(f"[bold]grown: {', '.join(self.grown)}[/bold]" if self.grown else "nothing has grown")
        if not self.whole:
            console.print(f"[bold]not measured: {self.looks[-1].jobs:,} to {self.jobs:,} jobs[/bold]")


def measure(jobs: int, told: Told) -> Report:
    """Run it. Raises ``BenchmarkFailed``."""
    ttl = {"TRIPTYCH_RESULT_TTL_S": f"{RESULT_TTL_S}"}
    with opened("growth", told) as room, room.triptych(SLOTS, ttl) as arm:
        began = time.monotonic()

        def keep(looks: Sequence[Look]) -> Report:
            report = Report(room.machine, jobs, time.monotonic() - began, tuple(looks))
            told.keep(report)
            return report

        return keep(asyncio.run(_pass(arm, [max(1, round(jobs * share)) for share in SHARES], told, keep)))


async def _pass(
    arm: TriptychArm, marks: Sequence[int], told: Told, keep: Callable[[Sequence[Look]], object]
) -> list[Look]:
    """Let jobs pass up to each mark, look there, and keep what was seen so far."""
    looks: list[Look] = []
    began = tell_at = time.monotonic()
    rested_s, done = 0.0, 0

    async def lane(client: AsyncClient, numbers: range) -> None:
        nonlocal done, tell_at
        for _ in numbers:
            result = await client.wait((await client.submit(arm.spec(NOTHING))).ref)
            if result.status != "complete":
                raise BenchmarkFailed(f"a job ended as {result.reasons}")
            done += 1
            if time.monotonic() >= tell_at:
                tell_at = time.monotonic() + TELL_EVERY_S
                per_s = done / (time.monotonic() - began - rested_s)
                left_s = (marks[-1] - done) / per_s + (len(marks) - len(looks)) * RESULT_TTL_S
                told(f"{done:,} of {marks[-1]:,} jobs, {per_s:.0f}/s; about {left_s / 60:.0f} min left")

    async with AsyncClient(arm.settings) as client:
        burst = [(await client.submit(arm.spec(BUSY))).ref for _ in range(SLOTS)]
        for ref in burst:
            await client.wait(ref)
        for mark in marks:
            missing = mark - done
            lanes = [range(number, missing, WINDOW) for number in range(WINDOW)]
            await asyncio.gather(*(lane(client, numbers) for numbers in lanes))
            rests = time.monotonic()
            looks.append(await asyncio.to_thread(Look.at, mark, arm, told))
            keep(looks)
            rested_s += time.monotonic() - rests
            told(
                f"after {mark:,}: {', '.join(f'{name} {value}' for name, value in looks[-1].rows().items())}"
            )
    return looks


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make growth", description="What worker, producer and Redis hold after many jobs."
    )
    parser.add_argument("--jobs", type=int, default=50_000, help="how many (default: 50000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every look here")
    given = parser.parse_args()

    return run("measurement", lambda told: measure(given.jobs, told), file=given.json)


if __name__ == "__main__":
    sys.exit(main())
