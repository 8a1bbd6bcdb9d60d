"""Redis users: each role can do all of its work, and nothing of anybody else's."""

from __future__ import annotations

import base64
import json
import shlex
import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from celery import Celery
from pydantic import SecretStr
from typer.testing import CliRunner

from orchestrator import acl
from orchestrator.broker import queue_for
from orchestrator.cli.main import app
from orchestrator.client import Client
from orchestrator.contracts.judging import ShownQuote, Silence, SupportQuestion
from orchestrator.errors import AdmissionClosed
from orchestrator.judging import JudgeClient
from orchestrator.rollout.tally import Counted
from orchestrator.settings import Settings
from orchestrator.store import JobRef, connect, keys
from orchestrator.store.admission import admission
from tests.integration.conftest import StartWorker, question
from tests.integration.operators.test_flower import flower_node
from tests.integration.store.conftest import result
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

PASSWORD = "p@ss/word"
LogIn = Callable[..., str]


def words(rules: str) -> list[str]:
    """The rules as arguments: a selector is one."""
    return shlex.split(rules.replace("(", '"(').replace(")", ')"'))


@pytest.fixture
def log_in(client: redis.Redis, redis_url: str) -> Iterator[LogIn]:
    """Makes a user of a role and gives the URL under which it connects."""
    names: list[str] = []

    def make(role: acl.Role, tenant: str = "default") -> str:
        names.append(f"{role}-{tenant}")
        told = words(acl.rules(role, tenant=tenant, password=PASSWORD))
        assert client.execute_command("ACL", "SETUSER", names[-1], *told)
        return redis_url.replace("unix://", f"unix://{names[-1]}:{quote(PASSWORD, safe='')}@")

    client.acl_log_reset()
    yield make
    for name in names:
        client.acl_deluser(name)


def refusals(client: redis.Redis) -> list[tuple[str, str, str]]:
    """Commands and keys that were refused: user, reason, what.

    Failed logins do not count. They raise where they happen, and a user of the test before, who is deleted while this
    process still reads under its name, tries again.
    """
    entries = [(str(e["username"]), str(e["reason"]), str(e["object"])) for e in client.acl_log()]
    return [entry for entry in entries if entry[1] != "auth"]


def producer_of(url: str, settings: Settings) -> Client:
    return Client(settings.model_copy(update={"redis_url": SecretStr(url)}))


def test_a_producer_and_a_worker_do_their_work_under_their_own_users(
    client: redis.Redis, settings: Settings, start_worker: StartWorker, log_in: LogIn
) -> None:
    worker = start_worker(REDIS_URL=log_in("worker"))
    with producer_of(log_in("producer", "acme"), settings) as producer:
        producer.check()
        spec = question(tenant="acme", mode="parallel", idempotency_key="k1")
        ref = producer.submit(spec).ref
        assert not producer.submit(spec).created
        assert [event for _, event in producer.stream(ref) if event is not None][-1].event == "job_end"  # type: ignore[union-attr]  # live text has none, and is not the last
        result = producer.result(ref)
        assert result is not None
        assert result.status == "complete"
        assert (
            producer.wait(producer.submit(question(tenant="acme", mode="sequential")).ref).status
            == "complete"
        )
        producer.cancel(producer.submit(question(tenant="acme")).ref, who="kim")
        asked = SupportQuestion(claim="x", quotes=(ShownQuote(quote="x"),))
        with JudgeClient(producer.settings, tenant="acme") as judge:
            ((_, reply),) = judge.ask([asked])
        assert isinstance(reply.opinion, Silence)
        assert reply.opinion.why == "no_model", "the extractive engine judges nothing"
    assert refusals(client) == []
    worker.kill("SIGTERM")
    assert worker.wait() == 0
    assert refusals(client) == []


def test_a_producer_is_told_that_admission_is_closed(
    client: redis.Redis, settings: Settings, log_in: LogIn
) -> None:
    client.hset(keys.ADMISSION, "ledger_backlog", "0")
    with producer_of(log_in("producer", "acme"), settings) as producer, pytest.raises(AdmissionClosed):
        producer.submit(question(tenant="acme"))
    assert refusals(client) == []
    assert admission(client).refused["ledger"] == 1


