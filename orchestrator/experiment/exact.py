"""Exact tests and bounds for counts, with ``math`` alone; scipy is the oracle of their tests."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

from orchestrator.rollout.bounds import least


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X <= k) of a binomial with ``n`` trials of probability ``p``."""
    if k < 0:
        return 0.0
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    if 2 * k > n:  # the other tail has fewer terms
        return 1.0 - binomial_cdf(n - k - 1, n, 1 - p)
    hit, miss, whole = log(p), log1p(-p), lgamma(n + 1)
    return min(
        1.0,
        sum(exp(whole - lgamma(i + 1) - lgamma(n - i + 1) + i * hit + (n - i) * miss) for i in range(k + 1)),
    )


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p-value of wins against losses, ties left out.

    Of the discordant pairs of a paired yes/no outcome this is McNemar's exact test.
    """
    return min(1.0, 2 * binomial_cdf(min(wins, losses), wins + losses, 0.5)) if wins + losses else 1.0


def rate_bounds(hits: int, n: int, alpha: float) -> tuple[float, float]:
    """One-sided bounds of a rate, each missed with probability ``alpha`` at most (Clopper and Pearson, 1934)."""
    low = 0.0 if hits == 0 else least(lambda p: 1 - binomial_cdf(hits - 1, n, p) >= alpha)
    high = 1.0 if hits == n else least(lambda p: binomial_cdf(hits, n, p) <= alpha)
    return low, high


def difference_bounds(wins: int, losses: int, n: int, alpha: float) -> tuple[float, float]:
    """One-sided bounds of the difference of two paired rates, from ``n`` pairs of which some are won and some lost.

    The exact bounds of both discordant shares, joined as Newcombe joins Wilson's (Statistics in Medicine 17, 1998),
    with the correlation that the two have. With nothing won or lost they are exact; a test enumerates how often they
    err otherwise.
    """
    won, lost = wins / n, losses / n
    (won_low, won_high), (lost_low, lost_high) = rate_bounds(wins, n, alpha), rate_bounds(losses, n, alpha)
    # What is won is not lost: both errors point the same way.
    together = 2 * sqrt(won * lost / ((1 - won) * (1 - lost))) if wins < n and losses < n else 0.0

    def joined(one: float, other: float) -> float:
        return sqrt(one**2 + other**2 + together * one * other)

    difference = won - lost
    return (
        difference - joined(won - won_low, lost_high - lost),
        difference + joined(won_high - won, lost - lost_low),
    )
