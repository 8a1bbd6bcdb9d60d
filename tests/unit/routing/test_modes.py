"""Who decides the mode: a forced switch, the job, the switch, the deployment, the score, the share; in this order."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Assignment, Complexity, Factor
from orchestrator.routing.modes import Policy, Steering, choose, draw_for


def scored(score: float, source: Literal["observed", "caller"] = "observed") -> Complexity:
    return Complexity(
        score=score,
        source=source,
        factors=(Factor(name="f", value=1.0, points=score, why="3 sub-questions"),),
    )


@pytest.mark.parametrize(
    ("requested", "policy", "score", "mode", "reason"),
    [
        ("parallel", Policy(default="sequential"), 9.0, "parallel", "the job asks"),
        ("sequential", Policy(default="parallel"), 1.0, "sequential", "the job asks"),
        ("auto", Policy(default="parallel"), 9.0, "parallel", "parallel_mode is parallel"),
        ("auto", Policy(default="sequential"), 1.0, "sequential", "parallel_mode is sequential"),
        ("auto", Policy(), 4.99, "parallel", "below 5"),
        ("auto", Policy(), 5.0, "sequential", "at or above 5"),
        ("auto", Policy(), 10.0, "sequential", "3 sub-questions"),
        ("auto", Policy(boundary=3.0), 4.0, "sequential", "at or above 3"),
        # the switch
        ("auto", Policy(override="sequential"), 1.0, "sequential", "switched to sequential"),
        ("auto", Policy(override="parallel", share=0), 9.0, "parallel", "switched to parallel"),
        ("auto", Policy(override="parallel", default="sequential"), 9.0, "parallel", "switched"),
        ("auto", Policy(override="auto", default="sequential"), 1.0, "parallel", "below 5"),
        ("parallel", Policy(override="sequential"), 1.0, "parallel", "the job asks"),
        ("parallel", Policy(override="sequential", force=True), 1.0, "sequential", "switched"),
        # one call: a job's own wish and nothing else, which a forced switch beats as any
        ("single", Policy(override="parallel"), 1.0, "single", "the job asks for single"),
        ("single", Policy(override="parallel", force=True), 1.0, "parallel", "switched"),
        # the share
        ("auto", Policy(share=30.0), 1.0, "parallel", "below 5: side by side is faster; one of the 30 %"),
        ("auto", Policy(share=20.0), 1.0, "sequential", "not one of the 20 %"),
        ("auto", Policy(share=0.0), 1.0, "sequential", "not one of the 0 %"),
        ("auto", Policy(share=0.0), 9.0, "sequential", "at or above 5"),
    ],
)
def test_the_mode_and_its_reason(requested, policy, score, mode, reason):
    choice = choose(requested, scored(score), policy, draw=25.0)
    assert choice.mode == mode
    assert reason in choice.reason


def test_the_reason_says_when_the_caller_set_the_score():
    assert "set by the caller" in choose("auto", scored(7.0, "caller"), Policy(), 0.0).reason


@pytest.mark.parametrize(
    ("requested", "policy", "score"),
    [
        ("parallel", Policy(share=5), 1.0),
        ("auto", Policy(share=5), 9.0),
        ("auto", Policy(share=5, default="parallel"), 1.0),
        ("auto", Policy(share=5, override="sequential"), 1.0),
    ],
)
def test_only_eligible_jobs_are_assigned(requested, policy, score):
    assert choose(requested, scored(score), policy, 1.0).assignment is None


def test_both_sides_of_the_share_are_recorded():
    assert choose("auto", scored(1.0), Policy(share=5), 4.9).assignment == Assignment(
        arm="parallel", share=5, draw=4.9
    )
    assert choose("auto", scored(1.0), Policy(share=5), 5.0).assignment == Assignment(
        arm="sequential", share=5, draw=5.0
    )
    assert choose("auto", scored(1.0), Policy(share=100), 99.9).assignment is not None


@given(st.uuids(), st.floats(0, 100), st.floats(0, 100))
def test_raising_the_share_moves_jobs_to_parallel_and_none_back(job, one, other):
    draw = draw_for("default", job.hex)
    low, high = sorted((one, other))
    before, after = (choose("auto", scored(1.0), Policy(share=s), draw).mode for s in (low, high))
    assert (before, after) != ("parallel", "sequential")


def test_draws_are_the_jobs_own_and_evenly_spread():
    draws = [draw_for(tenant, f"job{n}") for tenant in ("a", "b") for n in range(10_000)]
    assert draws == [draw_for(tenant, f"job{n}") for tenant in ("a", "b") for n in range(10_000)]
    assert draw_for("a", "job1") != draw_for("b", "job1")
    assert all(0 <= draw < 100 for draw in draws)
    for share in (5, 25, 50):  # four standard deviations of the count
        expected = len(draws) * share / 100
        slack = 4 * (expected * (1 - share / 100)) ** 0.5
        assert abs(sum(draw < share for draw in draws) - expected) < slack


STEERING = Steering("sequential", "parallel", 25.0, "r0123456789ab")


@pytest.mark.parametrize(
    ("requested", "policy", "score", "draw", "mode", "counts"),
    [
        ("auto", Policy(share=5, steering=STEERING), 1.0, 24.9, "parallel", True),
        ("auto", Policy(share=100, steering=STEERING), 1.0, 25.0, "sequential", True),
        (
            "auto",
            Policy(steering=STEERING, override="auto", default="sequential"),
            1.0,
            0.0,
            "parallel",
            True,
        ),
        # What stands above it decides alone, and such jobs count for no rollout.
        ("parallel", Policy(steering=STEERING), 1.0, 99.0, "parallel", False),
        ("auto", Policy(steering=STEERING, override="sequential"), 1.0, 0.0, "sequential", False),
        ("auto", Policy(steering=STEERING, default="sequential"), 1.0, 0.0, "sequential", False),
        ("auto", Policy(steering=STEERING), 9.0, 0.0, "sequential", False),
    ],
)
def test_a_rollout_takes_the_place_of_the_share(requested, policy, score, draw, mode, counts):
    choice = choose(requested, scored(score), policy, draw)
    assert choice.mode == mode
    assert (choice.assignment is not None) is counts
    if choice.assignment:
        assert choice.assignment == Assignment(arm=mode, share=25.0, draw=draw, rollout="r0123456789ab")
        assert "the 25 % of such jobs that a rollout runs parallel" in choice.reason


def test_a_rollout_may_go_the_other_way_and_what_has_ended_counts_nothing():
    back = Steering("parallel", "sequential", 100.0)
    choice = choose("auto", scored(1.0), Policy(steering=back), 99.9)
    assert choice.assignment == Assignment(arm="sequential", share=100.0, draw=99.9)