def test_a_producer_that_ends_a_job_counts_it_for_its_rollout(
    client: redis.Redis, settings: Settings, log_in: LogIn
) -> None:
    client.hset(keys.ROLLOUT_TALLY, mapping={"id": "r0123456789ab", "counted": "0"})
    with producer_of(log_in("producer", "acme"), settings) as producer:
        ref = producer.submit(question(tenant="acme")).ref
        counts = Counted("r0123456789ab", {"5:canary:jobs": 1})
        assert producer.store.finish(ref, result(ref), events=[], counts=counts).first
        with pytest.raises(redis.exceptions.NoPermissionError):
            producer.redis.hgetall(keys.ROLLOUT)
    assert client.hget(keys.ROLLOUT_TALLY, "5:canary:jobs") == "1"
    assert [(user, what) for user, _, what in refusals(client)] == [("producer-acme", keys.ROLLOUT)]


def test_a_producer_that_knows_only_celery(
    client: redis.Redis, start_worker: StartWorker, log_in: LogIn
) -> None:
    start_worker(REDIS_URL=log_in("worker"))
    url = log_in("celery-producer").replace("unix://", "redis+socket://")
    shop = Celery("shop", broker=url, backend=url, set_as_current=False)
    spec = json.loads(question().model_dump_json(exclude={"v", "task_id"}))
    sent = shop.send_task("triptych.submit", [spec], queue=queue_for("plan"))
    assert sent.get(timeout=30) == {"task_id": sent.id, "status": "complete"}
    shop.close()
    assert refusals(client) == []


OTHERS = JobRef("rival", "job1")
FORBIDDEN: tuple[tuple[object, ...], ...] = (
    ("HGETALL", OTHERS.job),
    ("HGET", OTHERS.job, "result"),
    ("XRANGE", OTHERS.events, "-", "+"),
    ("XREAD", "STREAMS", OTHERS.events, "0"),
    ("HGETALL", OTHERS.passages),
    ("GET", keys.idempotency("rival", "k")),
    ("DEL", OTHERS.job),
    ("HSET", OTHERS.job, "result", "{}"),
    ("SET", OTHERS.lease("thesis"), "mine"),
    ("EVAL", f"return redis.call('HGETALL', '{OTHERS.job}')", 0),
    ("EVAL", "return redis.call('HGETALL', KEYS[1])", 1, OTHERS.job),
    ("EVAL", f"return redis.call('XRANGE', '{keys.LEDGER}', '-', '+')", 1, keys.LEDGER),
    ("EVAL", f"return redis.call('DEL', '{keys.LEDGER}')", 1, keys.LEDGER),
    ("EVAL", "return redis.call('FLUSHALL')", 0),
    ("XRANGE", keys.LEDGER, "-", "+"),
    ("XTRIM", keys.LEDGER, "MAXLEN", "0"),
    ("HSET", keys.ADMISSION, "ledger_backlog", "1"),
    ("HINCRBY", keys.ADMISSION, "ledger_kept", "-1000000"),
    ("EVAL", "return redis.call('HSET', KEYS[1], 'ledger_backlog', 1)", 1, keys.ADMISSION),
    ("ZRANGE", keys.ACTIVE, "0", "-1"),
    ("LPUSH", queue_for("plan"), "a submit for any tenant"),
    ("LPUSH", queue_for("thesis"), "x"),
    ("LPUSH", queue_for("judge"), "x"),
    ("SET", keys.DESK, "1"),
    ("BRPOP", f"{queue_for('judge')}:9", "1"),
    ("MGET", "celery-task-meta-judge.rival.0"),
    ("DEL", "celery-task-meta-judge.rival.0"),
    ("MGET", "celery-task-meta-judge.acme.0", "celery-task-meta-0"),
    ("LRANGE", f"{queue_for('plan')}:9", "0", "-1"),
    ("BRPOP", f"{queue_for('plan')}:9", "1"),
    ("SADD", f"_kombu.binding.{queue_for('thesis')}", "x"),
    ("HGETALL", "unacked"),
    ("SET", f"{keys.ROOT}:mode", "{}"),
    ("HSET", f"{keys.ROOT}:paused", "plan", "{}"),
    ("XRANGE", f"{keys.ROOT}:dead", "-", "+"),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("SHUTDOWN",),
    ("DEBUG", "JMAP"),
    ("MONITOR",),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SCRIPT", "FLUSH"),
    ("REPLICAOF", "localhost", "1"),
    ("MODULE", "LIST"),
    ("SUBSCRIBE", "x"),
    ("PUBLISH", "/0.celery.pidbox", "{}"),
)


