"""The endpoint: pages by path, and a bound on what clients can hold."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Iterator

import pytest

from orchestrator.errors import InvalidSettings
from orchestrator.exporter.serving import MAX_REQUESTS, REQUEST_TIMEOUT_S, Endpoint, Page, verdict_page


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    def broken() -> Page:
        raise RuntimeError

    made = Endpoint(
        "127.0.0.1", 0, {"/up": verdict_page(lambda: True), "/down": verdict_page(lambda: False), "/broken": broken}
    )  # fmt: skip
    yield made
    made.close()


def asked(endpoint: Endpoint, path: str, method: str = "GET") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/up", "GET", 200),
        ("/up?x=1", "GET", 200),
        ("/down", "GET", 503),
        ("/", "GET", 404),
        ("/../up", "GET", 404),
        ("/up", "POST", 501),
    ],
)
def test_pages_by_path(endpoint, path, method, status):
    assert asked(endpoint, path, method) == status


def test_a_page_that_cannot_be_made_ends_its_request_and_no_other(endpoint):
    with pytest.raises(http.client.RemoteDisconnected):
        asked(endpoint, "/broken")
    assert asked(endpoint, "/up") == 200


def test_clients_that_say_nothing_hold_a_bounded_number_of_threads(endpoint):
    threads = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(2 * MAX_REQUESTS)]
    try:
        refused: set[socket.socket] = set()
        while len(refused) < MAX_REQUESTS:
            # Well before those that are let in are given up.
            closed, _, _ = select.select(
                [s for s in silent if s not in refused], [], [], REQUEST_TIMEOUT_S / 2
            )
            assert closed, f"only {len(refused)} of {MAX_REQUESTS} were refused"
            refused.update(closed)
        assert threading.active_count() <= threads + MAX_REQUESTS
    finally:
        for one in silent:
            one.close()


def test_a_taken_port_is_a_setting_to_change(endpoint):
    with pytest.raises(InvalidSettings, match="choose another, or 0 for none"):
        Endpoint("127.0.0.1", endpoint.port, {})
