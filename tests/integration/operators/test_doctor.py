"""The doctor at a real fleet's bedside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from orchestrator.broker import make_app, queue_for
from orchestrator.cli.operate import doctor
from orchestrator.client import Client
from orchestrator.contracts import Result
from orchestrator.corpus import Corpus
from orchestrator.doctor import Finding, examine
from orchestrator.doctor.about import ask_workers
from orchestrator.doctor.job import judge_result, run_smoke_job
from orchestrator.pausing import pause
from orchestrator.settings import Settings
from tests.integration.conftest import StartWorker, question
from tests.model_server import ModelServer, refuses
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(settings)}


def test_a_worker_says_what_it_is(settings: Settings, start_worker: StartWorker) -> None:
    start_worker("--queues", "plan,thesis", TRIPTYCH_MODEL_JUDGE="extractive")
    (about,) = ask_workers(make_app(settings)).workers
    assert about.queues == about.serves == ("plan", "thesis")
    assert about.models[0] == "thesis extractive"
    assert about.judge == "extractive"
    assert about.problems == ()
    assert about.archive.endswith(f":{settings.home}/ledger.sqlite")


def test_asking_leaves_nothing_behind_in_redis(
    settings: Settings, start_worker: StartWorker, client: redis.Redis
) -> None:
    start_worker()
    ask_workers(make_app(settings))
    before = {key: client.scard(key) for key in client.scan_iter("_kombu*") if client.type(key) == "set"}
    for _ in range(3):
        ask_workers(make_app(settings))
    assert {
        key: client.scard(key) for key in client.scan_iter("_kombu*") if client.type(key) == "set"
    } == before


def test_an_answer_that_came_too_late_is_no_harm_to_who_asks_next(
    settings: Settings, client: redis.Redis
) -> None:
    """Whoever asked leaves a read behind that waits for a second; the next one in this process hears what it read."""
    asker: Any = make_app(settings)
    replies = asker.control.mailbox.reply_queue.name
    late = {"body": "e30=", "headers": {"ticket": "of the first"}, "content-type": "application/json",
            "content-encoding": "utf-8", "properties": {"delivery_tag": "1", "body_encoding": "base64",
            "delivery_info": {"exchange": "reply.celery.pidbox", "routing_key": "x"}}}  # fmt: skip

    def taken() -> bool:
        ask_workers(asker, timeout_s=0.1)
        client.lpush(replies, json.dumps(late))
        return not client.exists(replies)

    wait_for("the read to take it", taken)
    assert ask_workers(make_app(settings), timeout_s=0.1).workers == ()
    assert list(client.scan_iter("*.reply.celery.pidbox")) == []


def test_a_fleet_in_order(settings: Settings, start_worker: StartWorker) -> None:
    start_worker()
    start_worker("--queues", "synthesis")
    findings = found(settings)
    # The test's Valkey neither persists nor has a limit, and the doctor says so.
    todo = {check for check, finding in findings.items() if finding.level in ("warning", "error")}
    assert todo == {"redis persistence", "redis memory"}
    assert findings["queue synthesis"].what.startswith("2 of 2")
    assert findings["queue plan"].what.startswith("1 of 2")


def test_without_workers_or_with_half_of_them(
    settings: Settings, start_worker: StartWorker, client: redis.Redis
) -> None:
    assert found(settings)["workers"].level == "error"
    start_worker("--queues", "plan,thesis,antithesis")
    client.lpush(f"{queue_for('judge')}:9", "a question")
    findings = found(settings)
    assert "1 questions wait" in findings["queue judge"].what
    assert findings["queue synthesis"].level == "error"
    assert findings["queue synthesis"].do == "triptych worker --queues synthesis"


def test_a_paused_queue_is_told_with_who_and_why(
    settings: Settings, start_worker: StartWorker, client: redis.Redis
) -> None:
    start_worker()
    pause(client, ["thesis"], who="kim@ops", why="model upgrade")
    assert "kim@ops: model upgrade" in found(settings)["queue thesis"].what


def test_an_endpoint_that_refuses_the_workers_is_told_without_being_asked(
    settings: Settings, start_worker: StartWorker, producer: Client
) -> None:
    """The key is the workers'; the doctor has none and asks nobody."""
    server = ModelServer()
    try:
        for form in ("thesis", "antithesis_standalone"):
            server.script(form, refuses(401, "no such key"))
        start_worker(**server.environment(key="sk-wrong"))
        assert producer.wait(producer.submit(question(mode="parallel")).ref).status == "failed"
        finding = found(settings)["calls to openai"]
    finally:
        server.close()
    assert (finding.level, finding.what) == ("error", "the workers' last 2 failed, for all retries (auth)")
    assert "OPENAI_API_KEY" in finding.do


