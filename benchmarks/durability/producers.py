"""Producers that submit all the while, and note what they were told."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import redis
from pydantic import SecretStr

from orchestrator.client import Client, new_task_id
from orchestrator.contracts import TaskSpec
from orchestrator.errors import AdmissionClosed, StoreRefused, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from orchestrator.store.admission import JobBounds, publish
from tests.hosts import Host
from tests.nodes import wait_for

THREADS = 4
PAUSE_S = 0.01
NO_BOUNDS = JobBounds(jobs=10**9, tenant_jobs=10**9)


@dataclass
class Told:
    """Jobs by what their producers were told; times by this process's clock, in s."""

    accepted: list[tuple[float, JobRef]] = field(default_factory=list)
    refused: list[JobRef] = field(default_factory=list)
    unknown: list[JobRef] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)


class Producers:
    """Submit from as many threads, on another ``host`` where one is given, while the ``with`` lasts."""

    def __init__(self, url: str, home: Path, *, host: Host | None = None) -> None:
        self.told = Told()
        self._settings = Settings(redis_url=SecretStr(url), home=home)
        self._host = host
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        wait_for("the first job to be accepted", lambda: self.told.accepted)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Submit no more, and wait for the answers that are due. May be called twice."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with self._host.inside() if self._host else nullcontext(), Client(self._settings) as client:
            while not self._stop.wait(PAUSE_S):
                self._submit(client)

    def _submit(self, client: Client) -> None:
        spec, began = TaskSpec(task_id=new_task_id(), goal="Is this job still there?"), time.monotonic()
        ref = JobRef(spec.tenant, spec.task_id)
        try:
            client.submit(spec)
        except (StoreRefused, AdmissionClosed):
            self.told.refused.append(ref)
        except StoreUnavailable:
            self.told.unknown.append(ref)
        else:
            now = time.monotonic()
            self.told.accepted.append((now, ref))
            self.told.took_s.append(now - began)


def open_doors(client: redis.Redis) -> None:
    """Let every job in: nothing finishes these."""
    publish(client, NO_BOUNDS)


def found(client: redis.Redis, refs: list[JobRef]) -> list[bool]:
    """Which of these jobs have a record."""
    pipeline = client.pipeline(transaction=False)
    for ref in refs:
        pipeline.exists(ref.job)
    return [bool(answer) for answer in pipeline.execute()]
