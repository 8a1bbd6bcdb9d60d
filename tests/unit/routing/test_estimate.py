"""What a job takes and costs in each mode, reckoned from its steps: nominal personas, and what a fleet has learned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.routing.estimate import MERGE, NOMINAL, Figures, StepFigures, estimate

CACHED: Figures = {
    "thesis": NOMINAL["thesis"],
    "antithesis": replace(NOMINAL["antithesis"], cached=1_350.0),
    "synthesis": replace(NOMINAL["synthesis"], cached=1_350.0),
}
"""Nine tenths of the shared prompt come from the provider's cache, from the second step on."""


@pytest.mark.parametrize(
    ("claims", "seconds", "cost"), [(2, 20.5, 1.67), (4, 14.6, 2.11), (6, 12.6, 2.54), (8, 11.6, 2.98)]
)
def test_nominal_personas_take_what_was_reckoned_before_the_start(claims, seconds, cost):
    found = estimate({}, claims)
    assert found.seconds["sequential"] == pytest.approx(29.5)
    assert found.seconds["parallel"] == pytest.approx(25.0)
    assert found.seconds["pipelined"] == pytest.approx(seconds, abs=0.1)
    assert found.cost == pytest.approx(cost, abs=0.01)
    assert not found.learned


def test_cached_input_counts_at_its_price():
    assert estimate(CACHED, 6).cost < 1.6 < estimate({}, 6).cost


@pytest.mark.parametrize("missing", ["thesis", "antithesis", "synthesis"])
def test_where_one_persona_is_not_known_nothing_is_mixed_with_nominal_ones(missing):
    fast = StepFigures(0.1, 1.0, 100, 0, 50)
    learned = {step: fast for step in NOMINAL if step != missing}
    assert estimate(learned, 4) == estimate({}, 4)
    assert estimate({**learned, missing: fast}, 4).learned


def test_a_standalone_antithesis_stands_for_one_that_saw_the_thesis_and_not_the_other_way_round():
    step = StepFigures(0.1, 1.0, 100, 0, 50)
    slow = replace(step, whole_s=3.0)
    alone = {"thesis": step, "antithesis_standalone": slow, "synthesis": step}
    assert estimate(alone, 4).seconds["sequential"] == pytest.approx(5.0)
    assert estimate({**alone, "antithesis": step}, 4).seconds["sequential"] == pytest.approx(3.0)


def test_parts_that_were_seen_count_as_they_were():
    dear = StepFigures(3.0, 9.0, 5_000, 0, 900)
    seen = {**NOMINAL, "rebuttal": dear, "resolution": dear, MERGE: dear, "critic": dear}
    found = estimate(seen, 6)
    assert found.seconds["pipelined"] == pytest.approx(4.5 + 9 + 9 + 9)
    assert found.cost > 5


def test_nothing_that_was_learned_divides_by_nothing():
    nothing = dict.fromkeys(NOMINAL, StepFigures(0.0, 0.0, 0.0, 0.0, 0.0))
    assert estimate(nothing, 0).cost == 1.0
