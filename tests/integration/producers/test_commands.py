"""``triptych submit | watch | result | list | cancel | corpus | dlq``, and the programs of docs/producers.md."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from orchestrator.broker import queue_for
from orchestrator.broker.deadletters import bury
from orchestrator.broker.screening import Defect
from orchestrator.client import Client
from orchestrator.contracts import Result
from orchestrator.store import JobRef
from tests.integration.conftest import StartWorker, Triptych, question
from tests.nodes import ROOT, wait_for

pytestmark = pytest.mark.integration

DOCS = str(ROOT / "examples" / "queue-migration")
GOAL = "Should the Harbor team move order processing to an event queue?"
Done = subprocess.CompletedProcess[str]


def data(done: Done) -> dict[str, Any]:
    """The one JSON object that a command printed."""
    return dict(json.loads(done.stdout))


def test_a_question_is_submitted_watched_and_read_again(
    start_worker: StartWorker, triptych: Triptych
) -> None:
    start_worker()
    submitted = triptych("submit", GOAL, "--docs", DOCS, "--mode", "parallel", "--tenant", "harbor")
    assert submitted.returncode == 0, submitted.stderr
    job = submitted.stdout.strip()
    watched = triptych("watch", job, "--tenant", "harbor")
    assert watched.returncode == 0, watched.stderr
    assert "thesis: ok after" in watched.stderr
    assert "Conclusion" in watched.stdout
    read = triptych("result", job, "--tenant", "harbor", "--json")
    assert Result.from_wire(read.stdout).task_id == job
    again = triptych("watch", job, "--tenant", "harbor", "--json")
    assert again.stdout == read.stdout
    listed = data(triptych("list", "--json"))["jobs"]
    assert [(line["task_id"], line["status"], line["mode"]) for line in listed] == [
        (job, "complete", "parallel")
    ]
    assert job in triptych("list", "--tenant", "harbor").stdout
    assert data(triptych("list", "--tenant", "other", "--json")) == {"jobs": []}


def test_a_job_that_waits_can_be_listed_asked_for_and_cancelled(triptych: Triptych) -> None:
    submitted = data(triptych("submit", GOAL, "--docs", DOCS, "--json"))
    assert submitted == {"task_id": submitted["task_id"], "tenant": "default", "created": True}
    job = submitted["task_id"]
    assert data(triptych("list", "--json"))["jobs"][0]["status"] == "waiting"
    asked = triptych("result", job)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert f"triptych watch {job}" in asked.stderr
    given_up = triptych("watch", job, "--within", "0.2")
    assert given_up.returncode == 2
    assert "it goes on" in given_up.stderr
    assert data(triptych("cancel", job, "--json"))["cancelled"] is True
    assert "had ended already" in triptych("cancel", job).stdout
    read = triptych("result", job, "--json")
    assert read.returncode == 1
    assert data(read)["reasons"][0]["code"] == "cancelled"


def test_a_machine_that_shares_no_corpora_leaves_their_names_to_the_workers(
    start_worker: StartWorker, triptych: Triptych, home: Path, tmp_path: Path
) -> None:
    start_worker()
    assert triptych("corpus", "add", "harbor", DOCS).returncode == 0
    elsewhere = {"TRIPTYCH_HOME": str(tmp_path / "elsewhere")}
    known, unknown = (
        triptych("submit", GOAL, "--corpus", name, **elsewhere).stdout.strip()
        for name in ("harbor", "nowhere")
    )
    assert triptych("watch", known, **elsewhere).returncode == 0
    ended = triptych("watch", unknown, "--json", **elsewhere)
    assert (ended.returncode, data(ended)["reasons"][0]["code"]) == (1, "plan_failed")
    misspelt = triptych("submit", GOAL, "--corpus", "habour")
    assert (misspelt.returncode, misspelt.stdout) == (2, "")
    assert "habour" in misspelt.stderr


def test_an_idempotency_key_finds_the_first_job(triptych: Triptych) -> None:
    one, two = (
        data(triptych("submit", GOAL, "--docs", DOCS, "--idempotency-key", "k1", "--json")) for _ in range(2)
    )
    assert (one["created"], two["created"]) == (True, False)
    assert one["task_id"] == two["task_id"]
    other = triptych("submit", "Another question?", "--docs", DOCS, "--idempotency-key", "k1")
    assert (other.returncode, other.stdout) == (2, "")
    assert "different body" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("submit", " ", "--docs", DOCS), "QUESTION"),
        (("submit", GOAL), "--docs"),
        (("submit", GOAL, "--docs", "missing.md"), "missing.md"),
        (("submit", GOAL, "--corpus", "a/b"), "a/b"),
        (("submit", GOAL, "--docs", DOCS, "--mode", "sideways"), "--mode"),
        (("submit", GOAL, "--docs", DOCS, "--tenant", "A B"), "--tenant"),
        (("watch", "no-such-job"), "no-such-job"),
        (("result", "no-such-job"), "no-such-job"),
        (("cancel", "no-such-job"), "no-such-job"),
        (("cancel", "../x"), "JOB"),
        (("dlq", "show", "1-1"), "1-1"),
        (("dlq", "drop"), "--all"),
        (("corpus", "add", "a/b", DOCS), "a/b"),
        (("corpus", "add", "handbook", "missing.md"), "missing.md"),
        (("corpus", "update", "nobody-has-it"), "nobody-has-it"),
        (("corpus", "remove", "nobody-has-it"), "nobody-has-it"),
    ],
)
def test_bad_input_is_one_line_that_names_it_and_starts_nothing(
    triptych: Triptych, client: redis.Redis, arguments: tuple[str, ...], named: str
) -> None:
    done = triptych(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()[-1:]) == 1
    assert "Traceback" not in done.stderr
    assert list(client.scan_iter("triptych:job:*")) == []


@pytest.mark.parametrize(
    "command", [("submit", GOAL, "--docs", DOCS), ("list",), ("dlq", "list"), ("watch", "x")]
)
def test_a_redis_that_is_away_or_not_named_is_said(triptych: Triptych, command: tuple[str, ...]) -> None:
    for url, said in (("redis://127.0.0.1:1/0", "cannot be reached"), ("", "REDIS_URL")):
        done = triptych(*command, REDIS_URL=url)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


def test_a_corpus_is_added_updated_listed_and_removed(triptych: Triptych, tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "one.md").write_text("# Queue\n\nThe queue costs 840 EUR a month.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 broken")
    added = triptych("corpus", "add", "handbook", str(folder))
    assert added.returncode == 0, added.stderr
    assert "1 documents" in added.stdout
    assert "bad.pdf" in added.stderr
    (folder / "two.md").write_text("# Batch\n\nThe batch costs 120 EUR a month.")
    updated = data(triptych("corpus", "update", "handbook", "--json"))
    assert (updated["documents"], updated["added"], updated["unchanged"]) == (2, 1, 1)
    (listed,) = data(triptych("corpus", "list", "--json"))["corpora"]
    assert (listed["name"], listed["documents"]) == ("handbook", 2)
    assert "handbook" in triptych("corpus", "list").stdout
    other = tmp_path / "other.md"
    other.write_text("Something else.")
    triptych("corpus", "add", "handbook", str(other))
    assert data(triptych("corpus", "remove", "handbook", str(other), "--json"))["documents"] == 2
    assert triptych("corpus", "remove", "handbook").returncode == 0
    assert data(triptych("corpus", "list", "--json")) == {"corpora": []}
    assert (folder / "one.md").exists()


def test_dead_letters_are_listed_shown_sent_again_and_dropped(
    triptych: Triptych, client: redis.Redis
) -> None:
    queue = queue_for("plan")
    for payload in (b"hello \x1b[31m", b"second", b"third"):
        bury(client, queue, payload, Defect("not_json", "not JSON"))
    letters = data(triptych("dlq", "list", "--json"))["letters"]
    assert [letter["size"] for letter in letters] == [5, 6, 11]
    listed = triptych("dlq", "list").stdout
    assert letters[0]["id"] in listed
    assert "hello" not in listed
    shown = triptych("dlq", "show", letters[2]["id"]).stdout
    assert "hello" in shown
    assert "\x1b" not in shown
    assert triptych("dlq", "replay", letters[2]["id"]).returncode == 0
    assert client.lrange(queue, 0, -1) == ["hello \x1b[31m"]
    assert data(triptych("dlq", "drop", letters[1]["id"], "--json")) == {"dropped": 1}
    assert data(triptych("dlq", "drop", "--all", "--json")) == {"dropped": 1}
    assert triptych("dlq", "list").stdout == ""


def test_ctrl_c_stops_watching_and_not_the_job(producer: Client, redis_url: str) -> None:
    ref = producer.submit(question()).ref
    program = "import sys; from orchestrator.cli.main import main; sys.exit(main())"
    watching = subprocess.Popen(
        [sys.executable, "-c", program, "watch", ref.task_id],
        env={**os.environ, "REDIS_URL": redis_url},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for("it to watch", lambda: producer.redis.exists(ref.watch))
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=20)
    assert watching.returncode == 130, errors
    assert "Traceback" not in errors
    assert producer.result(JobRef("default", ref.task_id)) is None


# docs/producers.md


def programs() -> dict[str, str]:
    text = (ROOT / "docs" / "producers.md").read_text()
    return dict(re.findall(r"<!-- a test runs this: (\w+) -->\n```python\n(.*?)```", text, re.DOTALL))


def test_the_programs_of_the_page_run(start_worker: StartWorker, redis_url: str, home: Path) -> None:
    start_worker()
    celery = f"redis+socket://{redis_url.removeprefix('unix://')}"
    env = {**os.environ, "REDIS_URL": redis_url, "BROKER_URL": celery, "RESULT_BACKEND": celery}
    printed = {
        name: subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for name, program in programs().items()
    }
    assert set(printed) == {"client", "async", "celery"}
    assert printed["client"].startswith("complete ")
    assert printed["async"].split() == ["complete"] * 3
    assert "'status': 'complete'" in printed["celery"]


def test_the_celery_program_needs_no_triptych() -> None:
    assert "orchestrator" not in programs()["celery"]
    assert "workers" not in programs()["celery"]
