"""Real sockets on loopback, and nothing else: no test here can reach a model that costs money."""

from __future__ import annotations

import pytest

from tests.integration.llm.wire import WireServer
from workers.llm import loop, registry
from workers.llm.http import NO_REMOTE_MODELS


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch):
    monkeypatch.setenv(NO_REMOTE_MODELS, "1")


@pytest.fixture(scope="session", autouse=True)
def _closed_loop():
    yield
    registry.close()
    loop.close()


@pytest.fixture
def wire():
    server = WireServer()
    yield server
    server.close()
