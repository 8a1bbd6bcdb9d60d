"""A Redis behind sentinels fails over: everybody follows it to the new primary, and jobs finish."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from orchestrator.client import Client
from orchestrator.errors import StoreRefused
from orchestrator.exporter.serve import Exporter
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from tests.integration.conftest import StartWorker, Triptych, question
from tests.integration.operators.conftest import Scraped, get
from tests.integration.outages.conftest import Busy
from tests.nodes import ProcessNode, wait_for
from tests.sentinels import ASKING_PASSWORD, NAME, PASSWORD, Guarded
from tests.servers import free_port

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def all_servers() -> Iterator[Guarded]:
    servers = Guarded()
    yield servers
    servers.close()


@pytest.fixture
def guarded(all_servers: Guarded) -> Guarded:
    """All of them running, and empty."""
    all_servers.mend()
    with all_servers.primary.connect() as client:
        client.flushall()
    return all_servers


@pytest.fixture
def redis_url(guarded: Guarded) -> str:
    return guarded.url


def crash(guarded: Guarded) -> None:
    wait_for("the replicas to be in step", guarded.in_step)
    guarded.fail_over(guarded.primary.kill)


def freeze(guarded: Guarded) -> None:
    wait_for("the replicas to be in step", guarded.in_step)
    guarded.fail_over(guarded.primary.freeze)


def hand_over(guarded: Guarded) -> None:
    """As for maintenance: the old primary lives on, and takes writes until it knows."""
    wait_for("the replicas to be in step", guarded.in_step)
    guarded.fail_over(lambda: guarded.sentinels[0].client.sentinel_failover(NAME))


def hand_over_in_order(guarded: Guarded) -> None:
    """The old primary waits until a replica has everything: Valkey 9 has a word for it."""
    sentinel = guarded.sentinels[0].client
    guarded.fail_over(lambda: sentinel.execute_command("SENTINEL FAILOVER", NAME, "COORDINATED", once=True))


@contextmanager
def followed(producer: Client, refs: list[JobRef]) -> Iterator[dict[JobRef, list[str]]]:
    """Hear every event of these jobs, by its id, until all have ended."""
    heard: dict[JobRef, list[str]] = {ref: [] for ref in refs}

    def follow(ref: JobRef) -> None:
        heard[ref].extend(
            entry_id for entry_id, event in producer.stream(ref, watch=False) if event is not None
        )

    following = [threading.Thread(target=follow, args=[ref]) for ref in refs]
    for thread in following:
        thread.start()
    yield heard
    for thread in following:
        thread.join(60)


@pytest.mark.parametrize(
    "fail_over",
    [
        crash,
        pytest.param(hand_over, marks=pytest.mark.soak),
        pytest.param(hand_over_in_order, marks=pytest.mark.soak),
        pytest.param(freeze, marks=pytest.mark.soak),
    ],
)
def test_jobs_finish_and_those_who_follow_them_miss_nothing(
    busy: Busy, start_busy: StartWorker, guarded: Guarded, fail_over: Callable[[Guarded], None]
) -> None:
    worker = start_busy()
    busy.begin(3)
    with followed(busy.producer, busy.refs) as heard:
        fail_over(guarded)
        busy.finish()
        look = guarded.primary.connect()
        busy.check(worker, look)
    for ref in busy.refs:
        assert heard[ref] == [entry_id for entry_id, _ in cast("list[Any]", look.xrange(ref.events))]
    for secret in (PASSWORD, ASKING_PASSWORD):
        assert secret not in worker.logs()


def test_a_primary_without_replicas_refuses_what_could_be_lost(guarded: Guarded, producer: Client) -> None:
    """With min-replicas-to-write: it may be the one that is cut off."""
    spec = question()
    for replica in guarded.replicas:
        replica.freeze()
    with guarded.primary.connect() as look:
        wait_for("it to notice", lambda: look.info("replication")["min_slaves_good_slaves"] == 0)
        with pytest.raises(StoreRefused, match=r"fewer replicas.*min-replicas-to-write"):
            producer.submit(spec)
        assert not look.exists(JobRef(spec.tenant, spec.task_id).job)
    guarded.mend()
    assert producer.submit(spec).created


@pytest.mark.soak
def test_operators_see_the_new_primary(guarded: Guarded, tmp_path: Path, triptych: Triptych) -> None:
    flower_port = free_port()
    flower = ProcessNode(
        "flower",
        [str(Path(sys.executable).with_name("triptych")), "flower", "--no-login", "--port", str(flower_port)],
        folder=tmp_path,
        env={"REDIS_URL": guarded.url},
        ready=f"http://127.0.0.1:{flower_port}/",
    )
    exporter = Exporter(guarded.url, host="127.0.0.1", port=0)
    try:
        flower.ready()
        assert Scraped(exporter.port)("triptych_redis_up") == 1
        crash(guarded)
        wait_for("the exporter", lambda: Scraped(exporter.port)("triptych_redis_up") == 1)
        with guarded.primary.connect() as look:
            wait_for("Flower to listen", lambda: look.pubsub_numpat() > 0)
        assert get(flower_port, "/broker")[0] == 200
        said = triptych("doctor", "--json")
    finally:
        exporter.close()
        flower.teardown()
    redis_says = [f for f in json.loads(said.stdout)["findings"] if f["check"] == "redis"]
    assert redis_says[0]["level"] == "ok", said.stdout
    for secret in (PASSWORD, ASKING_PASSWORD):
        assert secret not in said.stdout + said.stderr + flower.logs()


def test_a_client_leaves_no_connection_to_the_sentinels_behind(guarded: Guarded) -> None:
    def connections() -> int:
        clients = [c for sentinel in guarded.sentinels for c in sentinel.client.client_list()]
        return sum(c["cmd"] == "sentinel|masters" for c in clients)

    before = connections()
    for _ in range(5):
        with Client(Settings(redis_url=SecretStr(guarded.url))) as client:
            client.check()
    wait_for("their ends to be seen", lambda: connections() <= before)


@pytest.mark.soak
def test_jobs_go_on_through_one_failover_after_the_other(
    guarded: Guarded, start_worker: StartWorker, producer: Client
) -> None:
    """Under load, with the primary killed each time and started again as a replica."""
    worker = start_worker()
    done: set[JobRef] = set()
    for _ in range(5):
        refs = [producer.submit(question()).ref for _ in range(10)]
        crash(guarded)
        refs += [producer.submit(question()).ref for _ in range(10)]
        assert {producer.wait(ref, within_s=60).status for ref in refs} == {"complete"}
        done.update(refs)
        guarded.mend()
    assert worker.status == "running"
    assert len(done) == 100
