"""From samples to figures, and from figures to a verdict. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal


def percentile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, ``share`` from 0 to 1. Raises ``ValueError`` for no samples."""
    if not samples:
        raise ValueError("no samples")
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


@dataclass(frozen=True)
class Spread:
    """Percentiles of one round's samples, in their unit."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Raises ``ValueError`` for no samples."""
        return cls(*(percentile(samples, share) for share in (0.5, 0.95, 0.99)))


def middle(rounds: Sequence[float | None]) -> float | None:
    """The median over the rounds; ``None`` where one of them could not be measured."""
    measured = [value for value in rounds if value is not None]
    return median(measured) if measured and len(measured) == len(rounds) else None


def ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> float | None:
    """The median of the rounds' ratios: what disturbed a round disturbed both sides of it."""
    pairs = zip(ours, theirs, strict=True)
    return middle([a / b if a is not None and b else None for a, b in pairs])


@dataclass(frozen=True)
class Target:
    """What was asked for. ``value`` is ``None`` where it could not be measured, which is not met."""

    name: str
    value: float | None
    limit: float
    unit: str
    bound: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool:
        """Whether the figure is within its limit."""
        if self.value is None:
            return False
        return self.value <= self.limit if self.bound == "at most" else self.value >= self.limit
