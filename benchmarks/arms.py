"""The sides of the comparison: Triptych and the naive chord, each on workers and a Redis database of its own."""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import redis
from pydantic import SecretStr

from benchmarks import naive
from benchmarks.processes import BenchmarkFailed, Worker, wait_until
from benchmarks.simulated import NOTHING, Personas
from orchestrator.broker import QUEUES
from orchestrator.broker.addresses import broker_url
from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Result, TaskSpec
from orchestrator.contracts.events import Event, JobEnd, StepEnd
from orchestrator.errors import TriptychError
from orchestrator.settings import Settings
from orchestrator.store import JobRef, LiveText, connect

PATIENCE_S = 60.0
"""How long a job may take before it counts as lost: what cannot keep up must not hold up the rest."""
WARM_UP_JOBS = 10
MAX_JOBS = 10_000
PLAN, ARGUMENT = ("plan",), ("thesis", "antithesis", "synthesis")
NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Times:
    """When one job's argument could begin, was over, and was in its producer's hand: epoch s, one machine's clock.

    ``began`` is when the plan was stored; ``None`` for a chord, which begins with being sent.
    """

    began: float | None
    ended: float
    in_hand: float


class Arm(ABC):
    """One side: workers that are frozen unless they are measured, and a producer."""

    name: str
    url: str
    workers: list[Worker]

    @abstractmethod
    def send(self, personas: Personas) -> Any:  # noqa: ANN401 - a chord's result or a job's address
        """Send one job; returns what ``wait`` takes."""

    @abstractmethod
    def wait(self, job: Any) -> Times:  # noqa: ANN401 - see ``send``
        """Wait for a job as a producer does. Raises ``BenchmarkFailed`` where it did not end well."""

    def warm_up(self) -> None:
        """Have every worker take its first jobs, and freeze it."""
        for job in [self.send(NOTHING) for _ in range(WARM_UP_JOBS)]:
            self.wait(job)
        self.freeze()

    def settle(self) -> None:  # noqa: B027 - a chord's messages are acknowledged before they are worked on
        """Wait until nothing that was taken is unacknowledged: a frozen worker could not do it."""

    def freeze(self) -> None:
        """Stop the workers where they are, once they have nothing to do."""
        self.settle()
        for worker in self.workers:
            worker.freeze()

    def thaw(self) -> None:
        """Let them go on."""
        for worker in self.workers:
            worker.thaw()

    def stop(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.stop()


@dataclass
class LedgerClock:
    """Reads a job's times off its events: Redis TIME, in whole ms, rounded down."""

    planned: float = 0.0
    ended: float = 0.0

    def hear(self, entry_id: str, event: Event | LiveText | None) -> None:
        """Take one item of ``Client.stream``."""
        at = int(entry_id.partition("-")[0]) / 1_000
        if isinstance(event, StepEnd) and event.event == "plan_end":
            self.planned = at
        elif isinstance(event, JobEnd):
            self.ended = at

    def times(self, result: Result | None) -> Times:
        """The times of a job whose result is in hand now. Raises ``BenchmarkFailed`` where it is not complete."""
        in_hand = time.time()
        if result is None or result.status != "complete":
            raise BenchmarkFailed(f"a job ended as {result.reasons if result else None}")
        return Times(self.planned, self.ended, in_hand)


class TriptychArm(Arm):
    """Workers of Triptych with simulated personas: leases, outputs, ledger, archive, sweep and metrics are real.

    ``settings`` are the workers', by variable.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        folder: Path,
        slots: int,
        queues: Sequence[Sequence[str]] = (QUEUES,),
        settings: Mapping[str, str] = NONE,
    ) -> None:
        self.name = name
        self.url = url
        self.settings = Settings(redis_url=SecretStr(url), home=folder / name)
        self.client = Client(self.settings)
        self.workers = []
        for number, served in enumerate(queues, start=1):
            command = ["-m", "benchmarks.worker", "--queues", ",".join(served), "--concurrency", str(slots)]
            env = {
                "REDIS_URL": url,
                "TRIPTYCH_HOME": str(self.settings.home),
                "TRIPTYCH_METRICS_PORT": str(_free_port()),
                # An arm that cannot keep up shall show it, not refuse.
                "TRIPTYCH_MAX_JOBS": str(MAX_JOBS),
                "TRIPTYCH_MAX_TENANT_JOBS": str(MAX_JOBS),
                **settings,
            }
            self.workers.append(Worker(f"{name}-{number}", command, folder=folder, env=env))

    def warm_up(self) -> None:
        """As every arm does, once all its workers are there."""
        for worker in self.workers:
            worker.wait_for("worker_ready")
        super().warm_up()

    def spec(self, personas: Personas) -> TaskSpec:
        """A job without documents: what it would cite is the model's business, and not measured here."""
        return TaskSpec(
            task_id=new_task_id(),
            goal="What does the machinery cost?",
            scope=personas.to_scope(),
            mode="parallel",
            evidence_required=False,
            deadline_s=PATIENCE_S,
        )

    def send(self, personas: Personas) -> JobRef:
        """Submit."""
        return self.client.submit(self.spec(personas)).ref

    def wait(self, job: JobRef) -> Times:
        """Follow the job's events, then fetch its result."""
        clock = LedgerClock()
        try:
            for entry_id, event in self.client.stream(job, watch=False, within_s=PATIENCE_S):
                clock.hear(entry_id, event)
            result = self.client.result(job)
        except TriptychError as error:
            raise BenchmarkFailed(f"{self.name}: {error}") from error
        return clock.times(result)

    def until_all(self, field: str, jobs: Sequence[JobRef]) -> None:
        """Wait until every job's record has this field."""

        def done() -> bool:
            pipeline = self.client.redis.pipeline(transaction=False)
            for ref in jobs:
                pipeline.hstrlen(ref.job, field)
            return all(pipeline.execute())

        wait_until(f"{field} of {len(jobs)} jobs", done, timeout_s=PATIENCE_S)

    def settle(self) -> None:
        """Wait for kombu's own book. What an overload has left in it after a while, the next round has to bear."""
        client = self.client.redis
        with suppress(BenchmarkFailed):
            wait_until("the last ack", lambda: not client.hlen("unacked"), timeout_s=PATIENCE_S)

    def stop(self) -> None:
        """End the workers and close the connections."""
        super().stop()
        self.client.close()


class NaiveArm(Arm):
    """``chord([thesis, antithesis])(synthesis).get()``. ``options`` are the worker's."""

    def __init__(self, name: str, *, url: str, folder: Path, options: Sequence[str] = ()) -> None:
        self.name = name
        self.url = url
        self._app = naive.make_app(broker_url(url))
        command = ["-m", "celery", "--app", "benchmarks.naive", "worker", *options]
        env = {naive.URL: broker_url(url)}
        self.workers = [Worker(name, command, folder=folder, env=env)]

    def send(self, personas: Personas) -> Any:  # noqa: ANN401 - celery's result
        """Apply the chord."""
        return naive.send(self._app, (personas.thesis, personas.antithesis, personas.synthesis))

    def wait(self, job: Any) -> Times:  # noqa: ANN401 - celery's result
        """``.get()``."""
        try:
            ended = float(job.get(timeout=PATIENCE_S))
        except Exception as error:
            raise BenchmarkFailed(f"{self.name}: {type(error).__name__} {error}") from error
        return Times(None, ended, time.time())


def databases(socket_path: Path, count: int) -> list[str]:
    """Addresses of this many databases of one server, emptied: arms must not take each other's messages."""
    urls = [f"unix://{socket_path}?db={number}" for number in range(count)]
    client = redis.Redis(unix_socket_path=str(socket_path))
    client.flushall()
    client.close()
    return urls


def together(arms: Sequence[Arm]) -> None:
    """Warm all arms up. On this thread: a Celery backend and the results that it made belong to one."""
    for arm in arms:
        arm.warm_up()


@dataclass(frozen=True)
class Spent:
    """What workers and server have used so far. CPU in s; ``None`` where /proc is not.

    ``commands`` are all that the server ran, those inside scripts and the producers' included.
    """

    worker_cpu: float | None
    server_cpu: float
    commands: int

    @classmethod
    def by(cls, arm: Arm) -> Spent:
        """Look at an arm's workers and its server."""
        client = connect(arm.url)
        stats, cpu = client.info("commandstats"), client.info("cpu")
        client.close()
        # What this benchmark asks and nobody else.
        apart = ("cmdstat_hstrlen", "cmdstat_hlen", "cmdstat_info")
        used = [worker.cpu_s() for worker in arm.workers]
        return cls(
            None if None in used else sum(u for u in used if u is not None),
            float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"]),
            sum(int(figures["calls"]) for name, figures in stats.items() if name not in apart),
        )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
