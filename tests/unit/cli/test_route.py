"""``triptych route``: what it says of a question, and what it learns from a report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.experiment import Margins, compare
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, goals, trial

DOCS = str(Path(__file__).resolve().parents[3] / "examples" / "queue-migration")
HARD = "Should the Harbor team move to an event queue, or keep the batch, and why; which costs and risks does it have?"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)


def triptych(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["triptych", *arguments])
    return main()


@pytest.mark.parametrize(
    ("question", "settings", "mode", "reason"),
    [
        ("What does the event queue cost per month?", {}, "parallel", "is below 5: side by side is faster"),
        (HARD, {}, "sequential", "is at or above 5: the antithesis should see the thesis"),
        (HARD, {"TRIPTYCH_COMPLEXITY_BOUNDARY": "10"}, "parallel", "is below 10"),
        (
            HARD,
            {"TRIPTYCH_AUTO_PIPELINED": "on"},
            "pipelined",
            "about 12.6 s against 29.5 s sequential (nominal durations, none learned yet); 100 of 100 slots are free",
        ),
        (
            HARD,
            {"TRIPTYCH_AUTO_PIPELINED": "on", "TRIPTYCH_CONCURRENCY": "2"},
            "sequential",
            "2 of 2 slots are free",
        ),
        (HARD, {"TRIPTYCH_PARALLEL_MODE": "parallel"}, "parallel", "parallel_mode is parallel"),
    ],
)
def test_it_says_which_mode_why_and_on_what_evidence(monkeypatch, capsys, question, settings, mode, reason):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert triptych(monkeypatch, "route", "explain", question, "--docs", DOCS, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["mode"], reason in said["reason"]) == (mode, True)
    assert len(said["passages"]) > 3
    assert "cost-memo.docx" in " ".join(said["sources"])
    assert triptych(monkeypatch, "route", "explain", question, "--docs", DOCS) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{mode}: ")
    assert all(factor["why"] in shown for factor in said["complexity"]["factors"])
    assert all(each["detail"] in shown for each in said["considered"])


def test_the_share_is_told_where_one_is_set(monkeypatch, capsys):
    monkeypatch.setenv("TRIPTYCH_PARALLEL_SHARE", "20")
    assert triptych(monkeypatch, "route", "explain", "What does it cost?", "--docs", DOCS) == 0
    assert "the other 80 % of such jobs run sequential" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("count", "code", "said"), [(60, 0, "TRIPTYCH_COMPLEXITY_BOUNDARY=10"), (40, 3, "takes 49: 9 more")]
)
def test_a_boundary_is_learnt_from_a_report_or_refused_with_how_many_it_takes(
    monkeypatch, capsys, tmp_path, count, code, said
):
    runs = [trial(f"g{n}", each) for n in range(count) for each in (REFERENCE, CANDIDATE)]
    found = compare(goals(count), (REFERENCE, CANDIDATE), runs, margins=Margins(), seed=1, resamples=50)
    (tmp_path / "report.json").write_text(found.model_dump_json())
    assert triptych(monkeypatch, "route", "learn", str(tmp_path / "report.json")) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        (None, [], "cannot be read"),
        ("{}", [], "is no report"),
        ("ok", ["--candidate", "fast"], "no arm 'fast'"),
    ],
)
def test_a_report_that_cannot_be_learnt_from_is_named(
    monkeypatch, capsys, tmp_path, content, options, problem
):
    path = tmp_path / "report.json"
    if content:
        found = compare(goals(1), (REFERENCE, CANDIDATE), [], margins=Margins(), seed=1)
        path.write_text(found.model_dump_json() if content == "ok" else content)
    assert triptych(monkeypatch, "route", "learn", str(path), *options) == 2
    assert problem in capsys.readouterr().err
