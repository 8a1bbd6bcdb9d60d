"""``triptych compare --judge``: blind, resumable, paid once, and shown again from what is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.comparing.votes import NAME
from orchestrator.experiment import Comparison, Vote
from tests.integration.cli.test_run import command
from tests.integration.conftest import PASSAGES, question
from tests.model_server import ModelServer, says, stall
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

FIRST = says('{"better": "first", "reason": "It comes first."}')


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()


def votes(out: Path) -> list[Vote]:
    path = out / NAME
    return (
        [Vote.model_validate_json(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    )


def test_a_judge_that_goes_by_the_place_is_asked_once_each_and_found_out(
    home: Path, model: ModelServer, tmp_path: Path
) -> None:
    passages = [passage.model_dump() for passage in PASSAGES]
    goals, out = tmp_path / "goals.jsonl", tmp_path / "out"
    goals.write_text(
        "".join(
            json.dumps({"id": f"q{n}", "goal": f"{question().goal} ({n})", "passages": passages}) + "\n"
            for n in range(2)
        )
    )
    environment = {**os.environ, "TRIPTYCH_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}
    arguments = ("compare", "--goals", str(goals), "--arms", "sequential,single", "--out", str(out))

    def start(*more: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(*arguments, *more), env=environment | variables, cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    model.script("pair", FIRST, stall, stall, stall)
    interrupted = start("--judge", **model.environment())
    wait_for("a vote", lambda: bool(votes(out)), timeout_s=90)
    interrupted.send_signal(signal.SIGINT)
    _, told = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, told
    assert "The blind judge is asked 4 times" in told
    assert "the same command goes on" in told
    kept = votes(out)
    assert [vote.better for vote in kept] == ["first"]

    shown = [asked.prompt for asked in model.of("pair")]
    model.forget()
    model.script("pair", *[FIRST] * 3)
    again = start("--judge", "--json", **model.environment())
    printed, told = again.communicate(timeout=100)
    assert again.returncode == 3, told  # two goals are no verdict
    assert votes(out)[:1] == kept
    assert len({vote.jobs for vote in votes(out)}) == len(votes(out)) == 4
    assert [asked.form for asked in model.asked] == ["pair"] * 3
    found = Comparison.model_validate_json(printed)
    (pair,) = found.pairs
    assert pair.preference is not None
    assert (pair.preference.asked, pair.preference.turned, pair.preference.to_first) == (2, 2, 2)
    assert found.judge is not None
    assert (found.judge.votes, found.judge.models) == (4, ("openai:test",))
    assert found.judge.usage.tokens > 0
    assert sum(arm.usage.calls for arm in found.arms) == 2 * 3 + 2
    for text in (*shown, *(asked.prompt for asked in model.asked)):
        named = [
            word for word in ("sequential", "single", "thesis", "ersona", "[1]", "t1", "s1") if word in text
        ]
        assert named == []
    assert "The blind judge" in (out / "report.html").read_text()

    model.close()
    later = start()  # nothing is left to run, so it needs neither fleet nor model
    printed, told = later.communicate(timeout=60)
    assert later.returncode == 3, told
    assert "the order alone decided 2 of 2 (first 2, second 0)" in printed
