"""The guard: is the new arm failing more often than its share of the jobs explains? An e-process over the failures.

If both arms fail alike, a failure is the canary's with probability r, its share of the jobs. Against that stands: its
odds are m times as high. E is the mean, over several m, of how much better that explains whose failures they were. As
long as both arms fail alike E exceeds 20 at any time, however often it is looked at, with probability 1/20 at most
(Ville). It needs no base rate, and an outage that hits both arms moves it nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log

FACTORS = (2, 4, 8, 16, 32, 100, 1_000)
"""By how much the canary's odds to fail may be higher: from hard to see to plain to see."""
THRESHOLD = 20.0
"""From this E on a rollout is rolled back: at most one in twenty that did not deserve it."""
_LARGEST = 690.0
"""Beyond it an exponential is no float any more."""

Failures = tuple[float, int, int]
"""The canary's share r (0 to 1), its failures, and the control's, of jobs that were assigned at that share."""


def log_evidence(failures: Iterable[Failures]) -> float:
    """The natural logarithm of E. Each failure counts at the share that was in force when its job was assigned.

    With theta = r m / (r m + 1 - r) a failure of the canary multiplies by theta/r = m / (r m + 1 - r), one of the
    control by (1 - theta)/(1 - r) = 1 / (r m + 1 - r). At a share of 1 both are 1: there is nothing to compare with.
    """
    seen = list(failures)
    logs = [
        sum(canary * log(m) - (canary + control) * log(r * m + 1 - r) for r, canary, control in seen)
        for m in FACTORS
    ]
    top = max(logs)
    return top + log(sum(exp(each - top) for each in logs) / len(FACTORS))


def evidence(failures: Iterable[Failures]) -> float:
    """E: 1 where nothing has failed, ``THRESHOLD`` and more where the new arm has to go."""
    return exp(min(log_evidence(failures), _LARGEST))
