"""The Redis of a soak: with an append-only file, and one that can be taken down and brought back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import BenchmarkFailed
from benchmarks.soak.tally import Outage
from orchestrator.errors import StoreUnavailable
from orchestrator.local.fleet import valkey_binary
from orchestrator.store import connect
from orchestrator.store.connection import translated

PATIENCE_S = 20.0


class Server:
    """A Valkey on a socket in ``folder``. What was acknowledged before ``stop`` is there after ``start``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped_s: float | None = None
        self.outages: list[Outage] = []
        """When it was down, epoch s."""

    @property
    def up(self) -> bool:
        """Whether it is meant to answer."""
        return self._process is not None

    def start(self) -> None:
        """Start it and wait for its first answer. Raises ``BenchmarkFailed``."""
        told = {"port": "0", "unixsocket": str(self.socket), "dir": str(self._folder), "save": ""}
        told |= {"appendonly": "yes", "appendfsync": "everysec", "databases": "2"}
        options = [part for name, value in told.items() for part in (f"--{name}", value)]
        tether = [sys.executable, "-m", "orchestrator.local.tether", str(os.getpid())]
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*tether, str(valkey_binary()), *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        client, end = connect(f"unix://{self.socket}", timeout_s=2.0), time.monotonic() + PATIENCE_S
        try:
            while True:
                try:
                    with translated():
                        client.ping()
                except StoreUnavailable as error:
                    if time.monotonic() > end:
                        raise BenchmarkFailed("the server did not start") from error
                    time.sleep(0.02)
                else:
                    if self._stopped_s is not None:
                        self.outages.append(Outage(self._stopped_s, time.time()))
                    return
        finally:
            client.close()

    def stop(self) -> None:
        """Shut it down: its file is whole then. May be called twice."""
        if self._process is None:
            return
        self._stopped_s = time.time()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None
