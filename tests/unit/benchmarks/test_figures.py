"""From samples to figures, and from figures to a verdict."""

from __future__ import annotations

import pytest

from benchmarks.figures import Spread, Target, middle, percentile, ratio


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        ([3.0], 0.5, 3.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_a_percentile_is_one_of_the_samples(samples, share, expected):
    assert percentile(samples, share) == expected


def test_no_samples_have_no_percentile():
    with pytest.raises(ValueError, match="no samples"):
        Spread.of([])


def test_a_figure_that_one_round_lacks_is_no_figure():
    assert middle([1.0, 9.0, 2.0]) == 2.0
    assert middle([1.0, None, 2.0]) is None
    assert middle([]) is None


def test_a_ratio_compares_within_a_round():
    """The second round was disturbed, on both sides: it says the same as the others."""
    assert ratio([5.0, 50.0, 5.0], [10.0, 100.0, 10.0]) == 0.5
    assert ratio([5.0, None], [10.0, 10.0]) is None
    assert ratio([5.0], [0.0]) is None


@pytest.mark.parametrize(
    ("value", "bound", "met"),
    [
        (0.7, "at most", True),
        (0.71, "at most", False),
        (1.8, "at least", True),
        (1.79, "at least", False),
        (None, "at most", False),
    ],
)
def test_a_target_is_met_by_a_figure_within_its_limit_and_never_by_none(value, bound, met):
    assert Target("it", value, 0.7 if bound == "at most" else 1.8, "x", bound).met is met
