"""The bootstrap: repeatable, equal to scipy's, and it holds the true ratio as often as it says."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from orchestrator.experiment.bootstrap import _student, bootstrap, difference, ratio

seconds = st.floats(0.01, 1_000)


def lognormal(
    rng: Random, n: int, *, goal: float = 0.25, noise: float = 0.15
) -> tuple[list[float], list[float]]:
    """Two arms of the same law on the same goals: what a goal takes is common, the rest is each run's own."""
    base = [rng.lognormvariate(3, goal) for _ in range(n)]
    return [b * rng.lognormvariate(0, noise) for b in base], [b * rng.lognormvariate(0, noise) for b in base]


def test_the_interval_is_scipys():
    first, second = lognormal(Random(3), 40)
    ours = bootstrap(first, second, ratio, rng=Random(1), resamples=9_000).interval(0.05)
    theirs = stats.bootstrap(
        (np.array(first), np.array(second)),
        lambda a, b, axis: b.mean(axis=axis) / a.mean(axis=axis),
        paired=True, vectorized=True, n_resamples=9_000, method="BCa", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.006)
    assert ours[0] < theirs.low < theirs.high < ours[1]  # a little further out, as for few pairs


@pytest.mark.parametrize("share", [0.0028, 0.0083, 0.025, 0.05, 0.5, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [9, 29, 300])
def test_students_quantile_is_scipys(share, freedom):
    assert _student(share, freedom) == pytest.approx(float(stats.t.ppf(share, freedom)), abs=0.01)


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    first, second = lognormal(Random(3), 20)
    one, same, other = (
        bootstrap(first, second, ratio, rng=Random(seed), resamples=200).interval(0.05) for seed in (1, 1, 2)
    )
    assert one == same != other


@given(st.lists(st.tuples(seconds, seconds), min_size=2, max_size=30), st.sampled_from([ratio, difference]))
def test_the_bounds_are_ordered_and_are_replicates(pairs, statistic):
    found = bootstrap([a for a, _ in pairs], [b for _, b in pairs], statistic, rng=Random(0), resamples=60)
    low, high = found.interval(0.05)
    assert found.replicates[0] <= low <= high <= found.replicates[-1]
    assert low <= found.at(0.95) <= high or low == high


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.15])
def test_without_noise_there_is_no_doubt(factor):
    first = [1.0 + i for i in range(12)]
    found = bootstrap(first, [factor * a for a in first], ratio, rng=Random(0), resamples=100)
    assert found.interval(0.05) == pytest.approx((factor, factor))


def test_pairing_takes_out_what_the_goals_do():
    rng = Random(5)
    first, second = lognormal(rng, 60, goal=0.8, noise=0.05)
    paired = bootstrap(first, second, ratio, rng=Random(0), resamples=400).interval(0.05)
    loose = bootstrap(first, rng.sample(second, 60), ratio, rng=Random(0), resamples=400).interval(0.05)
    assert paired[1] - paired[0] < (loose[1] - loose[0]) / 4


def test_the_interval_misses_about_as_often_as_it_says():
    rng = Random(7)
    missed = 0
    for _ in range(400):
        first, second = lognormal(rng, 30)
        low, high = bootstrap(first, second, ratio, rng=rng, resamples=300).interval(0.05)
        missed += not low <= 1 <= high
    assert 8 <= missed <= 36  # 5 % of 400 is 20
