"""Quantiles from buckets, and what is told of a model's pace."""

from __future__ import annotations

import math
import random
from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.pace import LEAST_LATE, LEAST_SEEN, Pace, PaceStats
from orchestrator.report.sketch import GROWTH, LAST_BUCKET, LONGEST_S, bucket_of, quantile_s, upper_edge_s


@given(st.lists(st.floats(0.001, LONGEST_S), min_size=1), st.integers(1, 100))
def test_a_quantile_is_never_too_short_and_at_most_one_bucket_too_long(
    seconds: list[float], percent: int
) -> None:
    exact = sorted(seconds)[max(1, ceil(percent * len(seconds) / 100)) - 1]
    read = quantile_s(Counter(map(bucket_of, seconds)), percent)
    assert read is not None
    assert exact * (1 - 1e-9) <= read <= exact * GROWTH * (1 + 1e-9)


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(-1.0, 0), (0.0, 0), (0.001, 0), (LONGEST_S, LAST_BUCKET), (1e9, LAST_BUCKET)]
)
def test_no_duration_is_without_a_bucket(seconds: float, bucket: int) -> None:
    assert bucket_of(seconds) == bucket
    assert bucket_of(float("nan")) == 0


def test_nothing_seen_is_nothing_told() -> None:
    assert quantile_s({}, 99) is None
    told = PaceStats.of("openai:m", "thesis", Pace())
    assert (told.first_token_s.p99, told.answer_s.p50, told.cached_share, told.backup_after_s) == (None,) * 4
    assert told.overdue_after_s is None


@pytest.mark.parametrize("seen", [LEAST_SEEN - 1, LEAST_SEEN])
def test_what_is_told_of_a_pace(seen: int) -> None:
    pace = Pace(
        {bucket_of(0.7): seen - 2, bucket_of(2.0): 2},
        {bucket_of(4.5): seen},
        {
            "calls": seen + 1,
            "input": 1_000,
            "cached": 610,
            "output": 228,
            "estimated": 5,
            "backups": 3,
            "won": 2,
            "ended": seen,
            "said": 400 * seen,
        },
    )
    told = PaceStats.of("openai:m", "thesis", pace)
    assert (told.calls, told.seen, told.backups, told.backups_won) == (seen + 1, seen, 3, 2)
    assert told.first_token_s.p50 == upper_edge_s(bucket_of(0.7))
    assert told.answer_s.p99 == pytest.approx(4.5, rel=0.05)
    assert told.cached_share == 0.61
    known = seen == LEAST_SEEN
    assert told.backup_after_s == (pace.late_s if known else None)
    assert pace.usual_chars == (400 if known else None)
    assert told.overdue_after_s == (pytest.approx(4.5 * LEAST_LATE, rel=0.05) if known else None)


@pytest.mark.parametrize("slow", [0.0, 0.01, 0.03, 0.05])
def test_what_counts_as_late_is_not_what_is_slow_by_chance(slow: float) -> None:
    draw = random.Random(7)  # times to the first token as they were recorded: 0.7 s, sigma 0.45
    times = [0.7 * draw.lognormvariate(0, 0.45) * (8 if draw.random() < slow else 1) for _ in range(20_000)]
    late_s = Pace(Counter(map(bucket_of, times))).late_s
    assert late_s is not None
    usual_p99 = 0.7 * math.exp(2.3263 * 0.45)
    assert usual_p99 * 0.95 <= late_s <= usual_p99 * 1.45
    assert sum(late_s < each for each in times) / len(times) <= 0.012 + slow
