"""Redis goes away under workers: they come back by themselves, and what they were doing goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis

from orchestrator import submission
from orchestrator.broker import make_app
from orchestrator.canvas import bare, send
from orchestrator.client import Client
from orchestrator.contracts.events import JobEnd, StepRecovered
from orchestrator.pausing import pause, resume
from orchestrator.store import history
from orchestrator.store.archive import archive_in
from tests.integration.conftest import StartWorker, question
from tests.integration.outages.conftest import Busy, threads_and_files
from tests.nodes import ProcessNode, wait_for
from tests.proxy import Proxy
from tests.servers import Valkey, unacked

pytestmark = pytest.mark.integration


def lost_contact(worker: ProcessNode, times: int = 1) -> None:
    wait_for(
        "the worker to lose its broker", lambda: worker.logs().count("Connection to broker lost") >= times
    )


def connected(worker: ProcessNode, times: int) -> None:
    wait_for("the worker to be connected", lambda: worker.logs().count("Connected to") >= times, 60)


@pytest.mark.parametrize(
    ("end", "away_s"),
    [
        ("stop", 1),
        pytest.param("kill", 1, marks=pytest.mark.soak),
        pytest.param("stop", 6, marks=pytest.mark.soak),
        pytest.param("kill", 7, marks=pytest.mark.soak),
        pytest.param("kill", 20, marks=pytest.mark.soak),  # a model that says nothing for 30 s has stalled
    ],
)
def test_a_busy_worker_goes_on_after_a_restart(
    busy: Busy, start_busy: StartWorker, valkey: Valkey, look: redis.Redis, end: str, away_s: int
) -> None:
    """With seven seconds every lease has run out by the time that Redis is back."""
    worker = start_busy()
    busy.begin(5)
    time.sleep(1.2)  # everysec: what was written is on disk, so that nothing but the outage is tested
    getattr(valkey, end)()
    lost_contact(worker)
    time.sleep(away_s)
    valkey.start()
    busy.finish()
    busy.check(worker, look)
    assert not any(isinstance(e, StepRecovered) for ref in busy.refs for e in history(look, ref))


@pytest.mark.parametrize("away_s", [1, pytest.param(30, marks=pytest.mark.soak)])
def test_what_ends_while_redis_is_away_is_written_when_it_is_back(
    busy: Busy, start_busy: StartWorker, valkey: Valkey, look: redis.Redis, away_s: int
) -> None:
    worker = start_busy()
    busy.begin(5)
    valkey.stop()
    lost_contact(worker)
    busy.finish()
    wait_for("all ten outputs to wait", lambda: worker.logs().count('"redis_away"') >= 10)
    time.sleep(away_s)
    valkey.start()
    busy.check(worker, look)


@pytest.mark.parametrize("cycles", [3, pytest.param(15, marks=pytest.mark.soak)])
def test_outages_leave_no_thread_and_no_connection_behind(
    busy: Busy, start_busy: StartWorker, valkey: Valkey, look: redis.Redis, cycles: int
) -> None:
    worker = start_busy()

    def cycle(number: int) -> None:
        busy.begin(5)
        valkey.stop()
        lost_contact(worker, number)
        valkey.start()
        connected(worker, number + 1)
        busy.finish()
        busy.check(worker, look)

    first = cycles // 3
    for number in range(1, first + 1):
        cycle(number)
    threads, files = threads_and_files(worker)
    for number in range(first + 1, cycles + 1):
        cycle(number)
    now = threads_and_files(worker)
    assert now[0] <= threads + 10, "the pool itself may have grown"
    assert now[1] <= files + 12, "so may the connections of its threads, three files each"


def test_an_idle_worker_and_its_threads_come_back(
    start_worker: StartWorker,
    producer: Client,
    valkey: Valkey,
    look: redis.Redis,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The consumer, the sweep, the archiver and the one that looks for paused queues."""
    worker = start_worker()
    valkey.stop()
    lost_contact(worker)
    valkey.start()
    connected(worker, 2)

    pause(look, ["thesis"], who="a test", why="to see it obeyed")
    wait_for("the pause to be obeyed", lambda: '"queues_paused"' in worker.logs())
    resume(look, ["thesis"], who="a test")
    wait_for("the end of the pause to be obeyed", lambda: '"queues_resumed"' in worker.logs())

    monkeypatch.setattr(submission, "send", lambda *_: None)  # a message that is lost on its way
    ref = producer.submit(question()).ref
    assert producer.wait(ref, within_s=30).status == "complete"
    assert any(isinstance(event, StepRecovered) for event in history(look, ref))
    archive = archive_in(home)
    wait_for(
        "the job's end to be archived", lambda: any(isinstance(event, JobEnd) for event in archive.recent(50))
    )
    archive.close()


