"""The durability benchmark finds what is gone, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.durability.ends import process_killed

pytestmark = pytest.mark.integration


def test_what_is_on_disk_survives_a_kill(tmp_path: Path) -> None:
    loss = process_killed({"appendfsync": "always"}, tmp_path, 0.5)
    assert loss.accepted > 0
    assert (loss.gone_at, loss.lied) == ([], 0)


def test_what_is_in_memory_alone_is_gone(tmp_path: Path) -> None:
    loss = process_killed({"appendonly": "no"}, tmp_path, 0.5)
    assert len(loss.gone_at) == loss.accepted > 0
    assert min(loss.gone_at) < 0
