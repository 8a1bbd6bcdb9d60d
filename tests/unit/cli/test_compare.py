"""``triptych compare``: what it takes, what it refuses, and what its exit code says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.cli.judge import compare as command
from orchestrator.cli.judge.compare_input import arms_of, prices_of, read_goals
from orchestrator.cli.judge.compare_view import _duration, show
from orchestrator.errors import InvalidInput
from orchestrator.experiment import Arm, Margins, compare
from orchestrator.experiment.figures import Prices
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, arm, goals, trial
from tests.unit.experiment.test_preference import asked, differing, prefers, ran, report


@pytest.mark.parametrize(
    ("names", "arms"),
    [
        ("sequential,parallel", ["sequential", "parallel"]),
        (" parallel , sequential ", ["parallel", "sequential"]),
        ("single,sequential", ["single", "sequential"]),
        ("parallel,parallel,parallel", ["parallel", "parallel-2", "parallel-3"]),
        ("parallel, parallel/3,parallel/3", ["parallel", "parallel/3", "parallel/3-2"]),
    ],
)
def test_arms_are_modes_and_the_same_one_twice_has_two_names(names, arms):
    found = arms_of(names)
    assert [each.name for each in found] == arms
    assert found[0] == Arm(name=arms[0], mode=arms[0])
    assert [each.sections for each in found] == [3 if "/3" in name else None for name in arms]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("sequential", "takes 2 to 6"),
        ("sequential,fast", "'fast' is no mode; there are sequential, parallel"),
        ("", "'' is no mode"),
        (",".join(["parallel"] * 7), "takes 2 to 6"),
        ("parallel,sequential/3", "'sequential/3': only parallel has sections, as in parallel/3"),
        ("parallel,parallel/5", "'parallel/5': parallel is written in 1 to 4 sections"),
        ("parallel,parallel/", "in 1 to 4 sections"),
        ("parallel,parallel/³", "in 1 to 4 sections"),
    ],
)
def test_arms_that_cannot_be_are_named(names, problem):
    with pytest.raises(InvalidInput, match="--arms") as raised:
        arms_of(names)
    assert problem in str(raised.value)


def test_prices_are_three_numbers():
    assert prices_of("0.25,2,0.025") == Prices(input=0.25, output=2, cached=0.025)
    assert prices_of(None) is None
    for wrong in ("1", "1,2", "a,b,c", "1,2,-3", "1,2,inf", "1,2,nan"):
        with pytest.raises(InvalidInput, match="--prices"):
            prices_of(wrong)


def test_a_goals_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "latin").write_bytes(b'{"goal": "Gr\xf6\xdfe?"}')
    for name, problem in (("none", "cannot be read"), ("latin", "is no UTF-8 text")):
        with pytest.raises(InvalidInput, match=problem):
            read_goals(tmp_path / name)


@pytest.mark.parametrize(
    ("seconds", "evidence", "third", "code"),
    [
        (20.0, True, 20.0, 0),
        (15.0, True, 30.0, 1),  # the third is worse than the first
        (15.0, True, 16.0, 0),  # the third is worse than the second, which nobody asked for
        (20.0, False, 20.0, 1),
    ],
)
def test_the_exit_code_is_about_the_first_arm(seconds, evidence, third, code):
    arms = (REFERENCE, CANDIDATE, arm("parallel-2"))
    trials = [
        each
        for n in range(80)
        for each in (
            trial(f"g{n}", latency_s=20.0 + n),
            trial(f"g{n}", CANDIDATE, latency_s=seconds + n, evidence_ok=evidence),
            trial(f"g{n}", arms[2], latency_s=third + n),
        )
    ]
    assert (
        command.exit_code(compare(goals(80), arms, trials, margins=Margins(), seed=1, resamples=100)) == code
    )


def test_without_enough_data_the_exit_code_says_so():
    assert command.exit_code(compare(goals(3), (REFERENCE, CANDIDATE), [], margins=Margins(), seed=1)) == 3


def test_the_terminal_has_a_row_for_the_blind_judge_and_says_what_it_cost():
    trials = ran(30, differing)
    out = io.StringIO()
    show(report(30, trials, asked(trials, 30, prefers("sequential"))), Console(file=out, width=200))
    said = out.getvalue()
    assert (
        "  blind judge    worse                       0.0 % (0.0 to 8.2), preferred on 0, not on 30" in said
    )
    assert "the order alone decided 0 of 30" in said
    assert "blind judge: openai:judge gave 60 votes for 600 tokens; counted for no arm" in said
    out = io.StringIO()
    show(report(30, trials, None), Console(file=out, width=200))
    assert "judge" not in out.getvalue()


@pytest.mark.parametrize(
    ("models", "warned"),
    [(("extractive:extractive",), True), (("openai:a", "extractive:extractive"), False), ((), False)],
)
def test_latencies_of_the_extractive_engine_are_told_for_what_they_are(models, warned):
    out = io.StringIO()
    trials = [each.model_copy(update={"models": models}) for each in ran(12, differing)]
    show(report(12, trials, None), Console(file=out, width=200))
    assert ("the latencies are of the machinery alone" in out.getvalue()) is warned


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (600, "10 min"), (9_000, "2.5 h")]
)
def test_durations_are_as_rough_as_estimates_are(seconds, words):
    assert _duration(seconds) == words
