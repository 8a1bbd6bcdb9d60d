"""The ways Redis can end while jobs are accepted, and what is left of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.durability.disk import new_disk
from benchmarks.durability.producers import Producers, Told, found, open_doors
from tests.hosts import Lan
from tests.nodes import wait_for
from tests.sentinels import Guarded
from tests.servers import Valkey, binary

AFTER_S = 3.0
SPLIT_S = 10.0
"""For how long the primary is cut off: long enough for another to be in its place."""


@dataclass(frozen=True)
class Loss:
    """What one end has cost. ``gone_at``: when those were accepted that are gone, in s from the end.

    ``lied``: refused for sure, and there all the same. ``unknown``: producers got no answer, and were told so.
    ``by_hand``: the server did not start with what was left, before its append-only file was mended.
    """

    accepted: int
    gone_at: list[float]
    refused: int
    lied: int
    unknown: int
    took_s: list[float]
    by_hand: bool

    @classmethod
    def of(cls, told: Told, look: redis.Redis, ended_at: float, *, by_hand: bool = False) -> Loss:
        """Look for every job."""
        there = found(look, [ref for _, ref in told.accepted])
        gone = [at for (at, _), is_there in zip(told.accepted, there, strict=True) if not is_there]
        return cls(
            accepted=len(told.accepted),
            gone_at=[at - ended_at for at in gone],
            refused=len(told.refused),
            lied=sum(found(look, told.refused)),
            unknown=len(told.unknown),
            took_s=told.took_s,
            by_hand=by_hand,
        )


End = Callable[[Mapping[str, Any], Path, float], Loss]
"""Options of the server, an empty folder, and for how long jobs are accepted before the end, in s."""


def process_killed(options: Mapping[str, Any], folder: Path, seconds: float) -> Loss:
    """SIGKILL to the server; its host lives, and so does what the server has written."""
    server = Valkey(**options)
    try:
        with server.connect() as client:
            open_doors(client)
        with Producers(server.url, folder) as producers:
            time.sleep(seconds)
            server.kill()
            ended_at = time.monotonic()
        server.start()
        with server.connect() as client:
            return Loss.of(producers.told, client, ended_at)
    finally:
        server.close()


def power_cut(options: Mapping[str, Any], folder: Path, seconds: float) -> Loss:
    """What the disk held at that moment is all that is left."""
    with new_disk(folder) as disk, ExitStack() as servers:
        server = Valkey(dir=str(disk.path), **options)
        servers.callback(server.close)
        with server.connect() as client:
            open_doors(client)
        with Producers(server.url, folder) as producers:
            time.sleep(seconds)
            server.freeze()
            ended_at = time.monotonic()
            left = disk.after_a_power_cut()
            server.kill()
        again, by_hand = _brought_up(left, options)
        servers.callback(again.close)
        with again.connect() as client:
            return Loss.of(producers.told, client, ended_at, by_hand=by_hand)


def _brought_up(folder: Path, options: Mapping[str, Any]) -> tuple[Valkey, bool]:
    """A server on what is left, and whether its file had to be mended first."""
    try:
        return Valkey(dir=str(folder), **options), False
    except AssertionError:
        manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
        # Under this name the server is the tool.
        subprocess.run(  # noqa: S603 - our own command
            ["valkey-check-aof", "--fix", manifest],  # noqa: S607 - not looked for: see executable
            executable=binary(),
            input=b"y\n",
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return Valkey(dir=str(folder), **options), True


def primary_killed(options: Mapping[str, Any], folder: Path, seconds: float) -> Loss:
    """SIGKILL to the primary of three; the sentinels put a replica in its place."""
    guarded = Guarded(options)
    try:
        with guarded.primary.connect() as client:
            open_doors(client)
        with Producers(guarded.url, folder) as producers:
            time.sleep(seconds)
            guarded.primary.kill()
            ended_at = time.monotonic()
            guarded.fail_over(lambda: None)
            time.sleep(AFTER_S)
        with guarded.primary.connect() as client:
            return Loss.of(producers.told, client, ended_at)
    finally:
        guarded.close()


def primary_cut_off(options: Mapping[str, Any], folder: Path, seconds: float) -> Loss:
    """The primary's host, with the producers on it, loses the others, who go on with a primary of their own."""
    lan = Lan()
    with ExitStack() as stack:
        stack.callback(lan.close)
        hosts = [lan.host(name) for name in ("a", "b", "c")]
        guarded = Guarded(options, hosts=hosts)
        stack.callback(guarded.close)
        old = guarded.primary
        with old.connect() as client:
            open_doors(client)
        with Producers(guarded.url, folder, host=hosts[0]) as producers:
            time.sleep(seconds)
            lan.cut(hosts[0])
            ended_at = time.monotonic()
            guarded.fail_over(lambda: None, told=guarded.sentinels[1:])
            time.sleep(max(0.0, ended_at + SPLIT_S - time.monotonic()))
            lan.heal(hosts[0])
            with old.connect() as client:
                wait_for(
                    "the old primary to follow", lambda: client.info("replication")["role"] == "slave", 60
                )
            time.sleep(AFTER_S)
        with guarded.primary.connect() as client:
            return Loss.of(producers.told, client, ended_at)
