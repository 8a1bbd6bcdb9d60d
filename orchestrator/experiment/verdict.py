"""From paired observations to a verdict: better, not worse within the margin, worse, or not enough data.

Three things are judged of a pair of arms: latency, evidence (the gate's verdict), and wholeness (nothing was lost). An
arm that gets faster by losing a persona is not faster: such runs are left out of the latency and counted as lost.
What a blind judge prefers is judged in the same words, beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt
from random import Random
from statistics import NormalDist, pstdev
from typing import Literal

from orchestrator.contracts.base import Frozen
from orchestrator.experiment.bootstrap import RESAMPLES, Bootstrap, bootstrap, ratio
from orchestrator.experiment.exact import difference_bounds, sign_test

Verdict = Literal["better", "not_worse", "worse", "too_few"]
Measure = Literal["latency", "evidence", "whole", "preference"]
MEASURES: tuple[Measure, ...] = ("latency", "evidence", "whole")
"""Those that a pair's verdict is made of."""

LEAST_PAIRS = 10
"""Fewer are never a verdict: neither the bootstrap nor anybody's judgement holds on them."""
MOST_MORE = 100_000
ALPHA = 0.05
"""How often an arm at its margin may be held not worse; and, over all verdicts, two equal arms be told apart."""
_POWER_Z = NormalDist().inv_cdf(0.8)
_ONE_SIDED_Z = NormalDist().inv_cdf(1 - ALPHA)


@dataclass(frozen=True)
class Margins:
    """What still counts as not worse: ``latency`` as a share of the mean (0.1 is 10 %), ``rate`` in shares of runs.

    ``preference`` is how far below one half: at 0.1 an arm that is preferred on 40 % of goals is at the margin.
    """

    latency: float = 0.10
    rate: float = 0.05
    preference: float = 0.10


class Judgement(Frozen):
    """One measure of one pair of arms.

    ``difference`` is candidate against reference: for latency the ratio of means minus 1, for rates in shares of runs.
    For preference ``candidate`` is the share of goals on which it is preferred, ties half, and ``reference`` one half.
    ``low`` and ``high`` hold it with the comparison's two-sided confidence; ``bound`` is its worse end at one-sided
    95 %, which decides on the margin. ``wins`` and ``losses`` are pairs that the candidate has for itself. ``more``:
    about how many more goals a verdict would take, at 80 % power, if they go on like these; ``None`` where there is a
    verdict, or none in sight.
    """

    measure: Measure
    verdict: Verdict
    pairs: int
    reference: float | None = None
    candidate: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    margin: float
    wins: int = 0
    losses: int = 0
    p: float | None = None
    more: int | None = None


def judge_latency(
    reference: Sequence[float],
    candidate: Sequence[float],
    *,
    margin: float,
    alpha: float,
    rng: Random,
    resamples: int = RESAMPLES,
) -> Judgement:
    """Judge paired latencies (s) of runs that lost nothing, by the ratio of their means."""
    n = len(reference)
    faster = sum(b < a for a, b in zip(reference, candidate, strict=True))
    slower = sum(b > a for a, b in zip(reference, candidate, strict=True))
    counted = _counted("latency", n, margin, faster, slower)
    if n < LEAST_PAIRS:
        return counted
    found = bootstrap(reference, candidate, ratio, rng=rng, resamples=resamples)
    low, high = found.interval(alpha)
    bound = found.at(1 - ALPHA)
    verdict = _verdict(better=high < 1, within=bound <= 1 + margin, worse=low > 1)
    return counted.model_copy(
        update={
            "verdict": verdict,
            "reference": sum(reference) / n,
            "candidate": sum(candidate) / n,
            "difference": found.estimate - 1,
            "low": low - 1,
            "high": high - 1,
            "bound": bound - 1,
            "p": sign_test(faster, slower),
            "more": _more_for_latency(found, n, margin, alpha) if verdict == "too_few" else None,
        }
    )


def judge_rate(
    measure: Measure,
    reference: Sequence[bool],
    candidate: Sequence[bool],
    *,
    margin: float,
    alpha: float,
) -> Judgement:
    """Judge a paired yes/no outcome: McNemar's exact test, and a bound on the difference of the rates."""
    n = len(reference)
    wins = sum(b and not a for a, b in zip(reference, candidate, strict=True))
    losses = sum(a and not b for a, b in zip(reference, candidate, strict=True))
    counted = _counted(measure, n, margin, wins, losses)
    if n < LEAST_PAIRS:
        return counted
    p = sign_test(wins, losses)
    low, high = difference_bounds(wins, losses, n, alpha / 2)
    bound = difference_bounds(wins, losses, n, ALPHA)[0]
    told = p <= alpha
    verdict = _verdict(better=told and wins > losses, within=bound >= -margin, worse=told and losses > wins)
    return counted.model_copy(
        update={
            "verdict": verdict,
            "reference": sum(reference) / n,
            "candidate": sum(candidate) / n,
            "difference": (wins - losses) / n,
            "low": low,
            "high": high,
            "bound": bound,
            "p": p,
            "more": _more_for_rate(wins, losses, n, margin, alpha) if verdict == "too_few" else None,
        }
    )


