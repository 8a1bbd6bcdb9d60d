"""What a report keeps of a job that has ended: a tenth of its event."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from orchestrator.contracts.base import SMOKE_TENANT
from orchestrator.contracts.events import Event, JobEnd
from orchestrator.contracts.result import JobStatus

LOST = frozenset(
    {"persona_lost", "synthesis_lost", "all_personas_lost", "plan_failed", "deadline", "partial_refused"}
)
"""Reasons of a job that did less than all its work: how soon it ended says nothing about speed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One job that ended, ``at_ms`` (epoch). ``saved_s``: how much less it took than its steps one after another."""

    at_ms: int
    mode: str
    status: JobStatus
    seconds: float
    saved_s: float | None
    held: bool
    """Its evidence held, and it did not fail."""
    codes: frozenset[str]

    @property
    def wanted(self) -> bool:
        """Whether nobody cancelled it: a cancelled job is its caller's wish and counts nowhere."""
        return "cancelled" not in self.codes

    @property
    def whole(self) -> bool:
        """Whether it lost nothing: only then its time says how fast the fleet is."""
        return self.status != "failed" and self.codes.isdisjoint(LOST)


def ended(event: Event) -> Ended | None:
    """Take what counts of a job's end; ``None`` for every other event, and for a smoke job of the doctor's."""
    if not isinstance(event, JobEnd) or event.tenant == SMOKE_TENANT:
        return None
    total_ms = max(0, event.total_ms)
    return Ended(
        at_ms=event.at_ms,
        mode=event.mode or "none",
        status=event.status,
        seconds=total_ms / 1_000,
        saved_s=None if event.sequential_ms is None else (event.sequential_ms - total_ms) / 1_000,
        held=event.evidence_ok and event.status != "failed",
        codes=_codes(tuple(reason.code for reason in event.reasons)),
    )


@lru_cache(maxsize=1_024)
def _codes(codes: tuple[str, ...]) -> frozenset[str]:
    """Jobs end for few reasons: those of the same share one set."""
    return frozenset(codes)
