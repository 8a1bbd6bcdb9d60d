"""A small HTTP endpoint for ``/metrics`` and probes, in threads of its own. It reads GET, and nothing that is sent."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, TCPServer, ThreadingMixIn
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, disable_created_metrics, generate_latest

from orchestrator.errors import InvalidSettings

MAX_REQUESTS = 16
"""Requests at a time; a scrape and two probes are three."""
REQUEST_TIMEOUT_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Page:
    """One answer."""

    body: bytes
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]


def new_registry() -> CollectorRegistry:
    """Make a registry of our own: nothing that a library registers by itself turns up in our scrapes."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client forgot this one
    return CollectorRegistry()


def metrics_page(registry: CollectorRegistry) -> Callable[[], Page]:
    """Make the page that Prometheus scrapes."""
    return lambda: Page(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def verdict_page(holds: Callable[[], bool]) -> Callable[[], Page]:
    """Make a probe's page: 200 where ``holds``, else 503."""
    return lambda: Page(b"ok\n") if holds() else Page(b"no\n", status=503)


class Endpoint:
    """Serves ``pages`` until closed. The port is open once this is made; port 0 takes a free one.

    Raises ``InvalidSettings`` where it cannot be opened.
    """

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        try:
            self._server = _Server((host, port), pages)
        except OSError as error:
            raise InvalidSettings(
                "TRIPTYCH_METRICS_PORT",
                f"{host} port {port} cannot be opened ({error.strerror or error}); choose another, or 0 for none",
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="triptych-endpoint", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is open."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(REQUEST_TIMEOUT_S)


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_TIMEOUT_S
    server_version = "triptych"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        make = self.server.pages.get(self.path.partition("?")[0])
        page = make() if make else Page(b"not here\n", status=404)
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, *_: object) -> None:
        """Keep probes, several a second, out of the log."""


class _Server(ThreadingMixIn, TCPServer):
    # Not HTTPServer: that one asks the DNS for this machine's name before it serves.
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], pages: Pages) -> None:
        self.pages = pages
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self: BaseServer, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - as above
        # A scraper that hangs up is ordinary; a page that cannot be made is worth a look.
        log.warning("endpoint_request_failed", exc_info=sys.exception())
