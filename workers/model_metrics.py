"""What one worker process exports of its model calls beyond their cost: waits, retries, fallbacks, breakers."""

from __future__ import annotations

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from orchestrator.contracts import ErrorKind
from orchestrator.store.endpoints import Change, Obstacle
from workers.llm.consequences import ANOTHER_MODEL_MAY_HELP, RETRIED
from workers.llm.hedging import Outcome
from workers.llm.meters import Meters

WAIT_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class ModelMetrics(Meters):
    """One process's. Threads may share it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waits = Histogram(
            "triptych_model_wait_seconds",
            "How long calls that had to wait at the gate did so, by the last reason; others are not counted.",
            ("provider", "why"),
            buckets=WAIT_SECONDS,
            registry=registry,
        )
        self._retries = Counter(
            "triptych_model_retries",
            "Calls that failed and were made again.",
            ("provider", "kind"),
            registry=registry,
        )
        self._fallbacks = Counter(
            "triptych_model_fallbacks",
            "Times that a provider's model could not answer and the next in the chain was asked.",
            ("provider", "kind"),
            registry=registry,
        )
        self._backups = Counter(
            "triptych_model_backups",
            "Calls that were late: what became of the backup that was called for.",
            ("provider", "outcome"),
            registry=registry,
        )
        self._changes = Counter(
            "triptych_endpoint_changes",
            "Pauses and breakers that this process's calls brought about.",
            ("provider", "change"),
            registry=registry,
        )

    def expect(self, provider: str) -> None:
        """Show a provider's series from the start: a counter that appears with its first event shows no increase."""
        for why in get_args(Obstacle):
            self._waits.labels(provider, why)
        for kind in RETRIED:
            self._retries.labels(provider, kind)
        for kind in ANOTHER_MODEL_MAY_HELP:
            self._fallbacks.labels(provider, kind)
        for outcome in get_args(Outcome):
            self._backups.labels(provider, outcome)
        for change in get_args(Change):
            self._changes.labels(provider, change)

    def waited(self, provider: str, why: Obstacle, seconds: float) -> None:
        """See ``Meters``."""
        self._waits.labels(provider, why).observe(seconds)

    def changed(self, provider: str, change: Change) -> None:
        """See ``Meters``."""
        self._changes.labels(provider, change).inc()

    def retried(self, provider: str, kind: ErrorKind) -> None:
        """See ``Meters``."""
        self._retries.labels(provider, kind).inc()

    def hedged(self, provider: str, outcome: Outcome) -> None:
        """See ``Meters``."""
        self._backups.labels(provider, outcome).inc()

    def fell_back(self, provider: str, kind: ErrorKind) -> None:
        """See ``Meters``."""
        self._fallbacks.labels(provider, kind).inc()
