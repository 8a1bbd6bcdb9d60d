"""What a worker's pools hold when its slots have nothing to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import redis

from tests.nodes import ProcessNode, wait_for
from workers.__main__ import main
from workers.process import connections as workers_connections
from workers.process.connections import Connections

pytestmark = pytest.mark.integration

TOGETHER = 12


def held(client: redis.Redis, name: str) -> int:
    """How many connections of that name Redis has."""
    return sum(one["name"] == name for one in client.client_list())


def test_idle_connections_are_closed_and_those_in_use_are_not(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.process.connections.EVERY_S", 0.1)
    other = redis.Redis.from_url(redis_url, client_name="other")
    connections = Connections(
        f"{redis_url}{'&' if '?' in redis_url else '?'}client_name=ours", lambda: [other]
    )
    ours = connections.client()
    together = Barrier(TOGETHER)

    def use() -> None:
        with ours.client() as one:
            one.ping()
            together.wait()

    with ThreadPoolExecutor(TOGETHER) as threads:
        for done in [threads.submit(use) for _ in range(TOGETHER)]:
            done.result()
        other.ping()
        assert (held(client, "ours"), held(client, "other")) == (TOGETHER, 1)

        reading = threads.submit(ours.blpop, ["nothing-yet"], 30)
        wait_for("the read", lambda: any(one["cmd"] == "blpop" for one in client.client_list()))
        connections.start()
        wait_for("the rest to go", lambda: (held(client, "ours"), held(client, "other")) == (1, 0))
        client.rpush("nothing-yet", "now")
        assert reading.result() == ("nothing-yet", "now")
    connections.close()
    assert ours.ping()
    assert other.ping()


def hasty(arguments: list[str]) -> int:
    """A worker that closes what lies idle ten times a second."""
    workers_connections.EVERY_S = 0.1
    return main(arguments)


def test_a_worker_does_so(redis_url: str, client: redis.Redis, home: Path, tmp_path: Path) -> None:
    swept: set[str] = set()

    def gone() -> set[str]:
        """Connections that had run a script, as each sweep does, and are there no more."""
        there = {one["id"]: one["cmd"] for one in client.client_list()}
        swept.update(one for one, command in there.items() if command == "evalsha")
        return swept - there.keys()

    env = {"REDIS_URL": redis_url, "TRIPTYCH_HOME": str(home), "TRIPTYCH_MODEL": "extractive"}
    worker = ProcessNode("worker", hasty, folder=tmp_path, env=env, ready="worker_ready")
    try:
        worker.ready()
        wait_for("an idle connection to go", gone)
    finally:
        worker.teardown()
