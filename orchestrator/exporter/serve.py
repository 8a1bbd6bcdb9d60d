"""``triptych exporter``: put the parts together, serve until told to stop."""

from __future__ import annotations

import threading

from prometheus_client import ProcessCollector

from orchestrator.exporter.fleet import FleetGauges
from orchestrator.exporter.serving import Endpoint, metrics_page, new_registry, verdict_page
from orchestrator.exporter.tail import LedgerTail
from orchestrator.store import connect

REDIS_TIMEOUT_S = 2.0
"""A scrape has 10 s by default: an answer that says that Redis is away has to come sooner."""


class Exporter:
    """The fleet's endpoint, and the loop behind it. One per fleet: two would count every job twice."""

    def __init__(self, redis_url: str, *, host: str, port: int) -> None:
        registry = new_registry()
        ProcessCollector(registry=registry)
        self._client = connect(redis_url, timeout_s=REDIS_TIMEOUT_S, max_connections=32)
        self.tail = LedgerTail(self._client, registry)
        FleetGauges(self._client, registry, sweep_age_s=lambda: self.tail.sweep_age_s)
        self._thread = threading.Thread(target=self.tail.run, name="triptych-exporter", daemon=True)
        self._endpoint = Endpoint(
            host,
            port,
            {
                "/metrics": metrics_page(registry),
                "/healthz": verdict_page(self._thread.is_alive),
                "/readyz": verdict_page(self._thread.is_alive),
            },
        )

    @property
    def port(self) -> int:
        """The port that is open."""
        return self._endpoint.port

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def wait(self) -> None:
        """Block until the loop has ended."""
        self._thread.join()

    def close(self) -> None:
        """Stop counting and close the port."""
        self.tail.close()
        if self._thread.ident is not None:
            self._thread.join(REDIS_TIMEOUT_S * 2)
        self._endpoint.close()
        self._client.close()
