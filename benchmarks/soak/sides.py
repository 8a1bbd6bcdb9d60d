"""Both sides of a soak: a fleet that faults come over, a producer that keeps offering, and what became of its jobs."""

from __future__ import annotations

import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from kombu.exceptions import OperationalError
from pydantic import SecretStr
from redis.exceptions import RedisError

from benchmarks import naive as chord
from benchmarks.processes import BenchmarkFailed, Worker
from benchmarks.soak import book, naive
from benchmarks.soak.replay import Arrival
from benchmarks.soak.tally import Kill, Outage, Tally, paid_twice, recoveries
from orchestrator.broker.addresses import broker_url
from orchestrator.client import Client, new_task_id
from orchestrator.contracts import TaskSpec
from orchestrator.contracts.events import JobEnd, parse_event
from orchestrator.errors import AdmissionClosed, JobNotFound, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, connect, keys
from orchestrator.store.ledger import Ledger

AGAIN_S = 0.25
"""How soon a producer that was not served tries again."""


AWAY = (OperationalError, RedisError, OSError, RuntimeError)
"""What a naive producer meets while Redis is away: kombu's, redis-py's, the system's, and that of Celery's backend."""


class Side(ABC):
    """One side. Its workers are numbered; one that ends is started again, whatever ended it."""

    name: str

    def __init__(self, url: str, *, folder: Path, workers: int, slots: int, deadline_s: float) -> None:
        self.folder = folder
        self.slots = slots
        self.deadline_s = deadline_s
        self.url = url
        self.redis = connect(url)
        self.accepted: dict[str, float] = {}
        """Job to when its producer was told that it is accepted (epoch s)."""
        self.kills: list[Kill] = []
        self.exits = 0
        self._started = 0
        self._leaving: list[Worker] = []
        self.workers = [self._start() for _ in range(workers)]
        self._producer: threading.Thread | None = None

    @abstractmethod
    def command(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """What a worker is started with: arguments and environment."""

    @abstractmethod
    def submit(self, arrival: Arrival) -> str:
        """Submit one job; returns its name. Raises whatever this side's producers meet when Redis is away."""

    @abstractmethod
    def ended(self) -> int:
        """How many jobs have ended so far."""

    @abstractmethod
    def tally(self, outages: Sequence[Outage]) -> Tally:
        """What became of all jobs, and of the steps that a kill interrupted."""

    def _start(self) -> Worker:
        self._started += 1
        arguments, env = self.command()
        return Worker(f"{self.name}-{self._started}", arguments, folder=self.folder, env=env)

    def kill(self, victim: int, *, child: bool) -> None:
        """Kill a worker, all its processes, and start another in its place; or one child, where it has any."""
        worker = self.workers[victim]
        processes, at_s = worker.processes(), time.time()
        children = sorted(processes - {worker.pid})
        if child and children:
            with suppress(ProcessLookupError):
                os.kill(children[0], signal.SIGKILL)
                self.kills.append(Kill(frozenset(children[:1]), at_s))
            return
        worker.stop()
        self.kills.append(Kill(processes, at_s))
        self.workers[victim] = self._start()

    def retire(self, victim: int) -> None:
        """Tell a worker to end, and start another in its place; it has until the end of the soak."""
        worker = self.workers[victim]
        worker.terminate()
        self._leaving.append(worker)
        self.workers[victim] = self._start()

    def tend(self) -> None:
        """Start again what has ended by itself."""
        for number, worker in enumerate(self.workers):
            if worker.ended:
                self.exits += 1
                worker.stop()
                self.workers[number] = self._start()

    def offer(self, arrivals: Sequence[Arrival], stop: threading.Event) -> None:
        """Begin to submit jobs when they are due, each until it is accepted, from a thread."""

        def run() -> None:
            began = time.monotonic()
            for arrival in arrivals:
                while not stop.is_set():
                    due_s = began + arrival.at_s - time.monotonic()
                    if due_s > 0:
                        stop.wait(due_s)
                        continue
                    try:
                        job = self.submit(arrival)
                    except AWAY:
                        stop.wait(AGAIN_S)
                    else:
                        self.accepted[job] = time.time()
                        break

        self._producer = threading.Thread(target=run, name=f"{self.name}-producer", daemon=True)
        self._producer.start()

    def offered(self, jobs: int) -> bool:
        """Whether all jobs are accepted. Raises ``BenchmarkFailed`` where nobody offers them any more."""
        if self._producer is not None and not self._producer.is_alive() and len(self.accepted) < jobs:
            raise BenchmarkFailed(f"the producer of {self.name} has ended: its traceback is above")
        return len(self.accepted) == jobs

    def stop(self) -> None:
        """End the workers and close the connections."""
        for worker in (*self._leaving, *self.workers):
            worker.stop()
        self.redis.close()


class Triptych(Side):
    """Workers in everything but their personas."""

    name = "triptych"

    def __init__(self, url: str, *, folder: Path, workers: int, slots: int, deadline_s: float) -> None:
        self._settings = Settings(redis_url=SecretStr(url), home=folder / "home")
        self._client = Client(self._settings)
        super().__init__(url, folder=folder, workers=workers, slots=slots, deadline_s=deadline_s)

    def command(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """See ``Side``."""
        env = {
            "REDIS_URL": self.url,
            "TRIPTYCH_HOME": str(self._settings.home),
            "TRIPTYCH_MODEL": "extractive",
        }
        return ("-m", "benchmarks.soak.worker", "--concurrency", str(self.slots)), env

    def submit(self, arrival: Arrival) -> str:
        """See ``Side``. The same job is submitted again until it is accepted: it is one job all the same."""
        spec = TaskSpec(
            task_id=new_task_id(),
            goal="Is anything lost?",
            scope=arrival.personas.to_scope(),
            mode=arrival.mode,
            evidence_required=False,
            deadline_s=self.deadline_s,
        )
        while True:
            try:
                return self._client.submit(spec).ref.task_id
            except (StoreUnavailable, AdmissionClosed):
                time.sleep(AGAIN_S)

    def ended(self) -> int:
        """See ``Side``."""
        return len(self.accepted) - int(self.redis.zcard(keys.ACTIVE))

    def tally(self, outages: Sequence[Outage]) -> Tally:
        """See ``Side``."""
        ends: Counter[str] = Counter()
        job_s: list[float] = []
        for _, raw in Ledger(self.redis).all():
            event = parse_event(raw, at_ms=0)
            if isinstance(event, JobEnd):
                ends[event.task_id] += 1
                job_s.append(event.total_ms / 1_000)
        statuses = Counter(self._status(job) for job in self.accepted)
        runs = tuple(book.runs(self.redis))
        return Tally(
            accepted=len(self.accepted),
            complete=statuses["complete"],
            degraded=statuses["degraded"],
            failed=statuses["failed"],
            lost=statuses["lost"],
            duplicated_results=sum(count - 1 for count in ends.values()),
            duplicated_calls=paid_twice(Counter(f"{run.job} {run.step}" for run in runs)),
            recoveries=recoveries(runs, self.kills, outages),
            job_s=tuple(job_s),
        )

    def _status(self, job: str) -> str:
        with suppress(JobNotFound):
            result = self._client.result(JobRef("default", job))
            return result.status if result else "lost"
        return "lost"

    def stop(self) -> None:
        """See ``Side``."""
        super().stop()
        self._client.close()


class Naive(Side):
    """A chord or a chain, with Celery's defaults, as its manual shows it."""

    name = "naive"

    def __init__(self, url: str, *, folder: Path, workers: int, slots: int, deadline_s: float) -> None:
        self._app = naive.producer(url)
        self._tasks: dict[str, tuple[str, ...]] = {}
        super().__init__(url, folder=folder, workers=workers, slots=slots, deadline_s=deadline_s)

    def command(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """See ``Side``."""
        arguments = ("-m", "celery", "--app", "benchmarks.soak.naive", "worker", "--loglevel", "WARNING")
        return (*arguments, "--concurrency", str(self.slots)), {chord.URL: broker_url(self.url)}

    def submit(self, arrival: Arrival) -> str:
        """See ``Side``. What fails half way is another job the next time."""
        job = new_task_id()
        self._tasks[job] = naive.send(self._app, job, arrival)
        return job

    def ended(self) -> int:
        """See ``Side``."""
        return int(self.redis.hlen(book.RESULTS))

    def tally(self, outages: Sequence[Outage]) -> Tally:
        """See ``Side``."""
        ends = [(job, at_s) for job, at_s in book.results(self.redis) if job in self.accepted]
        first: dict[str, float] = {}
        for job, at_s in sorted(ends, key=lambda end: end[1]):
            first.setdefault(job, at_s)
        open_ = [job for job in self.accepted if job not in first]
        failed = sum(self._has_failed(job) for job in open_)
        runs = [run for run in book.runs(self.redis) if run.job in self.accepted]
        return Tally(
            accepted=len(self.accepted),
            complete=len(first),
            degraded=0,
            failed=failed,
            lost=len(open_) - failed,
            duplicated_results=len(ends) - len(first),
            duplicated_calls=paid_twice(Counter(f"{run.job} {run.step}" for run in runs)),
            recoveries=recoveries(runs, self.kills, outages),
            job_s=tuple(first[job] - self.accepted[job] for job in first),
        )

    def _has_failed(self, job: str) -> bool:
        return any(self._app.backend.get_task_meta(task)["status"] == "FAILURE" for task in self._tasks[job])
