"""When a late call gets a backup, and what their ends come to: decisions as tables."""

from __future__ import annotations

from itertools import product
from typing import cast, get_args

import pytest

from orchestrator.report.pace import LEAST_LATE, LEAST_LATE_S, LEAST_SEEN, Pace
from orchestrator.report.sketch import bucket_of
from workers.llm.fallback import Candidate, stand_in
from workers.llm.hedging import (
    LOOK_SHARE,
    Move,
    Phase,
    Progress,
    backup_after_s,
    falls_behind,
    look_every_s,
    next_move,
)
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


def merges(*, ended: int = LEAST_SEEN, whole_s: float = 2.7) -> Pace:
    """Answers of 1,000 characters: 0.7 s of silence, then 2 s of writing; late after about 4 s."""
    return Pace(
        {bucket_of(0.7): LEAST_SEEN},
        {bucket_of(whole_s): LEAST_SEEN},
        {"ended": ended, "said": 1_000 * ended},
    )


@pytest.mark.parametrize(
    ("progress", "remaining_s", "goes_on", "behind"),
    [
        (Progress(1.2, 0.7, 250), 60.0, False, False),  # as quick as usual: it ends after 2.7 s
        (Progress(1.2, 0.7, 160), 60.0, False, False),  # after 3.8 s: late is what comes after 4.05
        (Progress(1.2, 0.7, 140), 60.0, False, True),  # after 4.3 s; another one after 3.9
        (Progress(1.2, 0.7, 80), 60.0, False, True),  # three times as slow: after 7 s
        (Progress(3.7, 2.1, 250), 60.0, False, True),  # slow from the start: after 8.5 s
        (Progress(5.0, 0.7, 600), 60.0, False, True),  # after 7.9 s; another one after 7.7
        (Progress(6.0, 0.7, 750), 60.0, False, False),  # after 7.8 s, before another one
        (Progress(6.0, 0.7, 750), 60.0, True, True),  # which has only the rest to write: after 7.2 s
        (Progress(60.0, 0.7, 900), 90.0, False, True),  # it has fallen silent
        (Progress(1.2, 0.7, 80), 3.8, False, False),  # the other one would be too late, too
        (Progress(1.2, 0.7, 160), 3.75, True, True),  # the time is up before it would be late
        (Progress(9.0, 0.7, 1_000), 60.0, False, False),  # longer than usual: nobody knows by how much
        (Progress(9.0, 0.7, 0), 60.0, False, False),  # it says nothing that counts
    ],
)
def test_when_a_call_that_speaks_falls_behind(
    progress: Progress, remaining_s: float, goes_on: bool, behind: bool
) -> None:
    assert falls_behind(merges(), progress, remaining_s, goes_on=goes_on) is behind


@pytest.mark.parametrize("unknown", [Pace(), merges(ended=LEAST_SEEN - 1), pace(0.7, 2.0)])
def test_nobody_falls_behind_what_is_not_known(unknown: Pace) -> None:
    assert look_every_s(unknown) is None
    assert not falls_behind(unknown, Progress(60.0, 0.7, 10), 90.0)


@pytest.mark.parametrize(
    ("whole_s", "every_s"),
    [
        (2.7, 2.0 * LOOK_SHARE),
        (14.2, 13.5 * LOOK_SHARE),
        (0.8, LEAST_LATE_S),  # below, this machine is what would be looked at
    ],
)
def test_a_rate_is_looked_at_every_quarter_of_the_usual_time_to_write(whole_s: float, every_s: float) -> None:
    assert look_every_s(merges(whole_s=whole_s)) == pytest.approx(every_s, rel=0.1)


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
