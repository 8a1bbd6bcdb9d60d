"""Connections to Redis: taken up again when the server has closed them, and given up when it says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from orchestrator.errors import StoreUnavailable
from orchestrator.store import connect
from orchestrator.store import pool as pooling
from orchestrator.store.connection import translated
from tests.servers import Valkey

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    server = Valkey(tcp=True)
    yield server
    server.close()


@pytest.fixture(params=["tcp", "unix"])
def url(request: pytest.FixtureRequest, valkey: Valkey) -> str:
    return valkey.url if request.param == "tcp" else f"unix://{valkey.folder}/s"


def test_a_connection_that_the_server_closed_costs_a_try(url: str, valkey: Valkey) -> None:
    used, other = connect(url, retries=1), connect(url)
    used.ping()
    other.client_kill_filter(_type="normal", skipme=True)
    assert used.ping()


def test_one_that_has_rested_is_looked_at_and_costs_none(
    url: str, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, other = connect(url, retries=0), connect(url)
    used.ping()
    other.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(StoreUnavailable), translated():
        used.ping()
    used.ping()
    other.client_kill_filter(_type="normal", skipme=True)
    monkeypatch.setattr(pooling, "LOOKED_AT_AFTER_S", 0.0)
    assert used.ping()


def test_a_server_that_says_nothing_is_given_up(url: str, valkey: Valkey) -> None:
    client = connect(url, timeout_s=1.0, retries=0)
    with pytest.raises(StoreUnavailable), translated():
        client.blpop("nothing comes", timeout=30)
    assert client.ping()


def test_a_connection_is_used_again(url: str, valkey: Valkey) -> None:
    client: redis.Redis = connect(url)
    assert len({client.client_id() for _ in range(5)}) == 1
