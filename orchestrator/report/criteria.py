"""The criteria, each a verdict with its reason. No data is never a pass; one job that is too slow is a miss at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from orchestrator.contracts.base import Frozen

Verdict = Literal["met", "missed", "too_few", "reference"]
"""``too_few``: not enough jobs to tell. ``reference``: what the others are measured against."""

ONE_SIDED_95 = 1.6449
"""Standard normal quantile."""


@dataclass(frozen=True)
class Criteria:
    """The bounds. ``margin`` is the drop in the evidence pass rate that still counts as kept (0.05 is 5 points)."""

    mean_s: float = 20.0
    max_s: float = 25.0
    margin: float = 0.05
    least_jobs: int = 20


class Criterion(Frozen):
    """One criterion's outcome for one mode; ``value`` is ``None`` where there is nothing to measure."""

    name: Literal["mean_latency_s", "max_latency_s", "evidence_kept"]
    verdict: Verdict
    value: float | None
    bound: float
    reason: str


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``count``."""

    hits: int
    count: int

    @property
    def share(self) -> float | None:
        """The rate, or ``None`` of nothing."""
        return self.hits / self.count if self.count else None


def mean_latency(seconds: Sequence[float], criteria: Criteria) -> Criterion:
    """Judge the mean of jobs that lost nothing: one that lost a persona is not fast."""
    mean = sum(seconds) / len(seconds) if seconds else None
    few = _too_few(len(seconds), criteria.least_jobs)
    if few or mean is None:
        return Criterion(
            name="mean_latency_s", verdict="too_few", value=mean, bound=criteria.mean_s, reason=few
        )
    met = mean <= criteria.mean_s
    return Criterion(
        name="mean_latency_s",
        verdict="met" if met else "missed",
        value=mean,
        bound=criteria.mean_s,
        reason=f"mean of {len(seconds)} jobs {mean:.2f} s, {'within' if met else 'over'} {criteria.mean_s:g} s",
    )


def max_latency(seconds: Sequence[float], criteria: Criteria) -> Criterion:
    """Judge the longest of all jobs, failed ones included: a job that ran into its deadline took that long."""
    longest = max(seconds, default=None)
    over = sum(1 for s in seconds if s > criteria.max_s)
    if over:
        verdict: Verdict = "missed"
        reason = f"{over} of {len(seconds)} jobs took longer than {criteria.max_s:g} s"
    elif reason := _too_few(len(seconds), criteria.least_jobs):
        verdict = "too_few"
    else:
        verdict, reason = "met", f"none of {len(seconds)} jobs took longer than {criteria.max_s:g} s"
    return Criterion(
        name="max_latency_s", verdict=verdict, value=longest, bound=criteria.max_s, reason=reason
    )


def evidence_kept(rate: Rate, reference: Rate, criteria: Criteria) -> Criterion:
    """Judge whether the evidence pass rate is kept, by the 95 % bounds of its difference to the reference's.

    ``missed`` where even the upper bound is below zero: it has dropped. ``met`` where even the lower bound is within
    the margin. ``too_few`` in between. Bounds: Newcombe's hybrid score interval (Statistics in Medicine 17, 1998,
    method 10), each side at 95 %.
    """
    share, other = rate.share, reference.share
    floor = -criteria.margin

    def criterion(verdict: Verdict, reason: str) -> Criterion:
        return Criterion(name="evidence_kept", verdict=verdict, value=share, bound=floor, reason=reason)

    if share is None or other is None:
        which = "jobs of this mode" if share is None else "sequential jobs to compare with"
        return criterion("too_few", f"no {which}")
    lower, upper = difference_bounds(rate, reference)
    points = f"{100 * (share - other):+.1f} points against sequential (95 %: {100 * lower:+.1f} to {100 * upper:+.1f})"
    if upper < 0:
        return criterion("missed", points)
    few = _too_few(min(rate.count, reference.count), criteria.least_jobs)
    if few or lower < floor:
        return criterion("too_few", f"{points}; {few or 'more jobs of both modes will tell'}")
    return criterion("met", f"{points}, within {100 * criteria.margin:g}")


def reference_rate(rate: Rate, criteria: Criteria) -> Criterion:
    """What sequential itself shows under the evidence criterion."""
    share = rate.share
    said = (
        "no sequential jobs"
        if share is None
        else f"{rate.hits} of {rate.count}; the others are held against it"
    )
    return Criterion(
        name="evidence_kept", verdict="reference", value=share, bound=-criteria.margin, reason=said
    )


def difference_bounds(a: Rate, b: Rate) -> tuple[float, float]:
    """One-sided 95 % bounds of ``a - b``, each from a Wilson score interval. Both need a count."""
    p, q = a.hits / a.count, b.hits / b.count
    (a_low, a_high), (b_low, b_high) = wilson(a), wilson(b)
    lower = p - q - sqrt((p - a_low) ** 2 + (b_high - q) ** 2)
    upper = p - q + sqrt((a_high - p) ** 2 + (q - b_low) ** 2)
    return lower, upper


def wilson(rate: Rate) -> tuple[float, float]:
    """Wilson's score interval of a rate (JASA 22, 1927)."""
    z2, n = ONE_SIDED_95**2, rate.count
    p = rate.hits / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = ONE_SIDED_95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _too_few(count: int, least: int) -> str:
    return "" if count >= least else f"{count} jobs, {least} are the least to judge by"
