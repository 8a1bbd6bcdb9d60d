"""Processes shaped like pytest-celery's containers: the same tests run on containers (``tests.containers``).

``kill``, ``restart`` and ``logs`` act on real processes; nothing here is a stand-in for a worker or a server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pytest_celery import CeleryTestContainer

from tests.forked import Forked, Main
from tests.hosts import Host

ROOT = Path(__file__).resolve().parent.parent


def wait_for(what: str, ready: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Return as soon as ``ready`` does; fail with ``what`` when it never does. Being patient costs nothing."""
    end = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s:g} s for {what}")
        time.sleep(0.01)


class ProcessNode(CeleryTestContainer):  # type: ignore[misc]  # pytest-celery publishes no types
    """One process with a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str] | Main,
        *,
        folder: Path,
        env: Mapping[str, str],
        ready: str,
        arguments: Sequence[str] = (),
        tree: Path = ROOT,
    ) -> None:
        # The base class wraps a Docker container; everything it would ask of one is answered here.
        self._command = command
        self._arguments = list(arguments)
        self._env = {**os.environ, **env}
        self._log = folder / f"{name}.log"
        self._name = name
        self._ready = ready
        self._tree = tree
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self.start()

    def start(self) -> None:
        """Start the process; ``ready`` waits for it."""
        self._log.touch()
        self._from = self._log.stat().st_size
        if callable(self._command):
            self._process = Forked(
                self._command, self._arguments, env=self._env, cwd=self._tree, out=self._log, err=self._log
            )
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *self._arguments],
                cwd=self._tree,
                env=self._env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return f"{self._name}{self.pid}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def status(self) -> str:
        return "running" if self._process is not None and self._process.poll() is None else "exited"

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def logs(self) -> str:
        """What the process has written since its last start."""
        with self._log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")

    def ready(self) -> bool:
        def is_ready() -> bool:
            assert self.status == "running", f"{self._name} died:\n{self.logs()}"
            return self._ready in self.logs()

        wait_for(f"{self._name} to say {self._ready!r}", is_ready)
        return True

    def kill(self, signal: str | int = "SIGKILL") -> None:
        assert self._process is not None
        number = _number(signal)
        self._process.send_signal(number)
        if number == 9:
            self._process.wait()

    def wait(self, timeout_s: float = 60.0) -> int:
        """Wait for the process to end by itself and return its exit code."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def restart(self, timeout: int = 60) -> None:
        if self.status == "running":
            self.kill("SIGTERM")
            self.wait(timeout)
        self.start()
        self.ready()

    def reload(self) -> None:
        """Nothing is cached here."""

    def teardown(self) -> None:
        if self.status == "running":
            self.kill()

    @property
    def celeryconfig(self) -> dict[str, str]:
        return {"url": self._env["REDIS_URL"], "host_url": self._env["REDIS_URL"]}


def _number(name: str | int) -> int:
    return int(signal.Signals[name]) if isinstance(name, str) else name


def worker_node(
    name: str,
    *,
    folder: Path,
    env: Mapping[str, str],
    arguments: Sequence[str] = (),
    tree: Path = ROOT,
    host: Host | None = None,
) -> ProcessNode:
    """Start ``triptych worker``: another version's from its ``tree``, on another ``host`` than this one."""
    wanted = ["--concurrency", "20", *arguments]
    told = {"TRIPTYCH_MODEL": "extractive", **env}
    command: Sequence[str] | Main = _worker
    if (
        host is not None or tree != ROOT or "PYTHONPATH" in env
    ):  # other code than what was imported, or elsewhere
        command = [sys.executable, "-m", "workers"]
        command = host.command(command) if host is not None else command
    return ProcessNode(
        name, command, arguments=wanted, folder=folder, env=told, ready="worker_ready", tree=tree
    )


def _worker(arguments: list[str]) -> int:
    from workers.__main__ import main

    return main(arguments)
