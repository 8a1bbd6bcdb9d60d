"""Recorded runs of a sequential pipeline, to be replayed: one row a run, seconds per persona."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latency.world import Triple
from orchestrator.errors import InvalidInput

NEEDED = ("ts_utc", "thesis_s", "antithesis_s", "synthesis_s")


@dataclass(frozen=True)
class Recorded:
    """One run: the month it was made in (1 to 12), and what its personas took."""

    month: int
    triple: Triple


def read(paths: Iterable[Path]) -> list[Recorded]:
    """All runs of these CSV files, in order. Raises ``InvalidInput`` where one is none, or holds no runs."""
    found = []
    for path in paths:
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            found += [
                Recorded(
                    int(row["ts_utc"][5:7]),
                    Triple(*(float(row[f"{p}_s"]) for p in ("thesis", "antithesis", "synthesis"))),
                )
                for row in rows
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            columns = ", ".join(NEEDED)
            raise InvalidInput(
                "--recorded", f"{path} cannot be read as CSV with {columns}: {error}"
            ) from None
    if not found:
        raise InvalidInput("--recorded", "the files hold no runs")
    return found
