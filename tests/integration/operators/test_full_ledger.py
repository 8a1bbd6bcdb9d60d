"""An archive that cannot be written: jobs are refused before Redis fills, running ones finish, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from celery import Celery
from pydantic import SecretStr

from orchestrator.client import Client
from orchestrator.contracts.events import TaskStart
from orchestrator.doctor import examine
from orchestrator.errors import AdmissionClosed
from orchestrator.pausing import pause, resume
from orchestrator.settings import Settings
from orchestrator.store import Ledger, keys
from orchestrator.store.admission import admission
from orchestrator.store.archive import archive_of
from tests.forked import command
from tests.integration.conftest import StartWorker, question
from tests.nodes import ROOT, wait_for
from tests.postgres import PostgresServer

pytestmark = pytest.mark.integration

BACKLOG = 1_000


@dataclass
class Place:
    """An archive that can be broken and mended under running workers."""

    settings: Settings
    server: PostgresServer | None

    @property
    def file(self) -> Path:
        return self.settings.home / "ledger.sqlite"

    def break_it(self) -> None:
        if self.server:
            self.server.stop()
        else:
            self.file.rename(self.file.with_suffix(".aside"))
            self.file.mkdir()

    def mend(self) -> None:
        if self.server:
            self.server.start()
        else:
            self.file.rmdir()
            self.file.with_suffix(".aside").rename(self.file)

    def environment(self) -> dict[str, str]:
        url = self.settings.ledger_url
        return {"TRIPTYCH_LEDGER_BACKLOG": str(BACKLOG)} | (
            {"TRIPTYCH_LEDGER_URL": url.get_secret_value()} if url else {}
        )


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Place]:
    if request.param == "sqlite":
        yield Place(settings, None)
        return
    url, server = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres")
    yield Place(settings.model_copy(update={"ledger_url": SecretStr(url)}), server)
    if not server.running:
        server.start()


def triptych(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert place.settings.redis_url
    env = {
        **os.environ,
        "TRIPTYCH_HOME": str(place.settings.home),
        "REDIS_URL": place.settings.redis_url.get_secret_value(),
        **place.environment(),
    }
    return command(*arguments, env=env, cwd=ROOT)


def fill(client: redis.Redis) -> None:
    """What a busy fleet appends while nobody can archive."""
    pipeline = client.pipeline(transaction=False)
    for _ in range(BACKLOG):
        event = TaskStart(event_id=uuid.uuid4().hex, task_id="busy")
        pipeline.xadd(keys.LEDGER, {"e": event.model_dump_json()})
    pipeline.execute()


def test_a_full_ledger_closes_the_door_lets_jobs_finish_and_opens_by_itself_with_nothing_lost(
    place: Place, start_worker: StartWorker, producer: Client, client: redis.Redis, redis_url: str
) -> None:
    worker = start_worker(**place.environment())
    first = question()
    producer.wait(producer.submit(first).ref)
    archive = archive_of(place.settings)
    wait_for(
        "the first job's end to be archived", lambda: [e for e in archive.events() if e.event == "job_end"]
    )
    archive.close()

    pause(client, ["synthesis"], who="test", why="to have a job under way")
    running = producer.submit(question()).ref
    wait_for("its thesis", lambda: "thesis" in producer.store.load(running).done)
    place.break_it()
    fill(client)

    with pytest.raises(AdmissionClosed) as refused:
        producer.submit(question())
    assert refused.value.retry_after_s > 0
    shop = Celery("shop", broker=f"redis+socket://{redis_url[7:]}", backend=f"redis+socket://{redis_url[7:]}")
    spec = json.loads(question().model_dump_json(exclude={"v"}))
    sent = shop.send_task("triptych.submit", [spec], queue="triptych.v2.plan")
    with pytest.raises(AdmissionClosed, match="no new jobs are accepted"):
        sent.get(timeout=30)
    shop.close()
    told = triptych(place, "submit", "Why?", "--docs", "examples/queue-migration/proposal.md")
    assert (told.returncode, told.stdout) == (2, "")
    said = told.stderr.splitlines()[-1]
    assert said.startswith("triptych: no new jobs are accepted: the fleet's ledger cannot be archived")
    assert said.endswith("try again in 30 s")
    assert not producer.submit(first).created, "a job that is known is found all the same"

    wait_for("the worker's complaint", lambda: client.hget(keys.ARCHIVED, "problem"))
    findings = {finding.check: finding for finding in examine(place.settings)}
    assert findings["admission"].level == findings["archiving"].level == "error"
    assert "the ledger's archive" in findings["archiving"].what
    assert "archive_unusable" in worker.logs()

    resume(client, ["synthesis"], who="test", why="")
    assert producer.wait(running, timeout_s=None, within_s=60).status == "complete"
    assert not admission(client).open

    place.mend()
    wait_for("admission to open", lambda: admission(client).open)
    last = producer.submit(question()).ref
    producer.wait(last)
    everything = [json.loads(raw)["event_id"] for _, raw in Ledger(client).all()]
    wait_for("all of it to be archived", lambda: admission(client).waiting == 0)
    exported = triptych(place, "ledger", "export")
    assert exported.stderr == ""
    assert [json.loads(line)["event_id"] for line in exported.stdout.splitlines()] == everything
    assert len(everything) > BACKLOG
