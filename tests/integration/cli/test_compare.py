"""``triptych compare`` on a private fleet and on one of several workers: interrupted, torn, misled, and going on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from orchestrator.comparing.journal import NAME
from orchestrator.experiment import Comparison, Trial
from tests.integration.cli.test_run import DOCS, children_of, command
from tests.integration.conftest import StartWorker, Triptych
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

QUESTIONS = (
    "What does the event queue cost per month?",
    "Are duplicate orders a risk of the event queue?",
    "이벤트 큐는 야간에 운영할 수 있는가?",
)


@pytest.fixture
def goals(tmp_path: Path) -> str:
    path = tmp_path / "goals.jsonl"
    path.write_text("".join(json.dumps({"id": f"q{n}", "goal": q}) + "\n" for n, q in enumerate(QUESTIONS)))
    return str(path)


def lines(out: Path) -> list[bytes]:
    return (out / NAME).read_bytes().splitlines() if (out / NAME).exists() else []


def trials(out: Path) -> list[Trial]:
    return [Trial.model_validate_json(line) for line in lines(out)[1:]]


def test_interrupted_and_torn_the_same_command_goes_on_and_runs_nothing_twice(
    home: Path, goals: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    environment = {**os.environ, "TRIPTYCH_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}

    def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments), env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )  # fmt: skip

    arguments = (
        "compare",
        "--goals",
        goals,
        "--docs",
        DOCS,
        "--arms",
        "parallel,pipelined,parallel/3,single",
        "--out",
        str(out),
    )
    first = subprocess.Popen(
        command(*arguments), env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    wait_for("three finished jobs", lambda: len(lines(out)) >= 4, timeout_s=60)
    started = children_of(first.pid)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130, said
    assert "the same command goes on" in said
    wait_for("its processes to end", lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))
    kept = trials(out)
    assert 3 <= len(kept) < 12
    with (out / NAME).open("ab") as journal:
        journal.write(b'{"goal":"q1","arm":"par')

    again = alone(*arguments, "--json")
    assert again.returncode == 3, again.stderr  # three goals are no verdict
    found = Comparison.model_validate_json(again.stdout)
    assert trials(out)[: len(kept)] == kept
    assert len(trials(out)) == len(found.trials) == 12
    assert {(t.goal, t.arm) for t in found.trials} == {
        (f"q{n}", arm) for n in range(3) for arm in ("parallel", "pipelined", "parallel/3", "single")
    }
    assert len({t.task_id for t in found.trials}) == 12
    assert all(len({t.evidence for t in found.trials if t.goal == f"q{n}"}) == 1 for n in range(3))
    assert f"seed {found.seed}" in said
    assert [arm.runs for arm in found.arms] == [3, 3, 3, 3]
    assert all(arm.mean_s and arm.complete + arm.degraded + arm.failed == 3 for arm in found.arms)
    assert len(found.pairs) == 6
    assert {pair.verdict for pair in found.pairs} == {"too_few"}
    singles = [t for t in found.trials if t.arm == "single"]
    assert all(t.whole and t.claims and (t.debate.positions, t.debate.objections) == (0, 0) for t in singles)
    assert "<svg" in (out / "report.html").read_text()
    assert json.loads((out / "report.json").read_text()) == json.loads(again.stdout)

    other = alone("compare", "--goals", goals, "--docs", DOCS, "--out", str(out))
    assert (other.returncode, "differs in the arms" in other.stderr) == (2, True)


def test_on_a_fleet_a_forced_switch_stops_it_and_cleared_it_goes_on(
    triptych: Triptych, start_worker: StartWorker, goals: str, tmp_path: Path
) -> None:
    start_worker()
    out = tmp_path / "out"
    arguments = (
        "compare",
        "--goals",
        goals,
        "--docs",
        DOCS,
        "--out",
        str(out),
        "--seed",
        "3",
        "--at-a-time",
        "2",
    )
    assert triptych("mode", "set", "sequential", "--force", "--why", "a test").returncode == 0
    stopped = triptych(*arguments)
    assert stopped.returncode == 2, stopped.stderr
    assert "triptych mode clear" in stopped.stderr
    assert all(trial.arm == "sequential" for trial in trials(out))

    assert triptych("mode", "clear").returncode == 0
    done = triptych(*arguments)
    assert done.returncode == 3, done.stderr
    assert "not enough data" in done.stdout
    assert len(trials(out)) == 6
    assert "6/6" in done.stderr
