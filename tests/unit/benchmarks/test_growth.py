"""What counts as grown, and what is the mood of an allocator or a pool."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
from rich.console import Console

from benchmarks.growth import LEDGER_KEEPS, Look, Report
from benchmarks.processes import Holds
from tests.unit.benchmarks.test_overload import MACHINE

FIRST = Look(
    jobs=1_000,
    worker=Holds(100.0, 110, 50),
    producer=Holds(80.0, 20, 30),
    redis_mb=4.0,
    keys=20,
    lasting=16,
    channels=2,
    connections=40,
    ledger_events=12_000,
    ledger_mb=6.0,
)


@pytest.mark.parametrize(
    ("change", "grown"),
    [
        ({}, []),
        ({"worker": Holds(120.0, 110, 55), "connections": 45, "redis_mb": 4.5}, []),
        ({"worker": Holds(100.0, 110, 63)}, ["the worker's files"]),
        ({"connections": 51}, ["connections"]),
        ({"worker": Holds(126.0, 110, 50)}, ["the worker's memory"]),
        ({"producer": Holds(80.0, 20, 38)}, ["the producer's files"]),
        ({"lasting": 17}, ["keys without a TTL"]),
        ({"channels": 3}, ["channels"]),
        ({"keys": 26}, ["keys"]),
        ({"ledger_events": LEDGER_KEEPS, "ledger_mb": 100.0}, []),
        ({"ledger_events": 2 * LEDGER_KEEPS}, ["the ledger, over its bound"]),
    ],
)
def test_what_has_grown(change: dict[str, object], grown: list[str]) -> None:
    last = replace(FIRST, jobs=50_000, **change)  # type: ignore[arg-type]  # by the table
    assert last.grown(FIRST) == grown


def test_ctrl_c_ends_the_wait_for_results_to_run_out() -> None:
    """It is in a thread, where no signal arrives."""
    arm = mock.Mock()
    arm.client.redis.scan_iter.return_value = ["a job's"]
    told = mock.Mock()
    told.check.side_effect = [None, None, KeyboardInterrupt]
    with pytest.raises(KeyboardInterrupt):
        Look.at(1_000, arm, told)


def test_what_was_seen_before_an_interrupt_is_told_as_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    part = Report(MACHINE, 50_000, 60.0, [FIRST, replace(FIRST, jobs=5_000)])
    part.show(Console())
    assert "not measured: 5,000 to 50,000 jobs" in capsys.readouterr().out
    assert not part.met
    assert part.to_dict()["whole"] is False
    assert replace(part, jobs=5_000).met
