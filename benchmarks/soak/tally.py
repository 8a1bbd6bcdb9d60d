"""From what was seen to one column of the table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.figures import percentile

RECOVERY_S = 10.0
"""What is asked for: 95 of 100 interrupted steps are running again so soon after their worker was killed."""


@dataclass(frozen=True)
class Run:
    """A persona began, or ended, in a process. Times are s on one clock, of which ``at_s`` is the beginning."""

    job: str
    step: str
    process: int
    at_s: float
    ended_s: float | None = None


@dataclass(frozen=True)
class Kill:
    """A worker's processes were killed."""

    processes: frozenset[int]
    at_s: float


@dataclass(frozen=True)
class Tally:
    """One side's outcome. ``recovered_s``: how long each step that a kill interrupted took to run again, if it did."""

    accepted: int
    complete: int
    degraded: int
    failed: int
    lost: int
    duplicated_results: int
    duplicated_calls: int
    recovered_s: tuple[float | None, ...]
    job_s: tuple[float, ...]

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice."""
        return self.lost == self.duplicated_results == 0

    def rows(self) -> dict[str, str]:
        """What a person reads."""
        again = [s for s in self.recovered_s if s is not None]
        return {
            "jobs accepted": f"{self.accepted:,}",
            "complete": f"{self.complete:,}",
            "degraded": f"{self.degraded:,}",
            "failed": f"{self.failed:,}",
            "lost": f"{self.lost:,}",
            "results twice": f"{self.duplicated_results:,}",
            "model calls paid twice": f"{self.duplicated_calls:,}",
            "steps interrupted by a kill": f"{len(self.recovered_s):,}",
            "never run again": f"{len(self.recovered_s) - len(again):,}",
            "running again after, p50": _seconds(again, 0.5),
            "p95": _seconds(again, 0.95),
            "longest": _seconds(again, 1.0),
            "job, submitted to ended: p50": _seconds(self.job_s, 0.5),
            "p99": _seconds(self.job_s, 0.99),
            "longest job": _seconds(self.job_s, 1.0),
        }

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, the percentiles included."""
        return asdict(self) | {"rows": self.rows()}


def recoveries(runs: Iterable[Run], kills: Sequence[Kill]) -> tuple[float | None, ...]:
    """For each run that a kill interrupted, the time from that kill to the same step's next beginning, in s."""
    by_step: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_step.setdefault((run.job, run.step), []).append(run)
    found: list[float | None] = []
    for same in by_step.values():
        same.sort(key=lambda run: run.at_s)
        for number, run in enumerate(same):
            death = next((k.at_s for k in kills if run.process in k.processes and k.at_s >= run.at_s), None)
            if death is None or (run.ended_s is not None and run.ended_s <= death):
                continue
            again = [later.at_s for later in same[number + 1 :] if later.at_s >= death]
            found.append(again[0] - death if again else None)
    return tuple(found)


def paid_twice(calls: Mapping[str, int]) -> int:
    """Calls beyond the first, over all steps of all jobs."""
    return sum(count - 1 for count in calls.values())


def _seconds(samples: Sequence[float], share: float) -> str:
    return f"{percentile(samples, share):.1f} s" if samples else "-"
