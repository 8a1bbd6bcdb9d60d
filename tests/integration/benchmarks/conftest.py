"""Where the measurements under test keep what they make."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a measurement keeps its sockets and logs: its processes are known by it."""
    return tmp_path_factory.mktemp("b")
