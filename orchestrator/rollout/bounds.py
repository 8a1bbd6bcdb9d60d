"""Bounds that hold at every moment at once, so that looking every second costs nothing (confidence sequences).

Rates: a bet against each candidate p, that failures are rarer (or more frequent) than p by one of a few factors. A p
against which the bet has won 1/alpha is ruled out (Ville; Waudby-Smith and Ramdas, JRSS B 86, 2024). Exact at any
count, also where nothing has failed yet and a normal approximation would be sure of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, log, log1p, sqrt

ALPHA = 0.05
"""How often a bound may be wrong, over all moments together."""
_RARER = (0.0, 0.25, 0.5, 0.75)
_OFTENER = (1.25, 1.5, 2.0, 4.0)
_STEPS = 60
"""Bisections of the unit interval: more than a float has bits."""
_TUNED_FOR = 100
"""The count at which the bound of a mean is at its tightest."""


@dataclass(frozen=True)
class Moments:
    """Of some measured values: how many, their sum, and the sum of their squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean; 0 of nothing."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """The sample's variance; 0 of fewer than two."""
        return max(0.0, self.squares - self.n * self.mean**2) / (self.n - 1) if self.n > 1 else 0.0


def highest_rate(failures: int, n: int, alpha: float) -> float:
    """The upper bound of a failure rate, from ``failures`` of ``n``."""
    return least(lambda p: _ruled_out(failures, n, p, _RARER, alpha))


def lowest_rate(failures: int, n: int, alpha: float) -> float:
    """The lower bound of a failure rate, from ``failures`` of ``n``."""
    return least(lambda p: not _ruled_out(failures, n, p, _OFTENER, alpha)) if failures else 0.0


def excess(canary: tuple[int, int], control: tuple[int, int]) -> float:
    """The upper 95 % bound of how much more often the canary fails, both given as (failures, jobs)."""
    return highest_rate(*canary, ALPHA / 2) - lowest_rate(*control, ALPHA / 2)


def slower_by(canary: Moments, control: Moments) -> float | None:
    """The upper 95 % bound of how much longer the canary's mean is, as a share of the control's.

    ``None`` with fewer than two measured jobs of either. An asymptotic confidence sequence (Waudby-Smith et al.,
    Annals of Statistics 52, 2024): it holds at all moments, and for large counts.
    """
    n = min(canary.n, control.n)
    if n < 2 or control.mean <= 0:
        return None
    error = sqrt(canary.variance / canary.n + control.variance / control.n)
    at = n / _TUNED_FOR
    widths = sqrt(2 * (1 + 1 / at) * log(sqrt(1 + at) / (2 * ALPHA)))
    return (canary.mean - control.mean + widths * error) / control.mean


def _ruled_out(failures: int, n: int, p: float, factors: tuple[float, ...], alpha: float) -> bool:
    won = [_bet(failures, n, p, factor) for factor in factors]
    top = max(won)
    if top == -inf:
        return False
    least = log(len(factors) / alpha)
    return top >= least or _log_sum(won, top) >= least


def _log_sum(logs: list[float], top: float) -> float:
    return top + log(sum(exp(each - top) for each in logs))


def _bet(failures: int, n: int, p: float, factor: float) -> float:
    """The log of what betting on ``factor * p`` against ``p`` has made of 1; minus infinity where all is lost."""
    q, misses = min(1.0, factor * p), n - failures
    if (failures and q <= 0) or (misses and q >= 1):
        return -inf
    won = failures * log(q / p) if failures else 0.0
    return won + (misses * (log1p(-q) - log1p(-p)) if misses else 0.0)


def least(true_from: Callable[[float], bool]) -> float:
    """The least p from which on the condition holds; 1 where it never does."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if true_from(middle):
            high = middle
        else:
            low = middle
    return high