def test_a_worker_that_is_told_to_stop_while_redis_is_away_stops(
    start_worker: StartWorker, valkey: Valkey
) -> None:
    worker = start_worker()
    valkey.stop()
    lost_contact(worker)
    worker.kill("SIGTERM")
    assert worker.wait(20) == 0


def test_cut_connections_under_load_cost_no_call_and_no_message(
    busy: Busy, start_busy: StartWorker, proxy: Proxy, look: redis.Redis
) -> None:
    worker = start_busy(REDIS_URL=proxy.url)
    for cut in range(1, 6):
        busy.begin(2)
        assert proxy.cut() > 0
        lost_contact(worker, cut)
        busy.finish()
        proxy.cut()
        connected(worker, cut + 1)
    busy.check(worker, look)


@pytest.mark.soak
def test_a_half_open_connection_is_given_up_and_the_steps_go_on(
    busy: Busy, start_busy: StartWorker, proxy: Proxy, look: redis.Redis
) -> None:
    """Nothing is answered any more and nothing is closed: as when a firewall forgets."""
    worker = start_busy(REDIS_URL=proxy.url)
    busy.begin(3)
    proxy.go_dumb()
    busy.finish()
    busy.check(worker, look)


def test_a_server_that_stands_still_is_waited_for(
    busy: Busy, start_busy: StartWorker, valkey: Valkey, look: redis.Redis
) -> None:
    worker = start_busy()
    busy.begin(3)
    valkey.freeze()
    wait_for("a missed heartbeat", lambda: "heartbeat_missed" in worker.logs())
    busy.finish()
    valkey.thaw()
    busy.check(worker, look)


@pytest.mark.soak
def test_a_slow_network_costs_time_and_no_lease(
    busy: Busy, start_busy: StartWorker, proxy: Proxy, look: redis.Redis
) -> None:
    """A round trip of 100 ms."""
    worker = start_busy(REDIS_URL=proxy.url)
    proxy.slow(0.05)
    busy.begin(3)
    time.sleep(7)  # a lease lives for six seconds: it has been renewed, or is lost
    busy.finish()
    busy.check(worker, look)
    assert "lease_gone" not in worker.logs()


def test_an_acknowledgement_that_was_lost_on_its_way_is_made_up_for(
    busy: Busy, start_busy: StartWorker, proxy: Proxy, look: redis.Redis
) -> None:
    worker = start_busy(REDIS_URL=proxy.url)
    busy.begin(1)
    wait_for("the plan's acknowledgement", lambda: unacked(look) == {"unacked": 2, "index": 2})
    proxy.lose(b"HDEL")
    busy.finish()
    assert proxy.lost.wait(20)
    busy.check(worker, look)


def test_a_step_that_was_begun_is_not_begun_again_before_its_owner_could_say_that_it_lives(
    busy: Busy, start_busy: StartWorker, valkey: Valkey, look: redis.Redis
) -> None:
    """Its lease ran out during the outage, and a second message of it waits in the queue when Redis is back."""
    owner = start_busy()
    busy.begin(1)
    other = start_busy(TRIPTYCH_LOG_LEVEL="DEBUG")  # it writes a line for each message
    valkey.stop()
    for worker in (owner, other):
        lost_contact(worker)
    time.sleep(7)
    owner.kill("SIGSTOP")  # it cannot be the first to speak
    valkey.start()
    app = make_app(busy.producer.settings)
    send([bare(app, busy.refs[0], "thesis", "parallel")])
    wait_for("the second message to be taken", lambda: "thesis] received" in other.logs())
    owner.kill("SIGCONT")
    wait_for("the second message to be dropped", lambda: '"delivery_dropped"' in other.logs())
    busy.finish()
    busy.check(owner, look)
