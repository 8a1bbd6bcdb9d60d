"""The fleet's exporter against a real Redis and real workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from orchestrator import rolling
from orchestrator.broker import ALL_QUEUES, make_app, queue_for
from orchestrator.canvas import bare, send
from orchestrator.client import Client
from orchestrator.contracts.rollout import Stage
from orchestrator.doctor.judging import judge_load
from orchestrator.errors import AdmissionClosed
from orchestrator.exporter.sample import STEPS, take_sample
from orchestrator.exporter.serve import Exporter
from orchestrator.pausing import pause
from orchestrator.settings import Settings
from orchestrator.settings.limits import Limit
from orchestrator.store import JobRef, keys
from orchestrator.store.archive import archive_in
from orchestrator.store.archiving import Bounds, archive_and_trim
from orchestrator.store.desk import question_id
from orchestrator.store.endpoints import BreakerPolicy, EndpointStore, Scope
from orchestrator.switch import set_mode
from tests.integration.conftest import StartWorker, question
from tests.integration.operators.conftest import Scraped, get
from tests.nodes import ROOT, wait_for
from tests.servers import Valkey

pytestmark = pytest.mark.integration


def test_an_idle_fleet_has_every_queue_and_step_at_zero(exporter: Exporter) -> None:
    seen = Scraped(exporter.port)
    assert seen("triptych_redis_up") == 1
    for queue in ALL_QUEUES:
        assert seen("triptych_queue_messages", queue=queue) == 0
        assert seen("triptych_queue_oldest_seconds", queue=queue) == 0
        assert seen("triptych_queue_paused", queue=queue) == 0
    for step in STEPS:
        assert seen("triptych_steps_running", step=step) == 0
    assert seen("triptych_jobs_active") == 0
    assert seen.total("triptych_rollout_phase") == 0
    assert "triptych_rollout_share" not in seen.names()


def test_endpoints_that_rest_are_counted_by_their_provider(exporter: Exporter, client: redis.Redis) -> None:
    store, policy = EndpointStore(client), BreakerPolicy()
    a, b = (
        [Scope.of("http://m:80", name, Limit()) for name in ("openai", f"openai:{model}")] for model in "ab"
    )
    for _ in range(policy.failures):
        store.settle("w/1", a, ("ok", "failed"), policy=policy)
    store.settle("w/1", b, ("ok", "nothing"), cool_s=60.0, policy=policy)
    seen = Scraped(exporter.port)
    for name in ("triptych_endpoints_open", "triptych_endpoints_cooling"):
        assert (seen(name, provider="openai"), seen(name, provider="anthropic")) == (1, 0)


def test_a_job_is_counted_once_by_whoever_ran_it(
    exporter: Exporter, start_worker: StartWorker, producer: Client
) -> None:
    exporter.tail.turn()
    start_worker()
    start_worker()
    for mode in ("sequential", "parallel", "parallel"):
        producer.wait(producer.submit(question(mode=mode)).ref)
    exporter.tail.turn()
    exporter.tail.turn()
    seen = Scraped(exporter.port)
    assert seen("triptych_jobs_submitted_total") == 3
    assert seen("triptych_jobs_total", mode="parallel", status="complete") == 2
    assert seen("triptych_jobs_total", mode="sequential", status="complete") == 1
    assert seen("triptych_jobs_evidence_ok_total", mode="parallel") == 2
    assert seen("triptych_job_critical_path_seconds_count", mode="parallel") == 2
    assert seen.total("triptych_job_duration_seconds_count") == 3


def test_a_restarted_exporter_counts_what_ended_meanwhile_and_nothing_twice(
    redis_url: str, producer: Client, client: redis.Redis
) -> None:
    def counted(turns: int) -> float | None:
        exporter = Exporter(redis_url, host="127.0.0.1", port=0)
        try:
            for _ in range(turns):
                exporter.tail.turn()
            return Scraped(exporter.port)("triptych_jobs_total", mode="none", status="failed")
        finally:
            exporter.close()

    def cancelled() -> None:
        producer.cancel(producer.submit(question()).ref, who="test")

    cancelled()
    assert counted(1) == 0, "what ended before the first exporter ever ran is history"
    cancelled()
    cancelled()
    assert counted(2) == 2
    assert counted(2) == 0


def test_what_waits_and_for_how_long_is_seen_per_queue(
    exporter: Exporter, producer: Client, client: redis.Redis
) -> None:
    """No worker runs: messages lie in their queue."""
    first, second = (producer.submit(question()).ref for _ in range(2))
    # A question to the judge is no job's, though its id reads like one of a tenant "judge".
    old = json.dumps({"headers": {"id": f"judge.default.{'0' * 32}"}})  # of a client that gives it no time
    client.lpush(f"{queue_for('judge')}:9", old)
    client.hset(JobRef("judge", "default").job, "accepted_ms", 1)
    client.hset(first.job, "sent:plan", producer.store.now_ms() - 90_000)
    seen = Scraped(exporter.port)
    assert seen("triptych_queue_messages", queue="plan") == 2
    assert 90 <= (seen("triptych_queue_oldest_seconds", queue="plan") or 0) < 100
    assert seen("triptych_queue_messages", queue="thesis") == 0
    assert seen("triptych_queue_messages", queue="judge") == 1
    assert seen("triptych_queue_oldest_seconds", queue="judge") is None
    assert seen("triptych_jobs_active") == 2
    assert second != first


def test_how_long_the_oldest_question_has_waited_is_seen_and_the_doctor_warns(
    producer: Client, client: redis.Redis
) -> None:
    for ago_ms in (90_000, 10_000):
        name = question_id("acme", producer.store.now_ms() - ago_ms)
        client.lpush(f"{queue_for('judge')}:9", json.dumps({"body": "A" * 100_000, "headers": {"id": name}}))
    sample = take_sample(producer.redis)
    assert sample.queues["judge"].waiting == 2
    assert 90 <= (sample.queues["judge"].oldest_s or 0) < 100
    assert [(found.check, found.level) for found in judge_load(sample, {})] == [("queue judge", "warning")]


def test_of_the_oldest_message_only_the_end_is_read(producer: Client, client: redis.Redis) -> None:
    """It is bounded by Redis alone, and read once a second: at worst its age is not known."""
    producer.submit(question())
    (own,) = (raw for name in keys.queue_lists(queue_for("plan")) if (raw := client.lindex(name, -1)))
    before = client.info("stats")["total_net_output_bytes"]
    client.rpush(
        queue_for("plan"), json.dumps({"body": "A" * 5_000_000} | {"headers": json.loads(own)["headers"]})
    )
    client.rpush(queue_for("thesis"), b'{"headers": {"id": "' + "é".encode() * 3_000)
    sample = take_sample(producer.redis)
    assert client.info("stats")["total_net_output_bytes"] - before < 200_000
    assert sample.queues["plan"].oldest_s is not None
    assert (sample.queues["thesis"].waiting, sample.queues["thesis"].oldest_s) == (1, None)


def test_the_age_of_a_message_nobody_recorded_is_that_of_its_inputs(
    settings: Settings, producer: Client, client: redis.Redis
) -> None:
    """The chord sends the synthesis itself: its step became runnable when the last of its inputs ended."""
    ref = producer.submit(question()).ref
    client.hset(ref.job, mapping={"ended:thesis": producer.store.now_ms() - 40_000})
    client.hset(ref.job, mapping={"accepted_ms": producer.store.now_ms() - 90_000})
    send([bare(make_app(settings), ref, "synthesis", "parallel")])
    age = take_sample(producer.redis).queues["synthesis"].oldest_s
    assert age is not None
    assert 40 <= age < 50


def test_messages_that_are_not_ours_wait_without_an_age(producer: Client, client: redis.Redis) -> None:
    for raw in ("", "{", "[]", json.dumps({"headers": {"id": 5}}), json.dumps({"headers": {"id": "a.b"}})):
        client.delete(queue_for("plan"))
        client.lpush(queue_for("plan"), raw)
        sample = take_sample(producer.redis)
        assert (sample.queues["plan"].waiting, sample.queues["plan"].oldest_s) == (1, None)


def test_running_steps_and_overdue_jobs_are_seen(producer: Client) -> None:
    store = producer.store
    ref = producer.submit(question()).ref
    late = producer.submit(question(deadline_s=0.001)).ref
    assert store.acquire(ref, "plan", "somebody").status == "granted"
    sample = take_sample(producer.redis)
    assert sample.running["plan"] == 1
    assert sum(sample.running.values()) == 1
    assert (sample.active, sample.overdue) == (2, 1)
    assert late != ref


def test_what_waits_for_the_ledgers_archive_is_seen_and_whether_jobs_are_admitted(
    exporter: Exporter, producer: Client, client: redis.Redis, home: Path
) -> None:
    archive, bounds = archive_in(home), Bounds(backlog=3)
    client.xadd(keys.LEDGER, {"e": "{}"}, id=f"{producer.store.now_ms() - 7_200_000}-0")
    first = take_sample(producer.redis)
    assert (first.ledger_entries, first.archive.admission.waiting) == (1, 1)
    assert 7_200 <= first.archive.waiting_s < 7_210
    assert archive_and_trim(client, archive, bounds)
    for _ in range(3):
        client.xadd(keys.LEDGER, {"e": "{}"})
    with pytest.raises(AdmissionClosed):
        producer.submit(question())
    seen = Scraped(exporter.port)
    assert seen("triptych_ledger_unarchived_entries") == seen("triptych_ledger_backlog_entries") == 3
    assert 0 <= (seen("triptych_ledger_unarchived_seconds") or 0) < 10
    assert seen("triptych_admission_open") == 0
    assert seen("triptych_jobs_refused_total", bound="ledger") == 1
    client.delete(keys.ARCHIVE_LOCK)
    assert archive_and_trim(client, archive, bounds)
    sample = take_sample(producer.redis)
    assert (sample.archive.admission.open, sample.archive.waiting_s) == (True, 0)


def test_what_somebody_else_put_in_our_keys_costs_its_own_figure_only(
    exporter: Exporter, producer: Client, client: redis.Redis
) -> None:
    exporter.tail.turn()
    good, bad = (producer.submit(question()).ref for _ in range(2))
    client.delete(bad.job)
    client.set(bad.job, "not a hash")
    assert Scraped(exporter.port)("triptych_queue_messages", queue="plan") == 2
    producer.cancel(good, who="test")
    client.delete(good.events)
    client.set(good.events, "not a stream")
    exporter.tail.turn()
    assert Scraped(exporter.port)("triptych_jobs_total", mode="none", status="failed") == 1


def test_a_paused_queue_is_seen(exporter: Exporter, client: redis.Redis) -> None:
    pause(client, ["thesis"], who="test", why="a test")
    seen = Scraped(exporter.port)
    assert seen("triptych_queue_paused", queue="thesis") == 1
    assert seen("triptych_queue_paused", queue="plan") == 0


def test_a_switched_mode_is_seen(exporter: Exporter, client: redis.Redis) -> None:
    set_mode(client, "sequential", who="test", why="a test")
    seen = Scraped(exporter.port)
    assert seen("triptych_mode_switched", mode="sequential") == 1
    assert seen("triptych_mode_switched", mode="parallel") == 0


def test_the_sweeps_age_falls_when_a_sweep_is_seen(exporter: Exporter, client: redis.Redis) -> None:
    exporter.tail.turn()
    before = exporter.tail.sweep_age_s
    client.set(keys.SWEEP_LOCK, "somebody", px=900)
    exporter.tail.turn()
    assert 0 < exporter.tail.sweep_age_s < before


def test_entries_that_are_no_event_are_counted_and_passed_by(exporter: Exporter, client: redis.Redis) -> None:
    exporter.tail.turn()
    client.xadd(keys.LEDGER, {"e": "not json"})
    client.xadd(keys.LEDGER, {"x": "of another kind"})
    assert exporter.tail.turn() == 2
    assert Scraped(exporter.port)("triptych_ledger_unreadable_total") == 2


def test_where_redis_hangs_every_scrape_says_so_within_a_scrapers_patience() -> None:
    """A hung server answers nothing for longer than a scraper waits, and scrapes come one after another."""
    server = Valkey()
    exporter = Exporter(server.url, host="127.0.0.1", port=0)
    try:
        exporter.start()
        wait_for("Redis", lambda: Scraped(exporter.port)("triptych_redis_up") == 1)
        server.freeze()
        # The look of a moment ago is still shown for a second.
        wait_for("its silence", lambda: Scraped(exporter.port)("triptych_redis_up") == 0)
        # Each gives up after 10 s: a look of its own for each, one after another, would take a minute.
        with ThreadPoolExecutor(8) as scrapers:
            seen = list(scrapers.map(lambda _: Scraped(exporter.port), range(8)))
        assert [each("triptych_redis_up") for each in seen] == [0] * 8
        server.thaw()
        wait_for("Redis again", lambda: Scraped(exporter.port)("triptych_redis_up") == 1)
    finally:
        server.thaw()
        exporter.close()
        server.close()


def test_where_redis_is_away_the_exporter_says_that_and_nothing_else_of_the_fleet(tmp_path) -> None:
    exporter = Exporter(f"unix://{tmp_path}/nowhere.sock", host="127.0.0.1", port=0)
    try:
        exporter.start()
        seen = Scraped(exporter.port)
        assert seen("triptych_redis_up") == 0
        assert "triptych_queue_messages" not in seen.names()
        assert "triptych_jobs_active" not in seen.names()
        assert get(exporter.port, "/healthz")[0] == 200
    finally:
        exporter.close()


def test_the_command_serves_until_it_is_told_to_stop(
    redis_url: str, client: redis.Redis, free_port: int
) -> None:
    program = (
        f"from orchestrator.cli.operate.exporter import command; command(port={free_port}, host='127.0.0.1')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "REDIS_URL": redis_url},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    client.hset(keys.ROLLOUT, mapping={"spec": "none", "status": "none"})
    try:
        wait_for("the exporter", lambda: get(free_port, "/readyz")[0] == 200)
        assert Scraped(free_port)("triptych_redis_up") == 1
        process.send_signal(signal.SIGTERM)
        address, log = process.communicate(timeout=20)
        assert process.returncode == 0
        assert address == f"http://127.0.0.1:{free_port}/metrics\n"
        assert "rollout_not_read" in log
    finally:
        process.kill()


def test_a_rollout_is_seen_with_its_share_its_guard_and_both_sides(
    exporter: Exporter, client: redis.Redis
) -> None:
    stages = (Stage(share=5.0, hold_s=60, count=9),)
    spec = rolling.new_spec(
        from_mode="sequential", to_mode="parallel", stages=stages, margin=0.02, slower=0.1
    )
    rolling.start(client, spec, who="kim", why="trial")
    counts = {"5:canary:jobs": 3, "5:canary:failures": 1, "5:control:jobs": 40}
    client.hset(keys.ROLLOUT_TALLY, mapping={name: str(count) for name, count in counts.items()})
    seen = Scraped(exporter.port)
    assert seen("triptych_rollout_phase", phase="running") == 1
    assert seen("triptych_rollout_share") == 5
    assert 9 < (seen("triptych_rollout_evidence") or 0) < 11
    assert seen("triptych_rollout_jobs", side="control") == 40
    assert seen("triptych_rollout_failures", side="canary") == 1
