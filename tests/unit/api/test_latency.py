"""The dashboard reads a range once and then what is new; who asks again at once gets what was made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from orchestrator.api import latency
from orchestrator.api.latency import Dashboard
from orchestrator.contracts.events import Event
from orchestrator.errors import ArchiveUnusable
from orchestrator.report.series import MOST_JOBS, RANGES, LatencySeries, RangeName
from orchestrator.store.fleet_ledger import FleetLedger
from tests.unit.report.test_series import UNTIL, end

SPAN = RANGES["15m"].span_ms + RANGES["15m"].step_ms


class Read:
    """What a dashboard asks of a ledger."""

    def __init__(self) -> None:
        self.events_there: list[Event] = []
        self.asked: list[tuple[str, int]] = []
        self.broken = False

    def milestones(self, *, since_ms: int, most: int) -> Iterator[Event]:
        assert most == MOST_JOBS
        return self._told("milestones", since_ms)

    def events(self, task_id: str | None = None, *, since_ms: int | None = None) -> Iterator[Event]:
        assert task_id is None
        return self._told("events", since_ms or 0)

    def _told(self, how: str, since_ms: int) -> Iterator[Event]:
        self.asked.append((how, since_ms))
        yield from (event for event in self.events_there if event.at_ms >= since_ms)
        if self.broken:
            raise ArchiveUnusable("its disk is full")


@pytest.fixture
def ledger() -> Read:
    return Read()


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    """One that makes every answer anew."""
    monkeypatch.setattr(latency, "FRESH_S", 0.0)
    return Dashboard()


def look(dashboard: Dashboard, ledger: Read, now: int = UNTIL, name: RangeName = "15m") -> LatencySeries:
    return dashboard.look(cast("FleetLedger", ledger), name, now_ms=now)


def jobs(series: LatencySeries) -> int:
    return sum(sum(mode.jobs) for mode in series.modes)


def test_the_first_look_finds_ends_and_later_ones_what_is_new(dashboard: Dashboard, ledger: Read) -> None:
    ledger.events_there = [end()]
    assert jobs(look(dashboard, ledger)) == 1
    ledger.events_there.append(end())
    assert jobs(look(dashboard, ledger, UNTIL + 1_000)) == 2
    overlap = latency._OVERLAP_MS
    assert ledger.asked == [("milestones", UNTIL - SPAN), ("events", UNTIL - overlap)]


@pytest.mark.parametrize(
    ("pause_ms", "name", "how"),
    [(60_000, "15m", "events"), (latency._SKIP_MS + 1, "15m", "milestones"), (1_000, "1h", "milestones")],
)
def test_after_a_long_pause_or_for_a_longer_range_only_ends_are_read(
    dashboard: Dashboard, ledger: Read, pause_ms: int, name: Any, how: str
) -> None:
    look(dashboard, ledger)
    look(dashboard, ledger, UNTIL + pause_ms, name)
    assert [asked for asked, _ in ledger.asked] == ["milestones", how]


def test_a_shorter_range_is_made_of_what_a_longer_one_read(dashboard: Dashboard, ledger: Read) -> None:
    ledger.events_there = [end()]
    look(dashboard, ledger, name="7d")
    assert jobs(look(dashboard, ledger)) == 1
    assert [asked for asked, _ in ledger.asked] == ["milestones", "events"]


def test_who_asks_again_at_once_gets_what_was_made(ledger: Read) -> None:
    dashboard = Dashboard()
    assert look(dashboard, ledger) is look(dashboard, ledger, UNTIL + 1_000)
    assert len(ledger.asked) == 1


def test_what_was_read_by_half_is_read_anew(dashboard: Dashboard, ledger: Read) -> None:
    ledger.events_there, ledger.broken = [end()], True
    with pytest.raises(ArchiveUnusable):
        look(dashboard, ledger)
    ledger.broken = False
    ledger.events_there.append(end())
    assert jobs(look(dashboard, ledger)) == 2
    assert [asked for asked, _ in ledger.asked] == ["milestones", "milestones"]
