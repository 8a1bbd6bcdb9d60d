"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# No test may depend on, or spend, what the person who runs it has configured.
for _name in [
    name
    for name in os.environ
    if name.startswith(("TRIPTYCH_", "OPENAI_", "ANTHROPIC_")) or name == "REDIS_URL"
]:
    del os.environ[_name]
# Read by workers.llm.http, also in the worker processes that tests start: no call leaves this machine.
os.environ["NO_REMOTE_MODELS"] = "1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for Triptych, also for the processes that a test starts."""
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
