"""The exporter's loop: reads the ledger's stream on from where the last exporter stopped, and looks for the sweep."""

from __future__ import annotations

import threading
import time

import redis
import structlog
from prometheus_client import CollectorRegistry, Counter
from pydantic import ValidationError

from orchestrator.contracts.events import JobEnd, parse_event
from orchestrator.contracts.result import JobTimings
from orchestrator.errors import RecordUnreadable, StoreUnavailable
from orchestrator.exporter.jobs import JobMetrics
from orchestrator.store import JobRef, Ledger, history, keys
from orchestrator.store.connection import translated
from orchestrator.timeline import job_timings

PERIOD_S = 0.7
"""Shorter than the sweep's lock lives (0.9 s), so that no sweep goes by unseen for long."""
CURSOR = f"{keys.ROOT}:exporter:cursor"
"""String: the last ledger entry that was counted."""
CURSOR_TTL_S = 7 * 86_400

log = structlog.get_logger(__name__)


class LedgerTail:
    """Feeds ``JobMetrics``.

    Each event is counted once, also over a restart of the exporter; the first one ever begins at the stream's end.
    """

    def __init__(self, client: redis.Redis, registry: CollectorRegistry) -> None:
        self._client = client
        self._ledger = Ledger(client)
        self._jobs = JobMetrics(registry)
        self._unreadable = Counter(
            "triptych_ledger_unreadable", "Ledger entries that are no event.", registry=registry
        )
        self._after: str | None = None
        self._swept = time.monotonic()
        self._stop = threading.Event()

    @property
    def sweep_age_s(self) -> float:
        """Seconds since a sweep was last seen under way, or since the exporter started."""
        return time.monotonic() - self._swept

    def run(self) -> None:
        """Go on until closed. An outage of Redis is waited out."""
        away = False
        while not self._stop.wait(PERIOD_S):
            try:
                self.turn()
            except StoreUnavailable as error:
                if not away:
                    log.warning("exporter_waits", error=str(error))
                away = True
            else:
                away = False

    def close(self) -> None:
        """Stop after the turn that is under way."""
        self._stop.set()

    def turn(self) -> int:
        """Count what is new; returns how many entries that were. Raises ``StoreUnavailable``."""
        with translated():
            if self._client.exists(keys.SWEEP_LOCK):
                self._swept = time.monotonic()
        after = self._after = self._after or self._begin()
        read = 0
        while page := self._ledger.read(after=after):
            for entry_id, raw in page:
                self._count(entry_id, raw)
            after = self._after = page[-1][0]
            read += len(page)
            self._keep(after)
        return read

    def _begin(self) -> str:
        with translated():
            kept = self._client.get(CURSOR)
        if kept:
            return str(kept)
        newest = self._ledger.newest(1)
        begin = newest[0][0] if newest else "0-0"
        self._keep(begin)
        return begin

    def _keep(self, entry_id: str) -> None:
        with translated():
            self._client.set(CURSOR, entry_id, ex=CURSOR_TTL_S)

    def _count(self, entry_id: str, raw: str) -> None:
        try:
            event = parse_event(raw, at_ms=int(entry_id.partition("-")[0]))
        except ValidationError:
            self._unreadable.inc()
            return
        self._jobs.observe(event, self._timings)

    def _timings(self, end: JobEnd) -> JobTimings:
        try:
            return job_timings(history(self._client, JobRef(end.tenant, end.task_id)))
        except RecordUnreadable as error:
            log.warning("timings_not_read", job=end.task_id, error=str(error))
            return JobTimings()
