"""How fast a model answers a kind of step, from what the fleet has seen of late. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from orchestrator.contracts.base import Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.report.sketch import quantile_s

LEAST_SEEN = 100
"""First tokens that have to be seen before a 99th percentile says something."""
LEAST_LATE_S = 0.2
"""Nothing is late before: below, our own threads are what is measured."""
LEAST_LATE = 1.5
"""Nor before so many times the median: where all calls take the same, a little more is no sign of anything."""
_P99_OF_P90 = 2.3263 / 1.2816
"""How many times as far from the median the 99th percentile lies as the 90th, on a logarithmic scale."""


@dataclass(frozen=True)
class Pace:
    """What was seen of one model and kind of step: counts per bucket (``report.sketch``), and sums.

    ``firsts`` are times to the first token, ``wholes`` times to the whole answer, both from when the call was let
    through. A call that lost to its backup counts with the time after which it was cut: it would have taken longer, and
    leaving it out would make the slow ones look rare.
    """

    firsts: Mapping[int, int] = field(default_factory=dict)
    wholes: Mapping[int, int] = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """How many first tokens."""
        return sum(self.firsts.values())

    @property
    def is_known(self) -> bool:
        """Whether enough was seen to expect something."""
        return self.seen >= LEAST_SEEN

    @cached_property
    def usual_first_s(self) -> float | None:
        """The median time to the first token; ``None`` where nothing was seen."""
        return quantile_s(self.firsts, 50)

    @cached_property
    def usual_whole_s(self) -> float | None:
        """The median time to the whole answer; ``None`` where nothing was seen."""
        return quantile_s(self.wholes, 50)

    @cached_property
    def late_s(self) -> float | None:
        """After how many seconds of silence a call is late; ``None`` while too little was seen."""
        return _late_s(self.firsts) if self.is_known else None

    @cached_property
    def overdue_s(self) -> float | None:
        """After how many seconds an answer that is not whole is late; ``None`` while too little was seen."""
        return _late_s(self.wholes) if self.usual_chars else None

    @property
    def usual_chars(self) -> float | None:
        """Characters of a whole answer, the mean; ``None`` while too little was seen."""
        ended = self.sums.get("ended", 0)
        return self.sums.get("said", 0) / ended if self.is_known and ended >= LEAST_SEEN else None


def _late_s(counts: Mapping[int, int]) -> float | None:
    """The 99th percentile, or where it comes earlier, the one that median and 90th percentile promise.

    Times of calls are close to lognormal, and where three calls in a hundred are slow by chance, the 99th percentile
    that was seen is one of theirs: it would be waited for with the slow ones.
    """
    p50, p90, p99 = (quantile_s(counts, percent) for percent in (50, 90, 99))
    if p50 is None or p90 is None or p99 is None:
        return None
    promised: float = p50 * (p90 / p50) ** _P99_OF_P90
    return max(LEAST_LATE_S, LEAST_LATE * p50, min(p99, promised))


class Quantiles(Frozen):
    """Seconds; ``None`` where nothing was seen."""

    p50: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Quantiles:
        """Three percentiles of counted buckets."""
        p50, p95, p99 = (quantile_s(counts, percent) for percent in (50, 95, 99))
        return cls(p50=p50, p95=p95, p99=p99)


class PaceStats(Frozen):
    """One model and kind of step. Tokens are sums over ``calls``; ``backups`` are among the calls.

    ``backup_after_s`` is after how long a silent call gets a backup, ``overdue_after_s`` after how long an answer
    counts as late: a call that is about to take longer gets one. ``None`` while too little was seen.
    """

    model: str
    step: str
    calls: int
    seen: int
    first_token_s: Quantiles
    answer_s: Quantiles
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    estimated_tokens: int
    backups: int
    backups_won: int
    backup_after_s: float | None
    overdue_after_s: float | None

    @property
    def cached_share(self) -> float | None:
        """Which part of the input the provider's prefix cache had, as far as it told."""
        return self.cached_tokens / self.input_tokens if self.input_tokens else None

    @classmethod
    def of(cls, model: str, step: str, pace: Pace) -> PaceStats:
        """What there is to tell of a pace."""
        first = Quantiles.of(pace.firsts)
        said = pace.sums.get
        return cls(
            model=model,
            step=step,
            calls=said("calls", 0),
            seen=pace.seen,
            first_token_s=first,
            answer_s=Quantiles.of(pace.wholes),
            input_tokens=said("input", 0),
            cached_tokens=said("cached", 0),
            output_tokens=said("output", 0),
            estimated_tokens=said("estimated", 0),
            backups=said("backups", 0),
            backups_won=said("won", 0),
            backup_after_s=pace.late_s,
            overdue_after_s=pace.overdue_s,
        )


class BudgetStats(Frozen):
    """A model's backups in the moving window, and how many of its calls there may be a backup for."""

    model: str
    window_s: int
    calls: int
    backups: int
    allowed: int


class ModelStats(Frozen):
    """What the fleet has learned of its models."""

    paces: Annotated[tuple[PaceStats, ...], AsTuple]
    budgets: Annotated[tuple[BudgetStats, ...], AsTuple]