def test_a_corpus_that_only_the_producer_has_is_told(
    settings: Settings, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "note.md").write_text("The pilot went well.")
    Corpus.add(settings.home, "handbook", [tmp_path / "note.md"])
    start_worker(TRIPTYCH_HOME=str(tmp_path / "elsewhere"))
    assert "no worker can read handbook" in found(settings)["corpora here"].what


@pytest.fixture
def evicting(client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", 512 * 2**20)
    yield
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 0)


def test_an_evicting_redis_is_an_error(settings: Settings, evicting: None) -> None:
    assert found(settings)["redis eviction"].level == "error"


def test_redis_away_is_an_error_and_no_password_is_shown(home: Path) -> None:
    away = Settings(redis_url=SecretStr("redis://user:s3cret@127.0.0.1:1/0"), home=home)
    finding = found(away)["redis"]
    assert finding.level == "error"
    assert "s3cret" not in finding.model_dump_json()


def test_without_a_fleet_the_private_one_is_looked_at(home: Path) -> None:
    findings = found(Settings(home=home))
    assert findings["redis"].level == "skipped"
    assert findings["private valkey"].level == "ok"


def test_a_home_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = found(Settings(home=tmp_path / "file"))["home"]
    assert finding.level == "error"
    assert "TRIPTYCH_HOME" in finding.do


def test_a_corpus_that_is_not_one_is_an_error_here_and_on_the_worker(
    settings: Settings, start_worker: StartWorker
) -> None:
    from orchestrator.corpus import Corpus

    document = settings.home / "a.txt"
    document.parent.mkdir(parents=True)
    document.write_text("The event queue reduced the delay from 9 hours to 4 minutes.")
    Corpus.build(settings.home, "good", [document])
    Corpus.build(settings.home, "bad", [document])
    start_worker()
    assert found(settings)["corpus good"].level == "ok"
    (bad,) = [path for path in settings.home.rglob("*") if path.is_file() and path.name.startswith("bad")][:1]
    bad.write_bytes(b"not an index")
    findings = found(settings)
    assert findings["corpus bad"].level == "error"
    assert any("corpus bad" in f.what for check, f in findings.items() if check.startswith("home of"))


def test_a_smoke_job_goes_through_the_fleet(producer: Client, start_worker: StartWorker) -> None:
    start_worker()
    (finding,) = run_smoke_job(producer)
    assert finding.level == "ok", finding


def test_a_smoke_job_that_nobody_takes_ends_by_itself(producer: Client, monkeypatch) -> None:
    monkeypatch.setattr("orchestrator.doctor.job.GRACE_MS", 0)
    (finding,) = run_smoke_job(producer, deadline_s=0.5)
    assert finding.level == "error"
    assert "triptych ledger show" in finding.do
    assert list(producer.store.active()) == [], "a smoke job is not left behind"


@pytest.mark.parametrize(
    ("status", "level"), [("complete", "ok"), ("degraded", "warning"), ("failed", "error")]
)
def test_what_the_smoke_job_came_to_is_its_finding(status: str, level: str) -> None:
    sample = Path("tests/unit/contracts/samples/v2/Result.json").read_text()
    result = Result.from_wire(sample).model_copy(update={"status": status})
    assert judge_result(result).level == level


def test_the_command_prints_one_json_object_and_exits_with_the_worst(
    settings: Settings, redis_url: str, monkeypatch, capsys, tmp_path: Path
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        doctor.command(job=False, model=False, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert stop.value.code == said["exit_code"] == 2
    assert {"check": "workers", "level": "error"}.items() <= next(
        f for f in said["findings"] if f["check"] == "workers"
    ).items()
    monkeypatch.setenv("TRIPTYCH_MODLE", "x")
    with pytest.raises(SystemExit):
        doctor.command(job=False, model=False, as_json=False)
    out = capsys.readouterr().out
    assert "✗ workers: no worker answers" in out
    assert "did you mean TRIPTYCH_MODEL?" in out
