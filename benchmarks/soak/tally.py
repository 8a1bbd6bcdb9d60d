"""From what was seen to one column of the table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.figures import percentile
from orchestrator.store.leases import LEASE_MS

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
class Outage:
    """Redis was taken down, and answered again."""

    from_s: float
    to_s: float


@dataclass(frozen=True)
class Recovery:
    """A step that a kill interrupted: how long until it ran again, if it did, and whether Redis was up meanwhile."""

    after_s: float | None
    redis_up: bool


@dataclass(frozen=True)
class Tally:
    """One side's outcome."""

    accepted: int
    complete: int
    degraded: int
    failed: int
    lost: int
    duplicated_results: int
    duplicated_calls: int
    recoveries: tuple[Recovery, ...]
    job_s: tuple[float, ...]

    def recovered_s(self, *, redis_up: bool = False) -> list[float]:
        """How long interrupted steps took to run again; only those with Redis up all the while, if so wanted."""
        found = [each for each in self.recoveries if each.redis_up or not redis_up]
        return [each.after_s for each in found if each.after_s is not None]

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice."""
        return self.lost == self.duplicated_results == 0

    def rows(self) -> dict[str, str]:
        """What a person reads."""
        again, up = self.recovered_s(), self.recovered_s(redis_up=True)
        return {
            "jobs accepted": f"{self.accepted:,}",
            "complete": f"{self.complete:,}",
            "degraded": f"{self.degraded:,}",
            "failed": f"{self.failed:,}",
            "lost": f"{self.lost:,}",
            "results twice": f"{self.duplicated_results:,}",
            "model calls paid twice": f"{self.duplicated_calls:,}",
            "steps interrupted by a kill": f"{len(self.recoveries):,}",
            "never run again": f"{len(self.recoveries) - len(again):,}",
            "running again after, p50": _seconds(again, 0.5),
            "p95": _seconds(again, 0.95),
            "longest": _seconds(again, 1.0),
            "with Redis up meanwhile: p50": _seconds(up, 0.5),
            "and p95": _seconds(up, 0.95),
            "job, submitted to ended: p50": _seconds(self.job_s, 0.5),
            "p99": _seconds(self.job_s, 0.99),
            "longest job": _seconds(self.job_s, 1.0),
        }

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, the percentiles included."""
        return asdict(self) | {"rows": self.rows()}


def recoveries(
    runs: Iterable[Run], kills: Sequence[Kill], outages: Sequence[Outage] = ()
) -> tuple[Recovery, ...]:
    """For each run that a kill interrupted, the time from that kill to the same step's next beginning.

    A run that somebody else had taken over before the kill (its worker was stopped) was not interrupted by it.
    Redis counts as up again a lease's life after it answered: until then nobody may take over.
    """
    by_step: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_step.setdefault((run.job, run.step), []).append(run)
    found: list[Recovery] = []
    for same in by_step.values():
        same.sort(key=lambda run: run.at_s)
        for run, after in zip(same, [*same[1:], None], strict=True):
            death = next((k.at_s for k in kills if run.process in k.processes and k.at_s >= run.at_s), None)
            if death is None or (run.ended_s is not None and run.ended_s <= death):
                continue
            if after is not None and after.at_s < death:
                continue
            until = after.at_s if after else float("inf")
            up = not any(o.from_s < until and death < o.to_s + LEASE_MS / 1_000 for o in outages)
            found.append(Recovery(after.at_s - death if after else None, up))
    return tuple(found)


def paid_twice(calls: Mapping[str, int]) -> int:
    """Calls beyond the first, over all steps of all jobs."""
    return sum(count - 1 for count in calls.values())


def _seconds(samples: Sequence[float], share: float) -> str:
    return f"{percentile(samples, share):.1f} s" if samples else "-"
