"""``triptych stats`` as people read it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from orchestrator.cli.look.stats import show
from orchestrator.report.pace import LEAST_SEEN, BudgetStats, ModelStats, Pace, PaceStats
from orchestrator.report.sketch import bucket_of

SUMS = {"calls": 1_200, "input": 1_200_000, "cached": 732_000, "output": 273_600, "backups": 12, "won": 9}
THESIS = Pace({bucket_of(0.7): 1_200}, {bucket_of(12.0): 1_188}, SUMS)
STATS = ModelStats(
    paces=(
        PaceStats.of("openai:m", "thesis", THESIS),
        PaceStats.of("openai:m", "critic", Pace({bucket_of(0.7): 34}, {}, {"calls": 35})),
    ),
    budgets=(BudgetStats(model="openai:m", window_s=600, calls=412, backups=3, allowed=41),),
)


def shown(stats: ModelStats, *, backups: bool = True) -> str:
    out = io.StringIO()
    show(stats, Console(file=out, width=200, highlight=False, emoji=False), backups=backups)
    return out.getvalue()


def test_a_row_per_model_and_step_and_what_is_left_of_the_budget() -> None:
    _, thesis, critic, budget, learning = shown(STATS).splitlines()
    said = " ".join(thesis.split())
    assert said == "openai:m thesis 1,200 0.73 s 0.73 s 0.73 s 12.3 s 12.3 s 12.3 s 1,000 61 % 228 12 9"
    assert critic.split()[-8:] == ["-", "-", "-", "0", "-", "0", "0", "0"]
    assert budget == "openai:m: 3 of 41 backups made that 412 calls in the last 10 minutes allow"
    assert learning == f"openai:m critic: no backups yet, 34 of {LEAST_SEEN} first tokens seen"


@pytest.mark.parametrize("stats", [ModelStats(paces=(), budgets=())])
def test_nothing_learned_is_said(stats: ModelStats) -> None:
    assert shown(stats).startswith("No model was called of late.")


def test_where_backups_are_switched_off_nothing_is_said_of_them() -> None:
    assert len(shown(STATS, backups=False).splitlines()) == 3
