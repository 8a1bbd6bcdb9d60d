"""Fleets of more than one kind: other versions beside today's, and a model that counts what is paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model_server import ModelServer
from tests.versions import NEWER_MAJOR, NEWER_MINOR, other_version


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of a later version of the same protocol."""
    return other_version(tmp_path_factory.mktemp("newer"), NEWER_MINOR)


@pytest.fixture(scope="session")
def newer_major(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of a later version that speaks the next protocol."""
    return other_version(tmp_path_factory.mktemp("major"), NEWER_MAJOR)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model that remembers who asked."""
    server = ModelServer()
    yield server
    server.close()
