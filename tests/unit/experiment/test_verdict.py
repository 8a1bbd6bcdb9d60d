"""Verdicts: a comparison can be lost, equal arms are not told apart, and too little data is no verdict."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.power import false_alarms
from orchestrator.experiment import Comparison, Margins, compare
from orchestrator.experiment.figures import PairReport
from orchestrator.experiment.verdict import (
    LEAST_PAIRS,
    Judgement,
    judge_latency,
    judge_rate,
    more_goals,
    overall,
)
from orchestrator.experiment.words import headline, told
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, Truth, arm, goals, simulated

MARGINS = Margins(latency=0.10, rate=0.05)


def judged(count: int, candidate: Truth, *, seed: int = 1, resamples: int = 800, **more: Any) -> Comparison:
    trials = simulated(Random(seed), count, {REFERENCE: Truth(), CANDIDATE: candidate}, **more)
    return compare(
        goals(count), (REFERENCE, CANDIDATE), trials, margins=MARGINS, seed=seed, resamples=resamples
    )


def verdicts(pair: PairReport) -> dict[str, str]:
    return {judgement.measure: judgement.verdict for judgement in pair.judgements}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("planted", "measure"),
    [
        (Truth(passes=0.70), "evidence"),  # drops citations
        (Truth(slower=1.15), "latency"),
        (Truth(slower=0.7, whole=0.6), "whole"),  # is faster, and now and then without a persona
    ],
    ids=["drops citations", "15 % slower", "loses a persona"],
)
def test_a_planted_arm_loses_for_what_it_does(planted, measure, seed):
    (pair,) = judged(150, planted, seed=seed).pairs
    assert pair.verdict == "worse"
    assert verdicts(pair)[measure] == "worse"
    assert measure.replace("whole", "nothing lost").split()[0] in headline(pair)


def test_an_arm_that_always_loses_a_persona_is_not_fast():
    (pair,) = judged(60, Truth(slower=0.5, whole=0.0)).pairs
    assert verdicts(pair) == {"latency": "too_few", "evidence": pair.judgements[1].verdict, "whole": "worse"}
    assert pair.verdict == "worse"


def test_a_faster_arm_that_keeps_the_evidence_is_better():
    (pair,) = judged(300, Truth(slower=0.8)).pairs
    assert (pair.verdict, verdicts(pair)["latency"]) == ("better", "better")


def test_equal_arms_are_not_worse_within_the_margin():
    (pair,) = judged(300, Truth(), seed=2).pairs
    assert set(verdicts(pair).values()) == {"not_worse"}


def test_equal_arms_are_told_apart_as_seldom_as_promised():
    assert false_alarms(1_000) <= 50


def test_three_equal_arms_share_the_error_among_their_pairs():
    arms = (REFERENCE, CANDIDATE, arm("parallel-2"))
    found = compare(goals(1), arms, [], margins=MARGINS, seed=1)
    assert len(found.pairs) == 3
    assert found.alpha == pytest.approx(0.05 / 9)


@pytest.mark.parametrize("count", [0, 1, LEAST_PAIRS - 1])
def test_a_handful_of_goals_is_no_verdict_however_clear_it_looks(count):
    (pair,) = judged(count, Truth(slower=0.1)).pairs
    assert set(verdicts(pair).values()) == {"too_few"}
    assert pair.more is not None
    assert pair.more >= LEAST_PAIRS - count
    assert "not enough data" in headline(pair)
    assert [told(judgement) for judgement in pair.judgements]


def test_it_says_how_many_more_goals_it_takes_and_they_do():
    enough = 0
    for seed in range(20):
        (pair,) = judged(40, Truth(passes=1, whole=1), seed=seed, noise=0.3).pairs
        if pair.verdict != "too_few":
            continue
        assert pair.more is not None
        (again,) = judged(40 + pair.more, Truth(passes=1, whole=1), seed=seed + 100, noise=0.3).pairs
        enough += again.verdict != "too_few"
    assert enough >= 12  # 80 % of about 18, as far as 40 goals can foretell


def test_measurably_slower_and_within_the_margin_is_not_worse():
    first = [20.0 + i for i in range(30)]
    found = judge_latency(
        first, [1.03 * a for a in first], margin=0.1, alpha=0.01, rng=Random(0), resamples=200
    )
    assert found.verdict == "not_worse"
    assert found.losses == 30


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "verdict"),
    [
        (0, 0, 58, "too_few"),
        (0, 0, 59, "not_worse"),
        (0, 1, 58, "too_few"),
        (0, 8, 80, "worse"),
        (8, 0, 80, "better"),
        (30, 30, 40, "too_few"),
        (3, 3, 194, "not_worse"),
    ],
)
def test_a_rate_is_judged_by_what_was_won_and_lost(wins, losses, ties, verdict):
    first = [False] * wins + [True] * (losses + ties)
    second = [True] * wins + [False] * losses + [True] * ties
    assert judge_rate("evidence", first, second, margin=0.05, alpha=0.05 / 3).verdict == verdict


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_turned_round_a_better_arm_is_a_worse_one(pairs):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    one = judge_rate("evidence", first, second, margin=0.01, alpha=0.05)
    other = judge_rate("evidence", second, first, margin=0.01, alpha=0.05)
    if one.verdict == "better":
        assert other.verdict in {"worse", "not_worse"}
    assert (one.wins, one.losses) == (other.losses, other.wins)


@pytest.mark.parametrize(
    ("found", "verdict", "more"),
    [
        (["better", "worse", "too_few"], "worse", 5),
        (["better", "too_few", "not_worse"], "too_few", 5),
        (["better", "not_worse", "not_worse"], "better", None),
        (["not_worse", "not_worse", "not_worse"], "not_worse", None),
    ],
)
def test_what_is_worse_or_unknown_outweighs_what_is_better(found, verdict, more):
    judgements = [
        Judgement(measure="latency", verdict=v, pairs=20, margin=0.1, more=5 if v == "too_few" else None)
        for v in found
    ]
    assert overall(judgements) == verdict
    assert more_goals(judgements) == more
