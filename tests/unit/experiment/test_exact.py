"""Exact tests and bounds, held against scipy; and how often the joined bound errs, enumerated."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from orchestrator.experiment.exact import binomial_cdf, difference_bounds, rate_bounds, sign_test


@given(st.integers(1, 2_000), st.integers(-1, 2_001), st.floats(0, 1))
def test_the_binomial_is_scipys(n, k, p):
    assert binomial_cdf(k, n, p) == pytest.approx(float(stats.binom.cdf(k, n, p)), abs=1e-8)


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_sign_test_is_scipys(wins, losses):
    expected = float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    assert sign_test(wins, losses) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.2))
def test_the_bounds_of_a_rate_are_clopper_and_pearsons(counts, alpha):
    hits, n = counts
    expected = stats.binomtest(hits, n).proportion_ci(1 - 2 * alpha, method="exact")
    assert rate_bounds(hits, n, alpha) == pytest.approx((expected.low, expected.high), abs=1e-8)


@pytest.mark.parametrize(("margin", "least"), [(0.02, 149), (0.05, 59), (0.10, 29)])
def test_with_no_loss_the_bound_is_exact(margin, least):
    assert difference_bounds(0, 0, least, 0.05)[0] >= -margin
    assert difference_bounds(0, 0, least - 1, 0.05)[0] < -margin


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bounds_hold_the_difference_and_are_mirrored(counts):
    wins, n = counts
    losses = (n - wins) // 2
    low, high = difference_bounds(wins, losses, n, 0.05)
    assert low <= (wins - losses) / n <= high
    assert difference_bounds(losses, wins, n, 0.05) == pytest.approx((-high, -low))


@pytest.mark.parametrize("n", [30, 60, 90])
@pytest.mark.parametrize("margin", [0.05, 0.10])
@pytest.mark.parametrize("won", [0.0, 0.01, 0.05, 0.1])
def test_an_arm_that_is_worse_by_the_margin_is_held_not_worse_in_five_percent_at_most(n, margin, won):
    lost = won + margin
    accepted = 0.0
    for wins in range(min(n, int(n * won + 8 * (n * won + 1) ** 0.5)) + 1):
        for losses in range(n - wins + 1):
            if (wins - losses) / n < -margin:
                break  # its bound is lower still
            if difference_bounds(wins, losses, n, 0.05)[0] >= -margin:
                ways = comb(n, wins) * comb(n - wins, losses)
                accepted += ways * won**wins * lost**losses * (1 - won - lost) ** (n - wins - losses)
    assert accepted <= 0.05
