"""A Redis that fails over: a primary, its replicas and three sentinels, all real, on one host or on one each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from tests.hosts import Host
from tests.nodes import wait_for
from tests.servers import Valkey, free_port, started

NAME, PASSWORD, ASKING_PASSWORD = "jobs", "s3rver@1", "s3ntinel#2"
SAFE = {"min_replicas_to_write": "1", "min_replicas_max_lag": "2"}
"""A primary that no replica has answered for two seconds takes no writes."""


class Sentinel:
    """One sentinel, which wants a password of its own and agrees with one other."""

    def __init__(self, primary: Valkey, *, down_after_ms: int, host: Host | None = None) -> None:
        self.port = free_port()
        self.address = host.address if host else "127.0.0.1"
        self._folder = Path(tempfile.mkdtemp(prefix="ts-", dir="/tmp"))
        lines = [
            f"port {self.port}",
            f"bind {self.address}",
            f"dir {self._folder}",
            f"unixsocket {self._folder}/s",
            f'requirepass "{ASKING_PASSWORD}"',
            f'sentinel sentinel-pass "{ASKING_PASSWORD}"',
            f"sentinel monitor {NAME} {primary.address} {primary.port} 2",
            f'sentinel auth-pass {NAME} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {NAME} {down_after_ms}",
            f"sentinel failover-timeout {NAME} 5000",
        ]
        config = self._folder / "sentinel.conf"
        config.write_text("\n".join(lines) + "\n")
        self._node = started([str(config), "--sentinel"], self._folder, ready="+monitor master", host=host)
        self.client = redis.Redis(
            unix_socket_path=f"{self._folder}/s", password=ASKING_PASSWORD, decode_responses=True
        )

    def state(self) -> dict[str, Any]:
        """What it thinks of the primary."""
        states: Any = self.client.sentinel_masters()
        return dict(states[NAME])

    def named(self) -> tuple[str, int] | None:
        """The address of the primary, if it knows one that is up."""
        state = self.state()
        return (state["ip"], state["port"]) if state["is_master"] and not state["is_odown"] else None

    def close(self) -> None:
        """End it."""
        self.client.close()
        self._node.teardown()
        shutil.rmtree(self._folder, ignore_errors=True)


class Guarded:
    """A primary and two replicas under the eyes of three sentinels, as docs/operations.md wants them.

    ``hosts``: three, each with a server and a sentinel; without any all are on this one. Sentinels ping once a second:
    with a ``down_after_ms`` of that length they now and then take a new primary for dead, too.
    """

    def __init__(
        self, options: Mapping[str, str] = SAFE, *, hosts: Sequence[Host] = (), down_after_ms: int = 2_000
    ) -> None:
        places = hosts or (None, None, None)
        shared = {"repl_diskless_sync_delay": "0", **options}
        self.primary = Valkey(tcp=True, password=PASSWORD, host=places[0], **shared)
        self.servers = [self.primary]
        for place in places[1:]:
            following = {**shared, "replicaof": f"{self.primary.address} {self.primary.port}"}
            self.servers.append(Valkey(tcp=True, password=PASSWORD, host=place, **following))
        self.sentinels = [Sentinel(self.primary, down_after_ms=down_after_ms, host=p) for p in places]
        wait_for("the replicas to follow", self.in_step)
        wait_for("the sentinels to meet", self._met)

    @property
    def url(self) -> str:
        hosts = ";".join(f"{sentinel.address}:{sentinel.port}" for sentinel in self.sentinels)
        user, asked = quote(PASSWORD, safe=""), quote(ASKING_PASSWORD, safe="")
        return f"sentinel://:{user}@{hosts}/0?master_name={NAME}&sentinel_password={asked}"

    @property
    def replicas(self) -> list[Valkey]:
        return [server for server in self.servers if server is not self.primary]

    def in_step(self) -> bool:
        """Whether every replica has all that the primary had when it was asked."""
        with self.primary.connect() as client:
            try:
                client.set("in-step", "?", px=1)
                return int(client.wait(len(self.replicas), 500)) == len(self.replicas)
            except redis.RedisError:
                return False  # it may still be short of replicas

    def fail_over(self, end: Callable[[], object], *, told: Sequence[Sentinel] = ()) -> None:
        """Have the sentinels call another server the primary, because of what ``end`` does to this one.

        ``told``: those that can know; all unless said.
        """
        old = (self.primary.address, self.primary.port)
        told = told or self.sentinels
        end()
        wait_for("a failover", lambda: told[0].named() not in (None, old), 60)
        new = told[0].named()
        self.primary = next(s for s in self.servers if (s.address, s.port) == new)
        wait_for("all to say so", lambda: {sentinel.named() for sentinel in told} == {new})
        wait_for("it to take writes", self._writable)

    def mend(self) -> None:
        """Have every server run and follow the primary again. Sentinels see to that too, some ten seconds later."""
        for server in self.servers:
            server.mend()
        for server in self.replicas:
            with server.connect() as client:
                client.replicaof(self.primary.address, self.primary.port)
        wait_for("the replicas to follow", self.in_step, 60)

    def close(self) -> None:
        """End them all and forget their data."""
        for sentinel in self.sentinels:
            sentinel.close()
        for server in self.servers:
            server.close()

    def _writable(self) -> bool:
        with self.primary.connect() as client:
            try:
                return bool(client.set("writable", "?", px=1))
            except redis.RedisError:
                return False

    def _met(self) -> bool:
        states = [sentinel.state() for sentinel in self.sentinels]
        return all(s["num-other-sentinels"] == 2 and s["num-slaves"] == 2 for s in states)