@pytest.mark.parametrize("command", FORBIDDEN, ids=lambda c: " ".join(map(str, c))[:60])
def test_a_producer_cannot(command: tuple[object, ...], client: redis.Redis, log_in: LogIn) -> None:
    acme = connect(log_in("producer", "acme"))
    with pytest.raises(
        redis.exceptions.RedisError, match=r"(?i)no permission|can't run this command|NOPERM|not allowed"
    ):
        acme.execute_command(*command)
    acme.close()


def test_a_tenants_name_that_begins_like_anothers_opens_nothing(client: redis.Redis, log_in: LogIn) -> None:
    client.hset(JobRef("acme-2", "job1").job, "spec", "{}")
    acme = connect(log_in("producer", "acme"))
    with pytest.raises(redis.exceptions.NoPermissionError):
        acme.hgetall(JobRef("acme-2", "job1").job)
    acme.close()


def test_a_celery_producer_reaches_no_record(client: redis.Redis, log_in: LogIn) -> None:
    shop = connect(log_in("celery-producer"))
    for command in (
        ("HGETALL", OTHERS.job),
        ("LPUSH", queue_for("thesis"), "x"),
        ("KEYS", "*"),
        ("EVAL", "return 1", 0),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            shop.execute_command(*command)
    shop.close()


def test_a_worker_cannot_administer(log_in: LogIn) -> None:
    worker = connect(log_in("worker"))
    for command in (
        ("CONFIG", "SET", "maxmemory", "1"),
        ("FLUSHALL",),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("GET", "theirs"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            worker.execute_command(*command)
    worker.close()


def test_operators_do_their_work(
    client: redis.Redis,
    producer: Client,
    start_worker: StartWorker,
    log_in: LogIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_worker()
    producer.wait(producer.submit(question()).ref)
    monkeypatch.setenv("REDIS_URL", log_in("operator"))
    monkeypatch.setenv("TRIPTYCH_MODEL", "extractive")
    for line in (
        "doctor --job --json", "report", "list", "ledger tail -n 5", "timeline last", "dlq list",
        "pause thesis --why x", "resume thesis", "mode set parallel --why x", "mode clear",
    ):  # fmt: skip
        done = CliRunner().invoke(app, shlex.split(line))
        assert refusals(client) == [], line
        assert done.exit_code in (0, 1), (line, done.output)


def test_the_command_prints_rules_that_redis_takes(client: redis.Redis) -> None:
    for role in acl.ROLES:
        done = CliRunner().invoke(
            app, ["acl", role, "--password-stdin"], input=f"{PASSWORD}\n", catch_exceptions=False
        )
        assert done.exit_code == 0
        assert PASSWORD not in done.output
        user, name, *rules = words(done.output.strip())
        assert user == "user"
        assert client.execute_command("ACL", "SETUSER", name, *rules)
        assert "on" in client.execute_command("ACL", "GETUSER", name)["flags"]
        client.acl_deluser(name)
    assert "resetpass" in CliRunner().invoke(app, ["acl", "worker"]).output


def test_flower_sees_tasks_and_reads_no_record(
    client: redis.Redis, producer: Client, start_worker: StartWorker, log_in: LogIn, tmp_path: Path
) -> None:
    start_worker()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = log_in("flower")
    flower = flower_node(tmp_path, port, {"REDIS_URL": url, "TRIPTYCH_FLOWER_LOGIN": "kim:secret"})
    try:
        flower.ready()

        def tasks() -> Any:
            request = urllib.request.Request(f"http://127.0.0.1:{port}/api/tasks")
            request.add_header("Authorization", f"Basic {base64.b64encode(b'kim:secret').decode()}")
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)

        def shown() -> (
            bool
        ):  # it switches the workers' events on when it has found them: earlier tasks are not told
            producer.wait(producer.submit(question()).ref)
            return bool(tasks())

        wait_for("Flower to show a job's tasks", shown)
        assert refusals(client) == []
    finally:
        flower.teardown()
    watcher = connect(url)
    for command_ in (
        ("HGETALL", OTHERS.job),
        ("LRANGE", queue_for("plan"), "0", "-1"),
        ("LPUSH", queue_for("plan"), "x"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            watcher.execute_command(*command_)
    watcher.close()
