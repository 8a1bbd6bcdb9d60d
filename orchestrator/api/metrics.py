"""What one API process exports: its requests, what it refused, its open streams. It is scraped on a port of its own.

Labels are bounded, whatever is asked for: of a path there is the template of its route, and ``none`` where it has none.
"""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram, ProcessCollector
from starlette.routing import BaseRoute
from starlette.types import Message, Scope, Send

from orchestrator.api.deployment import API
from orchestrator.api.problems import CODE
from orchestrator.exporter.serving import new_registry

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "POST"})
OTHER, NONE = "other", "none"
PLAIN = ("/static", f"{API}/openapi.json")
"""What is no route of the framework's."""
ASKED_ABOUT = ("too_busy", "too_many_streams", "internal")
"""What alerts ask about is there from the start: its first time is an increase."""


class ApiMetrics:
    """One process's metrics. Threads may share it."""

    def __init__(self) -> None:
        self.registry = new_registry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "triptych_api_requests",
            "Requests answered, by route, method and status; a HEAD is a GET.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "triptych_api_request_seconds",
            "From a request's head to its answer's.",
            ("route", "method"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._problems = Counter(
            "triptych_api_problems", "Answers that were problems, by code.", ("code",), registry=self.registry
        )
        self.under_way = Gauge(
            "triptych_api_requests_under_way",
            "Requests under way, streams among them.",
            registry=self.registry,
        )
        self.streams = Gauge("triptych_api_streams_open", "Event streams open.", registry=self.registry)
        for code in ASKED_ABOUT:
            self._problems.labels(code)

    def counting(self, scope: Scope, path: str, send: Send) -> Send:
        """Have an answer counted when its head is sent: ``scope``, which routing writes into, knows the route then.

        ``path`` is what was asked for, without the prefix of a proxy.
        """
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                waited_s = time.perf_counter() - begun
                self.answered(_route(scope, path), scope["method"], message["status"], waited_s)
                if code := scope["state"].get(CODE):
                    self._problems.labels(code).inc()
            await send(message)

        return sending

    def answered(self, route: str, method: str, status: int, waited_s: float) -> None:
        """Count one answer."""
        method = method if method in METHODS else OTHER
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(waited_s)


def _route(scope: Scope, path: str) -> str:
    route: BaseRoute | None = scope.get("route")
    if route is None:
        return next((known for known in PLAIN if path.startswith(known)), NONE)
    # An included router's routes do not know its prefix.
    return f"{API if path.startswith(f'{API}/') else ''}{getattr(route, 'path', NONE)}"
