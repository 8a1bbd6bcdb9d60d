"""One Redis, spelt three ways."""

from __future__ import annotations

import pytest

from orchestrator.broker.addresses import backend_url, broker_url


@pytest.mark.parametrize(
    ("ours", "kombus", "celerys"),
    [
        ("redis://h:6379/0", "redis://h:6379/0", "redis://h:6379/0"),
        ("unix:///run/s", "redis+socket:///run/s", "socket:///run/s"),
        ("unix:///run/s?db=3", "redis+socket:///run/s?virtual_host=3", "socket:///run/s?virtual_host=3"),
        ("rediss://h/0", "rediss://h/0", "rediss://h/0?ssl_cert_reqs=required"),
        ("rediss://h/0?a=1", "rediss://h/0?a=1", "rediss://h/0?a=1&ssl_cert_reqs=required"),
        (
            "rediss://h/0?ssl_cert_reqs=none",
            "rediss://h/0?ssl_cert_reqs=none",
            "rediss://h/0?ssl_cert_reqs=none",
        ),
    ],
)
def test_the_same_server_for_kombu_and_for_celerys_backend(ours: str, kombus: str, celerys: str) -> None:
    assert (broker_url(ours), backend_url(ours)) == (kombus, celerys)
