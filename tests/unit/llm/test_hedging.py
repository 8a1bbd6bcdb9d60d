"""When a silent call gets a backup, and what their ends come to: decisions as tables."""

from __future__ import annotations

from itertools import product
from typing import cast, get_args

import pytest

from orchestrator.report.pace import LEAST_LATE, LEAST_LATE_S, LEAST_SEEN, Pace
from orchestrator.report.sketch import bucket_of
from workers.llm.fallback import Candidate, stand_in
from workers.llm.hedging import Move, Phase, backup_after_s, next_move
from workers.llm.protocol import Provider


def pace(usual_s: float, late_s: float, seen: int = LEAST_SEEN, late: float = 0.2) -> Pace:
    """So many of a hundred took ``late_s``."""
    slow = round(late * seen)
    return Pace({bucket_of(usual_s): seen - slow, bucket_of(late_s): slow})


@pytest.mark.parametrize(
    ("learned", "remaining_s", "after_s"),
    [
        (pace(0.7, 2.0), 60.0, 2.0),
        (pace(0.7, 2.0, late=0.05), 60.0, 0.7 * LEAST_LATE),  # the slow ones are not waited for
        (pace(0.7, 0.8, late=0.5), 60.0, 0.7 * LEAST_LATE),  # a little late is not late
        (pace(0.7, 2.0, LEAST_SEEN - 1), 60.0, None),  # too little was seen
        (Pace(), 60.0, None),
        (pace(0.7, 2.0), 2.9, 2.0),
        (pace(0.7, 2.0), 2.6, None),  # it would not speak in time
        (pace(0.01, 0.02), 60.0, LEAST_LATE_S),  # what is measured there is this machine
    ],
)
def test_when_a_silent_call_gets_a_backup(learned: Pace, remaining_s: float, after_s: float | None) -> None:
    assert backup_after_s(learned, remaining_s) == (after_s and pytest.approx(after_s, rel=0.05))


MOVES: dict[tuple[Phase, Phase], Move] = {
    ("asked", "unsent"): "wait",
    ("asked", "asked"): "wait",
    ("asked", "failed"): "wait",
    ("asked", "final"): "wait",
    ("asked", "unmade"): "wait",
    ("asked", "answered"): "backup",
    ("unsent", "unsent"): "wait",
    ("answered", "unsent"): "first",
    ("answered", "asked"): "first",
    ("answered", "cut"): "first",
    ("failed", "unsent"): "fail as first",
    ("failed", "unmade"): "fail as first",
    ("failed", "asked"): "wait",
    ("failed", "answered"): "backup",
    ("failed", "failed"): "fail as first",
    ("failed", "final"): "fail as first",
    ("final", "unsent"): "fail as first",
    ("final", "asked"): "fail as first",
    ("cut", "asked"): "wait",
    ("cut", "answered"): "backup",
    ("cut", "failed"): "fail as backup",
    ("cut", "final"): "fail as backup",
}


@pytest.mark.parametrize(("phases", "move"), MOVES.items())
def test_what_two_calls_come_to(phases: tuple[Phase, Phase], move: Move) -> None:
    assert next_move(*phases) == move


def test_nothing_is_waited_for_once_nothing_runs() -> None:
    ended = set(get_args(Phase)) - {"unsent", "asked"}
    for first, backup in product(ended - {"unmade"}, ended):
        if first != "cut" or backup not in ("cut", "unmade"):  # one is cut only because the other has spoken
            assert next_move(first, backup) != "wait", (first, backup)


@pytest.mark.parametrize(
    ("at", "equal", "goes_to"),
    [(0, (True, True), 1), (0, (True, False), 0), (1, (True, True), 1), (0, (True, False, True), 2)],
)
def test_who_may_stand_in_for_a_model(at: int, equal: tuple[bool, ...], goes_to: int) -> None:
    chain = [Candidate(cast("Provider", object()), equal=each) for each in equal]
    assert stand_in(chain, chain[at]) is chain[goes_to]
