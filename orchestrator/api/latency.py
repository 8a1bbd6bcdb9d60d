"""The dashboard's series: what the ledger knows of the jobs that ended, folded anew every few seconds at most."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from fastapi import APIRouter

from orchestrator.api.deployment import Deployed, Operating
from orchestrator.report.series import MOST_JOBS, RANGES, History, LatencySeries, RangeName
from orchestrator.store.fleet_ledger import FleetLedger

FRESH_S = 2.0
"""How long an answer is good for, whoever asks for it; for ranges of days, one fiftieth of a stretch is as good."""
_LONG_FRESH_S = 15.0
_OVERLAP_MS = 5_000
"""What was read last is read again: who wrote it may have been late."""
_SKIP_MS = 300_000
"""From so long a pause on, the events between the ends of jobs are not read."""


@dataclass
class Dashboard:
    """What was read of one ledger; safe for several threads. It holds ``MOST_JOBS`` jobs, and a quarter more at most.

    The first look at a range reads the ends of its jobs, later ones what is new.
    """

    _history: History = field(default_factory=History)
    _since_ms: int | None = None
    _read_ms: int = 0
    _made: dict[RangeName, tuple[float, LatencySeries]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, ledger: FleetLedger, name: RangeName, *, now_ms: int) -> LatencySeries:
        """Give a range's series. Raises ``ArchiveUnusable`` and ``StoreUnavailable``."""
        with self._lock:
            made_at, made = self._made.get(name, (0.0, None))
            fresh_s = _LONG_FRESH_S if RANGES[name].step_ms >= RANGES["7d"].step_ms else FRESH_S
            if made is not None and time.monotonic() - made_at < fresh_s:
                return made
            self._read(ledger, now_ms - RANGES[name].span_ms - RANGES[name].step_ms, now_ms)
            made = self._history.series(name, until_ms=now_ms)
            self._made[name] = (time.monotonic(), made)
            return made

    def _read(self, ledger: FleetLedger, since_ms: int, now_ms: int) -> None:
        if self._since_ms is None or since_ms < self._since_ms:
            events = ledger.milestones(since_ms=since_ms, most=MOST_JOBS)
            self._since_ms = since_ms
        elif now_ms - self._read_ms > _SKIP_MS:
            events = ledger.milestones(since_ms=self._read_ms - _OVERLAP_MS, most=MOST_JOBS)
        else:
            events = ledger.events(since_ms=self._read_ms - _OVERLAP_MS)
        try:
            self._history.add(events)
        except BaseException:
            self._since_ms = None  # half of it was read: begin anew
            raise
        self._read_ms = now_ms
        longest_ms = max(known.span_ms + known.step_ms for known in RANGES.values())
        self._since_ms = max(self._since_ms, now_ms - longest_ms)
        self._history.forget(self._since_ms)


def router() -> APIRouter:
    """Make the route, with what it remembers."""
    routes = APIRouter(tags=["fleet"])
    dashboard = Dashboard()

    @routes.get("/latency")
    def show_latency(deployment: Deployed, _: Operating, range: RangeName = "24h") -> LatencySeries:  # noqa: A002 - what it is called outside
        """Show each mode over time: latency, jobs, losses, evidence, time saved; with the criteria over the range."""
        return dashboard.look(deployment.ledger, range, now_ms=deployment.client.store.now_ms())

    return routes
