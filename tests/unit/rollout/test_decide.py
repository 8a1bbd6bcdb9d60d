"""What a rollout does next, as a table: the guard first, no promotion without a bound, no data is a hold."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pydantic import ValidationError

from orchestrator.contracts.rollout import Stage
from orchestrator.errors import InvalidInput
from orchestrator.rollout.decide import Hold, Transition, decide, read
from orchestrator.rollout.moving import _BECOMES, begun, moved, share_in_force, steering
from orchestrator.rollout.tally import ArmTally
from tests.unit.rollout.cases import ID, NOW, arm, both, spec, status

GOOD = both(arm(300))
ALIKE = both(arm(300), arm(300, mean_s=30))
ALL = both(arm(300), ArmTally())
BAD = both(arm(20, 4))


def move(found: Transition | Hold) -> str:
    return found.move if isinstance(found, Transition) else "hold"


@pytest.mark.parametrize(
    ("stands", "tallies", "expected", "because"),
    [
        # The guard is asked before anything else.
        (status(held_s=0), {5.0: BAD}, "roll_back", "4 parallel and 0 sequential jobs failed"),
        (status(phase="paused"), {5.0: BAD}, "roll_back", "reached 20"),
        (status(stage=1, held_s=1), {5.0: BAD, 25.0: GOOD}, "roll_back", "at 5 % 4 of 20 against 0 of 2000"),
        (status(stage=3), {50.0: both(arm(50, 9), arm(50)), 100.0: both(arm(500))}, "roll_back", "E ="),
        # What has to be there for a promotion, each lacking alone.
        (status(), {5.0: GOOD}, "advance", "300 jobs at 5 %"),
        (status(held_s=599), {5.0: GOOD}, "hold", "1 s of the 10 min"),
        (status(), {5.0: both(arm(59))}, "hold", "1 of 60 parallel jobs"),
        (status(), {5.0: both(arm(233))}, "hold", "has to be below 2.0 points (about 1 more parallel jobs"),
        (status(), {5.0: both(arm(234))}, "advance", "234 jobs"),
        (status(), {5.0: both(arm(300, 3), arm(6_000, 60))}, "hold", "excess failure rate"),
        (status(), {5.0: both(arm(300), arm(2_000, mean_s=20.0))}, "hold", "mean latency"),
        (status(), {5.0: both(arm(300), arm(2_000, mean_s=25.0))}, "advance", ""),
        # Silence is no promotion.
        (status(), {}, "hold", "60 of 60 parallel jobs"),
        (status(), {5.0: both(ArmTally(), arm(5_000))}, "hold", "60 of 60 parallel jobs"),
        (status(), {5.0: both(arm(300), ArmTally())}, "hold", "60 of 60 sequential jobs at 5 %"),
        (status(), {5.0: both(arm(300), arm(59))}, "hold", "1 of 60 sequential jobs at 5 %"),
        (status(stage=1), {5.0: GOOD}, "hold", "60 of 60 parallel jobs at 25 %"),
        # A pause is a pause, and what has ended stays.
        (status(phase="paused"), {5.0: GOOD}, "hold", "paused; the guard goes on"),
        (status(phase="rolled_back"), {5.0: GOOD}, "hold", "it is rolled back, until"),
        (status(phase="complete"), {5.0: BAD}, "hold", "it is complete"),
        (status(phase="aborted"), {5.0: BAD}, "hold", "it is aborted"),
        # The last stage leaves no control: it is held against that of the stage before.
        (status(stage=3), {50.0: ALIKE, 100.0: ALL}, "complete", ""),
        (status(stage=3), {100.0: ALL}, "hold", "60 of 60 sequential jobs at 50 %"),
        (status(stage=3), {50.0: ALIKE, 100.0: both(arm(300, 30), ArmTally())}, "hold", "excess"),
    ],
)  # fmt: skip
def test_what_it_does_next(stands, tallies, expected, because):
    found = decide(spec(), stands, tallies, NOW)
    assert move(found) == expected
    assert because in found.why


def test_an_outage_that_hits_both_arms_rolls_nothing_back_and_promotes_nothing():
    found = decide(spec(), status(), {5.0: both(arm(300, 150), arm(5_700, 2_850))}, NOW)
    assert isinstance(found, Hold)


def test_everything_that_is_lacking_is_said_at_once():
    found = decide(spec(), status(held_s=0), {5.0: both(arm(10))}, NOW)
    assert isinstance(found, Hold)
    assert len(found.waits) == 3
    assert "10 min of the 10 min" in found.why


def test_how_many_more_jobs_the_bound_takes_is_true():
    found = decide(spec(), status(), {5.0: both(arm(100))}, NOW)
    assert "about 134 more" in found.why
    assert isinstance(decide(spec(), status(), {5.0: both(arm(234))}, NOW), Transition)


def test_a_rollout_of_one_stage_below_a_hundred_ends_there():
    one = spec(20.0)
    found = decide(one, status(), {20.0: GOOD}, NOW)
    assert move(found) == "complete"
    done = moved(one, status(), "complete", now_ms=NOW, who="triptych", why="")
    assert share_in_force(one, done) == 20.0


def test_the_way_through_the_stages():
    asked, stands = spec(), begun(now_ms=NOW, who="kim", why="trial")
    shares, phases = [share_in_force(asked, stands)], [stands.phase]
    for number in range(1, 5):
        tallies = {s.share: both(arm(300), arm(300, mean_s=30)) for s in asked.stages[: stands.stage + 1]}
        found = decide(asked, stands, tallies, NOW + number * 600_000)
        assert isinstance(found, Transition)
        stands = moved(
            asked, stands, found.move, now_ms=NOW + number * 600_000, who="triptych", why=found.why
        )
        shares.append(share_in_force(asked, stands))
        phases.append(stands.phase)
    assert shares == [5, 25, 50, 100, 100]
    assert phases == ["running"] * 4 + ["complete"]
    assert (stands.rev, stands.since_ms) == (5, NOW + 1_800_000)


@pytest.mark.parametrize(
    ("phase", "allowed"),
    [
        ("running", {"advance", "complete", "roll_back", "promote", "pause", "abort"}),
        ("paused", {"advance", "complete", "roll_back", "promote", "resume", "abort"}),
        ("complete", set()),
        ("rolled_back", set()),
        ("aborted", set()),
    ],
)
def test_which_moves_a_phase_allows(phase, allowed):
    def makes(move):
        try:
            return moved(spec(), status(phase=phase), move, now_ms=NOW, who="kim", why="")
        except InvalidInput:
            return None

    assert {each for each in _BECOMES if makes(each)} == allowed


def test_a_pause_stops_no_clock_and_a_promotion_from_the_last_stage_completes():
    stands = status(held_s=100)
    paused = moved(spec(), stands, "pause", now_ms=NOW, who="kim", why="")
    assert (paused.since_ms, paused.moved_ms, share_in_force(spec(), paused)) == (stands.since_ms, NOW, 5.0)
    assert moved(spec(), status(stage=3), "promote", now_ms=NOW, who="kim", why="").phase == "complete"


@pytest.mark.parametrize(
    ("phase", "share", "counts"),
    [
        ("running", 25.0, True),
        ("paused", 25.0, True),
        ("complete", 25.0, False),
        ("rolled_back", 0.0, False),
        ("aborted", 0.0, False),
    ],
)
def test_what_the_next_plan_is_told(phase, share, counts):
    told = steering(spec(), status(stage=1, phase=phase))
    assert (told.from_mode, told.to_mode, told.share) == ("sequential", "parallel", share)
    assert told.rollout == (ID if counts else None)


def test_the_same_values_read_the_same():
    tallies = {5.0: GOOD, 25.0: BAD}
    readings = [read(spec(), 1, tallies) for _ in range(2)]
    assert all(a == b for a, b in pairwise(readings))
    assert readings[0].canary.jobs == 20


@pytest.mark.parametrize(
    "fields",
    [
        {"to_mode": "sequential"},
        {"stages": ()},
        {"stages": (Stage(share=25, hold_s=1, count=1), Stage(share=5, hold_s=1, count=1))},
        {"margin": 0.0},
        {"id": "x"},
    ],
)
def test_what_is_no_rollout(fields):
    with pytest.raises(ValidationError):
        spec(**fields)


@pytest.mark.parametrize("fields", [{"share": 0}, {"share": 101}, {"hold_s": -1}, {"count": 0}])
def test_what_is_no_stage(fields):
    with pytest.raises(ValidationError):
        Stage(**{"share": 5, "hold_s": 1, "count": 1, **fields})
