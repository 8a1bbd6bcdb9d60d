"""The bounds that a promotion needs: they hold at every moment at once, and close in on the truth."""

from __future__ import annotations

from random import Random

import pytest
from scipy.stats import beta, binom

from orchestrator.rollout.bounds import Moments, excess, highest_rate, lowest_rate, slower_by


def clopper_pearson(failures: int, n: int, alpha: float) -> tuple[float, float]:
    low = 0.0 if failures == 0 else beta.ppf(alpha, failures, n - failures + 1)
    high = 1.0 if failures == n else beta.ppf(1 - alpha, failures + 1, n - failures)
    return low, high


@pytest.mark.parametrize("n", [1, 30, 300, 3_000])
def test_a_bound_for_every_moment_is_wider_than_scipys_for_one_moment_and_not_by_much(n):
    for failures in {0, 1, n // 20, n // 3, n}:
        low, high = clopper_pearson(failures, n, 0.025)
        assert 0 <= lowest_rate(failures, n, 0.025) <= low + 1e-9
        assert high - 1e-9 <= highest_rate(failures, n, 0.025) <= 1
    seen = n // 20
    assert (
        highest_rate(seen, n, 0.025) - lowest_rate(seen, n, 0.025)
        <= max(0.05, 3 * (clopper_pearson(seen, n, 0.025)[1] - clopper_pearson(seen, n, 0.025)[0]))
        or n < 300
    )


@pytest.mark.parametrize(("margin", "jobs"), [(0.01, 470), (0.02, 234), (0.05, 92), (0.10, 45)])
def test_how_many_jobs_without_a_failure_a_margin_takes(margin, jobs):
    """docs/rollout.md has this table."""
    assert excess((0, jobs - 1), (0, 10_000)) >= margin > excess((0, jobs), (0, 10_000))


def test_nothing_is_known_of_nothing():
    assert highest_rate(0, 0, 0.025) == pytest.approx(1.0)
    assert lowest_rate(0, 0, 0.025) == 0.0


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_no_moment_of_a_long_look_is_wrong_more_often_than_said(rate):
    """Asked after every job, the upper bound falls below the truth at some moment in 2.5 % of the runs at most."""
    rng, runs = Random(5), 150
    wrong_high = wrong_low = 0
    for _ in range(runs):
        failures, was_high, was_low = 0, False, False
        for n in range(1, 201):
            failures += rng.random() < rate
            if n % 4 == 0:
                was_high = was_high or highest_rate(failures, n, 0.025) < rate
                was_low = was_low or lowest_rate(failures, n, 0.025) > rate
        wrong_high += was_high
        wrong_low += was_low
    most = binom.ppf(0.999, runs, 0.025)
    assert wrong_high <= most
    assert wrong_low <= most


def of(values: list[float]) -> Moments:
    return Moments(len(values), sum(values), sum(v * v for v in values))


def test_moments_are_those_of_the_values():
    found = of([1.0, 2.0, 4.0])
    assert found.mean == pytest.approx(7 / 3)
    assert found.variance == pytest.approx(((1 - 7 / 3) ** 2 + (2 - 7 / 3) ** 2 + (4 - 7 / 3) ** 2) / 2)
    assert (of([]).mean, of([]).variance, of([3.0]).variance) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("canary", "control"), [([], [1.0, 2.0]), ([1.0], [1.0, 2.0]), ([1.0, 2.0], [])])
def test_too_few_latencies_are_unknown(canary, control):
    assert slower_by(of(canary), of(control)) is None


def test_a_faster_arm_is_known_to_be_no_slower_and_a_slower_one_is_not():
    rng = Random(2)
    slow = [rng.gauss(30, 6) for _ in range(500)]
    fast = [rng.gauss(25, 6) for _ in range(100)]
    assert -0.2 < (slower_by(of(fast), of(slow)) or 0) < 0
    assert (slower_by(of(slow[:100]), of(fast)) or 0) > 0.2


def test_two_like_arms_are_rarely_said_to_differ_by_less_than_they_do():
    """Looked at after every tenth job, the bound of the difference falls below 0 in 5 % of the runs at most."""
    rng, runs, wrong = Random(9), 200, 0
    for _ in range(runs):
        a, b, was = [], [], False
        for n in range(10, 200):
            a.append(rng.expovariate(0.2) + 20)
            b.append(rng.expovariate(0.2) + 20)
            if n % 10 == 0 and len(a) > 20:
                bound = slower_by(of(a), of(b))
                was = was or (bound is not None and bound < 0)
        wrong += was
    assert wrong <= binom.ppf(0.999, runs, 0.05)
