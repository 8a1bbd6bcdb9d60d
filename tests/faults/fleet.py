"""Deployments that a test may do anything to: a Valkey, a producer, and workers that are forked in no time.

Each is a process of its own, and what is killed is really killed. They come from one server process that has imported
everything once: starting a Python for each would take longer than the faults.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from orchestrator.client import Client
from orchestrator.local import PrivateFleet
from orchestrator.settings import Settings
from tests.faults import worker
from tests.forked import Forked
from tests.nodes import wait_for


class Worker(Forked):
    """One worker process."""

    def __init__(
        self, name: str, *, folder: Path, env: Mapping[str, str], arguments: tuple[str, ...]
    ) -> None:
        self._log = folder / f"{name}.log"
        self.name = name
        told = {**os.environ, **env}
        super().__init__(worker.run, arguments, env=told, cwd=Path.cwd(), out=self._log, err=self._log)

    @property
    def alive(self) -> bool:
        return self.poll() is None

    def logs(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def ready(self) -> None:
        """Wait until it takes messages."""

        def is_ready() -> bool:
            assert self.alive, f"{self.name} died:\n{self.logs()}"
            return "worker_ready" in self.logs()

        wait_for(f"{self.name} to be ready", is_ready)

    def close(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()


class Fleet:
    """One deployment. ``start`` as many workers as wanted; ``close`` ends everything."""

    def __init__(self, folder: Path, env: Mapping[str, str], *, slots: int = 4) -> None:
        self.folder = folder
        self._env = dict(env)
        self._slots = slots
        self._server = PrivateFleet(Settings(home=folder / "home"))
        self._server.start_valkey()
        self.url = f"unix://{self._server.socket}"
        self.settings = Settings(redis_url=SecretStr(self.url), home=folder / "home")
        self.client = Client(self.settings)
        self.workers: list[Worker] = []
        self._started = 0

    def start(self, *arguments: str, **env: str) -> Worker:
        """Start one more worker; does not wait for it."""
        self._started += 1
        told = {"REDIS_URL": self.url, "TRIPTYCH_HOME": str(self.settings.home), **self._env, **env}
        one = Worker(
            f"worker{self._started}",
            folder=self.folder,
            env=told,
            arguments=("--concurrency", str(self._slots), *arguments),
        )
        self.workers.append(one)
        return one

    def by_pid(self, pid: int) -> Worker:
        return next(one for one in self.workers if one.pid == pid)

    def waiting(self) -> int:
        """Messages in the queues."""
        from orchestrator.broker import QUEUES, queue_for

        return sum(self.client.store.queue_length(queue_for(name)) for name in QUEUES)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have Redis answer nothing while the body runs; connections stay open."""
        assert self._server._valkey is not None
        self._server._valkey.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server._valkey.send_signal(signal.SIGCONT)

    def close(self) -> None:
        for one in self.workers:
            one.close()
        self.client.close()
        self._server.stop()