def judge_preference(
    wins: int, losses: int, ties: int, unknown: int = 0, *, margin: float, alpha: float
) -> Judgement:
    """Judge whose answers are preferred: an exact sign test of wins and losses, and a bound on the share.

    ``unknown`` are goals that nobody could judge: whatever is asked, they count against the answer yes.
    """
    judged = wins + losses + ties
    n = judged + unknown
    counted = _counted("preference", judged, margin, wins, losses)
    if judged < LEAST_PAIRS:
        return counted
    for_it, against_it = sign_test(wins, losses + unknown), sign_test(wins + unknown, losses)
    low = difference_bounds(wins, losses + unknown, n, alpha / 2)[0] / 2
    high = difference_bounds(wins + unknown, losses, n, alpha / 2)[1] / 2
    bound = difference_bounds(wins, losses + unknown, n, ALPHA)[0] / 2
    verdict = _verdict(
        better=for_it <= alpha and wins > losses + unknown,
        within=bound >= -margin,
        worse=against_it <= alpha and losses > wins + unknown,
    )
    more = _more_for_rate(wins, losses + unknown, n, 2 * margin, alpha)
    return counted.model_copy(
        update={
            "verdict": verdict,
            "reference": 0.5,
            "candidate": 0.5 + (wins - losses) / (2 * judged),
            "difference": (wins - losses) / (2 * judged),
            "low": low,
            "high": high,
            "bound": bound,
            "p": sign_test(wins, losses),
            "more": more if verdict == "too_few" else None,
        }
    )


def overall(judgements: Sequence[Judgement]) -> Verdict:
    """Join the measures of a pair: whatever is worse makes the arm worse, and what is not known is not good."""
    found = {judgement.verdict for judgement in judgements}
    order: tuple[Verdict, ...] = ("worse", "too_few", "better")
    return next((verdict for verdict in order if verdict in found), "not_worse")


def more_goals(judgements: Sequence[Judgement]) -> int | None:
    """About how many more goals it takes until all measures have a verdict; ``None`` where that cannot be told."""
    open_ones = [judgement.more for judgement in judgements if judgement.verdict == "too_few"]
    known = [more for more in open_ones if more is not None]
    return max(known) if known and len(known) == len(open_ones) else None


def _counted(measure: Measure, pairs: int, margin: float, wins: int, losses: int) -> Judgement:
    """What is known before anything is judged; as it stands it is a verdict on too few pairs."""
    more = max(1, LEAST_PAIRS - pairs)
    return Judgement(
        measure=measure, verdict="too_few", pairs=pairs, margin=margin, wins=wins, losses=losses, more=more
    )


def _verdict(*, better: bool, within: bool, worse: bool) -> Verdict:
    if better:
        return "better"
    if within:  # measurably worse, maybe, and by less than anybody minds
        return "not_worse"
    return "worse" if worse else "too_few"


def _more_for_latency(found: Bootstrap, n: int, margin: float, alpha: float) -> int | None:
    spread = pstdev([log(r) for r in found.replicates]) * sqrt(n)
    at = log(found.estimate)
    z = NormalDist().inv_cdf(1 - alpha / 2)
    return _fewest(n, spread, [(abs(at), z), (log(1 + margin) - at, _ONE_SIDED_Z)])


def _more_for_rate(wins: int, losses: int, n: int, margin: float, alpha: float) -> int | None:
    # Half a pair on each side: what has not been seen yet is rare, not impossible.
    won, lost = (wins + 0.5) / (n + 1), (losses + 0.5) / (n + 1)
    spread = sqrt(won + lost - (won - lost) ** 2)
    at = (wins - losses) / n
    z = NormalDist().inv_cdf(1 - alpha / 2)
    more = _fewest(n, spread, [(abs(at), z), (margin + at, _ONE_SIDED_Z)])
    none_lost = ceil(log(ALPHA) / log(1 - margin))
    return more if more is None else max(more, none_lost - n)


def _fewest(n: int, spread: float, ends: Sequence[tuple[float, float]]) -> int | None:
    """More pairs until the first of these ends: a gap to be cleared, with how many standard errors it takes."""
    wanted = [ceil(((z + _POWER_Z) * spread / gap) ** 2) for gap, z in ends if gap > 1e-9]
    fewest = min(wanted, default=MOST_MORE + n + 1)
    return max(1, fewest - n) if fewest - n <= MOST_MORE else None
