"""Quantiles of durations from counts in buckets that grow by 5 %: small, mergeable, at most 5 % too long."""

from __future__ import annotations

import math
from collections.abc import Mapping

GROWTH = 1.05
SHORTEST_S = 0.001
LONGEST_S = 3_600.0

_LOG = math.log(GROWTH)
LAST_BUCKET = math.ceil(math.log(LONGEST_S / SHORTEST_S) / _LOG)


def bucket_of(seconds: float) -> int:
    """The bucket that a duration is counted in: 0 up to a millisecond, the last one from an hour on."""
    if not seconds > SHORTEST_S:
        return 0
    return min(LAST_BUCKET, math.ceil(math.log(seconds / SHORTEST_S) / _LOG - 1e-9))


def upper_edge_s(bucket: int) -> float:
    """The longest duration that is counted in a bucket, in seconds."""
    return SHORTEST_S * GROWTH**bucket


def quantile_s(counts: Mapping[int, int], percent: float) -> float | None:
    """The nearest-rank percentile, as its bucket's upper edge in seconds; ``None`` of nothing."""
    total = sum(counts.values())
    if not total:
        return None
    rank = max(1, math.ceil(percent * total / 100))
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank <= 0:
            return upper_edge_s(bucket)
    return upper_edge_s(max(counts))
