"""Fixtures that every test may use. Redis is always real: a private Valkey per test process, flushed per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import redis
from pydantic import SecretStr

from tests.postgres import NoPostgresError, PostgresServer

if TYPE_CHECKING:
    from orchestrator.settings import Settings

# No test may depend on, or spend, what the person who runs it has configured.
for _name in [
    name
    for name in os.environ
    if name.startswith(("TRIPTYCH_", "OPENAI_", "ANTHROPIC_")) or name == "REDIS_URL"
]:
    del os.environ[_name]
# Read by workers.llm.http, also in the worker processes that tests start: no call leaves this machine.
os.environ["NO_REMOTE_MODELS"] = "1"

# A busy machine is slow, and that is no defect. The same examples every time, so that what fails was broken by what was
# changed; who looks for more asks for --hypothesis-profile=search.
hypothesis.settings.register_profile(
    "search", deadline=None, max_examples=1_000, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "house", hypothesis.settings.get_profile("search"), max_examples=100, derandomize=True
)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server of this test process's own."""
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings

    fleet = PrivateFleet(Settings())
    try:
        fleet.start_valkey()
        yield f"unix://{fleet.socket}"
    finally:
        fleet.stop()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client on an empty server."""
    from orchestrator.store import connect

    connection = connect(redis_url)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real Postgres of this test process's own; skipped, with the reason, where none can be started."""
    try:
        server = PostgresServer()
    except NoPostgresError as error:
        pytest.skip(f"no Postgres: {error}")
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of an empty database."""
    return postgres.emptied()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def kept_in(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The settings of a deployment whose ledger's archive is not there yet: once a file, once in Postgres."""
    from orchestrator.settings import Settings

    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return Settings(home=tmp_path / "home", ledger_url=SecretStr(url) if url else None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for Triptych, also for the processes that a test starts."""
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
