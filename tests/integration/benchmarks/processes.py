"""Whether a measurement has left anything running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PROC = Path("/proc")
LOOKED_UP_IN_PROC = pytest.mark.skipif(
    not (PROC / "self/environ").exists(), reason="processes are looked up in /proc"
)


def running(place: Path) -> Iterator[Path]:
    """Processes that know this place from their environment."""
    for folder in PROC.glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and str(place).encode() in (folder / "environ").read_bytes():
                yield folder
        except OSError:
            continue
