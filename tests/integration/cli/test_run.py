"""``triptych run`` as people and programs have it: a private fleet, an answer, an exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from orchestrator.contracts import Result
from orchestrator.store import keys
from tests import forked
from tests.integration.conftest import StartWorker
from tests.nodes import ROOT, wait_for

pytestmark = pytest.mark.integration

QUESTION = "Should the Harbor team move order processing from the nightly batch to an event queue?"
DOCS = str(ROOT / "examples" / "queue-migration")
Triptych = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "TRIPTYCH_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}


@pytest.fixture
def triptych(environment: dict[str, str], tmp_path: Path) -> Triptych:
    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return forked.command(*arguments, env={**environment, **env}, cwd=tmp_path)

    return run


def command(*arguments: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        "import sys; from orchestrator.cli.main import main; sys.exit(main())",
        *arguments,
    ]


def children_of(parent: int) -> list[int]:
    """Processes that this one has started and that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry.name))
    return found


def test_json_is_one_result_on_stdout_and_nothing_else(triptych: Triptych) -> None:
    done = triptych("run", QUESTION, "--docs", DOCS, "--json", "--mode", "parallel")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = Result.from_wire(done.stdout)
    assert len(done.stdout.strip().splitlines()) == 1
    assert (result.status, result.mode) == ("complete", "parallel")
    texts = {p.id: p.text for p in result.passages}
    assert all(c.quote in texts[c.passage_id] for claim in result.claims for c in claim.citations)


def test_plain_says_who_answers_first_and_shows_each_step(triptych: Triptych) -> None:
    done = triptych("run", QUESTION, "--docs", DOCS, "--plain", "--mode", "sequential")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("No model is configured")
    assert "extractive engine" in lines[0]
    said = "\n".join(lines)
    for step in (
        "thesis: started on",
        "thesis: ok after",
        "antithesis: ok",
        "synthesis: ok",
        "critical path",
    ):
        assert step in said
    assert "## Sources" in done.stdout
    assert "No language model was used" in done.stdout


def test_several_paths_after_docs_are_one_set_of_documents(triptych: Triptych) -> None:
    files = sorted(str(path) for path in Path(DOCS).glob("*.md"))
    assert len(files) > 1
    done = triptych("run", QUESTION, "--docs", *files, "--json")
    assert done.returncode in (0, 3), done.stderr
    assert {p.source for p in Result.from_wire(done.stdout).passages} <= set(files)


def test_a_question_that_the_documents_do_not_cover_is_said_in_a_sentence_not_in_tables(
    triptych: Triptych,
) -> None:
    done = triptych("run", "Which glacier feeds the Rhone?", "--docs", DOCS, "--plain")
    assert done.returncode == 1
    assert "the documents do not have: glacier, feeds, rhone" in done.stdout
    assert "plan: no passages found" in done.stderr
    for noise in ("gate:", "critical path", "parallel"):
        assert noise not in done.stderr


def test_an_answer_does_not_wait_for_a_ledger_that_cannot_be_kept(triptych: Triptych, home: Path) -> None:
    (home / "ledger.sqlite").mkdir(parents=True)
    done = triptych("run", QUESTION, "--docs", DOCS, "--plain")
    assert done.returncode == 0, done.stderr
    assert "## Sources" in done.stdout
    assert "This job's ledger is not kept" in done.stderr
    assert "TRIPTYCH_HOME" in done.stderr


def test_korean_question_korean_documents_korean_answer(triptych: Triptych) -> None:
    done = triptych("run", "주문 처리를 이벤트 큐로 옮겨야 하는가?", "--docs", DOCS, "--json")
    assert done.returncode in (0, 3), done.stderr
    result = Result.from_wire(done.stdout)
    assert result.language == "ko"
    assert any(p.source.endswith(".ko.md") or p.source.endswith(".ko.txt") for p in result.passages)


def test_what_ran_can_be_looked_at_afterwards(triptych: Triptych, tmp_path: Path) -> None:
    done = triptych("run", QUESTION, "--docs", DOCS, "--json")
    job = json.loads(done.stdout)["task_id"]
    chart = triptych("timeline", job[:6])
    assert chart.returncode == 0, chart.stderr
    assert "synthesis" in chart.stdout
    picture = triptych("timeline", "last", "--svg", "job.svg", "--png", "job.png")
    assert picture.returncode == 0, picture.stderr
    assert (tmp_path / "job.svg").read_text().lstrip().startswith(("<svg", "<?xml"))
    assert (tmp_path / "job.png").read_bytes().startswith(b"\x89PNG")
    exported = triptych("ledger", "export", "--job", job)
    events = [json.loads(line)["event"] for line in exported.stdout.splitlines()]
    assert events[0] == "job_submitted"
    assert events[-1] == "job_end"
    assert "job_end" in triptych("ledger", "tail").stdout
    assert "thesis_end" in triptych("ledger", "show", job).stdout


def test_search_shows_what_would_be_retrieved(triptych: Triptych) -> None:
    found = triptych("search", "How long is the order delay?", "--docs", DOCS, "--json")
    assert found.returncode == 0, found.stderr
    passages = json.loads(found.stdout)["passages"]
    assert passages
    assert "delay" in passages[0]["text"].lower()
    nothing = triptych("search", "Which glacier feeds the Rhone?", "--docs", DOCS)
    assert nothing.returncode == 0
    assert "Nothing in these documents" in nothing.stdout


def test_a_fleet_answers_where_redis_url_is_set(
    triptych: Triptych, start_worker: StartWorker, redis_url: str
) -> None:
    start_worker()
    done = triptych("run", QUESTION, "--docs", DOCS, "--json", REDIS_URL=redis_url)
    assert done.returncode == 0, done.stderr
    assert Result.from_wire(done.stdout).status == "complete"


def bad_documents(folder: Path) -> dict[str, Path]:
    (folder / "empty").mkdir()
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 64)
    (folder / "void.txt").write_text("")
    with (folder / "huge.txt").open("wb") as huge:
        huge.truncate(2 * 1024**3)
    (folder / "picture.xyz").write_text("hello")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    from pypdf import PdfWriter

    locked = PdfWriter()
    locked.add_blank_page(100, 100)
    locked.encrypt("secret")
    locked.write(folder / "locked.pdf")
    return {name: folder / name for name in (
        "empty", "binary.txt", "void.txt", "huge.txt", "picture.xyz", "broken.pdf", "locked.pdf", "missing.md"
    )}  # fmt: skip


def test_a_bad_document_is_one_clear_line(triptych: Triptych, tmp_path: Path) -> None:
    for name, path in bad_documents(tmp_path).items():
        done = triptych("run", "What is this about?", "--docs", str(path))
        assert done.returncode == 2, (name, done.stderr)
        assert done.stdout == ""
        *_, last = done.stderr.strip().splitlines()
        assert last.startswith("triptych: "), (name, done.stderr)
        assert name in last
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "", "--docs", DOCS], "QUESTION"),
        (["run", "   ", "--docs", DOCS], "QUESTION"),
        (["run", "x" * 100_000, "--docs", DOCS], "8,000 characters"),
        (["run", "Why?"], "--docs"),
        (["run", "Why?", "--docs", DOCS, "--mode", "sideways"], "--mode"),
        (["run", "Why?", "--docs", DOCS, "--complexity", "11"], "--complexity"),
        (["run", "Why?", "--docs", DOCS, "--model", "gpt-5"], "model"),
        (["run", "Why?", "--docs", DOCS, "--model", "openai:gpt-5"], "OPENAI_API_KEY"),
        (["run", "Why?", "--docs", DOCS, "--deadline", "-1"], "--deadline"),
        (["run", "Why?", "--docs", DOCS, "--deadline", "20", "--merge-after", "18"], "at most 15 of 20 s"),
        (["run", "Why?", "--corpus", "nowhere"], "nowhere"),
        (["run", "Why?", "--docs", DOCS, "--context", "missing.json"], "--context"),
        (["timeline", "nothing"], "nothing"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_bad_input_is_exit_code_2_and_says_which_field(
    triptych: Triptych, arguments: list[str], says: str
) -> None:
    done = triptych(*arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_redis_that_is_down_is_said_in_one_line(triptych: Triptych) -> None:
    done = triptych("run", "Why?", "--docs", DOCS, REDIS_URL="redis://:hunter2@127.0.0.1:1/0")
    assert done.returncode == 2
    assert "Redis cannot be reached" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_however_it_ends_no_process_is_left(
    environment: dict[str, str], how: signal.Signals, code: int
) -> None:
    running = subprocess.Popen(
        command("run", QUESTION, "--docs", DOCS, "--plain"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for("the server and the worker", lambda: len(children_of(running.pid)) == 2)
    children = children_of(running.pid)
    running.send_signal(how)
    assert running.wait(30) == code
    wait_for(f"{children} to end", lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10)


def test_ctrl_c_on_a_fleet_cancels_the_job(
    environment: dict[str, str], redis_url: str, client: redis.Redis
) -> None:
    """No worker runs, so the job is certainly unfinished when the key is pressed."""
    running = subprocess.Popen(
        command("run", QUESTION, "--docs", DOCS, "--plain"),
        env={**environment, "REDIS_URL": redis_url},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    wait_for("the job", lambda: client.zcard(keys.ACTIVE) == 1)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 130
    assert client.zcard(keys.ACTIVE) == 0
