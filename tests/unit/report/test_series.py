"""The dashboard's series: each job in its stretch, honest percentiles, bounded, whatever order events come in."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.contracts import Reason
from orchestrator.contracts.events import Event, JobEnd, ModeSet, RolloutMoved, RolloutStarted
from orchestrator.contracts.rollout import RolloutSpec, Stage
from orchestrator.report.series import MOST_MARKERS, RANGES, History, LatencySeries, ModeSeries
from tests.unit.timeline.ledger_of import event_id, submitted

STEP = RANGES["15m"].step_ms
UNTIL = 100_000 * STEP + 5_000
"""5 s into the last stretch."""
LAST = 59
"""Its number."""


def end(
    stretch: int = LAST, seconds: float = 15.0, *, mode: Any = "parallel", status: Any = "complete", ok: bool = True,
    why: Sequence[Any] = (), saved: float | None = None, tenant: str = "default",
) -> JobEnd:  # fmt: skip
    total, at_ms = int(seconds * 1_000), UNTIL - 5_000 + (stretch - LAST) * STEP
    return JobEnd(
        event_id=event_id(), task_id="job1", tenant=tenant, at_ms=at_ms, status=status,
        mode=mode, evidence_ok=ok, total_ms=total, sequential_ms=None if saved is None else total + int(saved * 1_000),
        reasons=tuple(Reason(code=code) for code in why),
    )  # fmt: skip


def series(*events: Event) -> LatencySeries:
    history = History()
    history.add(events)
    return history.series("15m", until_ms=UNTIL)


def only(found: LatencySeries) -> ModeSeries:
    (mode,) = found.modes
    return mode


def at(values: Sequence[Any], stretch: int = LAST) -> Any:
    assert [value for number, value in enumerate(values) if value and number != stretch] == []
    return values[stretch]


def test_a_range_is_cut_into_stretches_of_which_the_last_holds_now():
    found = series()
    assert len(found.starts) == LAST + 1
    assert found.starts[-1] <= UNTIL < found.starts[-1] + found.step_ms
    assert found.modes == ()
    assert [mode.jobs for mode in found.totals] == [0, 0]


@pytest.mark.parametrize("stretch", [0, 1, 30, LAST])
def test_a_job_stands_in_the_stretch_that_it_ended_in(stretch):
    assert at(only(series(end(stretch))).jobs, stretch) == 1


@pytest.mark.parametrize("stretch", [-1, LAST + 1])
def test_what_ended_outside_the_range_is_left_out(stretch):
    assert series(end(stretch)).modes == ()


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([end(seconds=s) for s in range(1, 101)], {"jobs": 100, "p50_s": 50, "p95_s": 95, "max_s": 100}),
        ([end(seconds=3)], {"p50_s": 3, "p95_s": 3, "max_s": 3, "saved_s": None, "evidence_ok": 1}),
        # Losing a persona is not fast; but it is a job, and as long as it was.
        (
            [end(seconds=10), end(seconds=2, status="degraded", why=["persona_lost"])],
            {"jobs": 2, "degraded": 1, "p50_s": 10, "max_s": 10},
        ),
        (
            [end(seconds=10), end(seconds=180, status="failed", why=["deadline"])],
            {"jobs": 2, "failed": 1, "p95_s": 10, "max_s": 180, "evidence_ok": 1},
        ),
        ([end(status="degraded", why=["evidence_failed"], ok=False)], {"p50_s": 15, "evidence_ok": 0}),
        ([end(), end(seconds=1, status="failed", why=["cancelled"])], {"jobs": 1, "failed": 0, "max_s": 15}),
        ([end(saved=4), end(saved=6), end()], {"saved_s": 5}),
        ([end(saved=-1)], {"saved_s": -1}),
        ([end(saved=4), end(saved=90, status="degraded", why=["persona_lost"])], {"saved_s": 4}),
        ([end(tenant="doctor"), end()], {"jobs": 1}),
    ],
)  # fmt: skip
def test_what_a_stretch_says_of_its_jobs(jobs, expected):
    mode = only(series(*jobs))
    assert {name: at(getattr(mode, name)) for name in expected} == expected


def test_each_mode_has_a_series_and_a_total_that_is_judged():
    found = series(
        *(end(mode=mode) for mode in ("pipelined", "sequential") for _ in range(20)), end(mode=None)
    )
    assert [mode.mode for mode in found.modes] == ["none", "pipelined", "sequential"]
    total = next(total for total in found.totals if total.mode == "pipelined")
    assert total.criteria[0].verdict == "met"
    assert (found.mean_bound_s, found.max_bound_s) == (20.0, 25.0)


def test_order_and_repetition_of_events_change_nothing():
    events = [end(stretch, seconds=stretch + 1) for stretch in range(LAST + 1)]
    mixed = [*events, *events[10:30]]
    random.Random(1).shuffle(mixed)
    assert series(*mixed) == series(*events)


SPEC = RolloutSpec(
    id="r" + 12 * "0", from_mode="sequential", to_mode="pipelined", margin=0.02, slower=0.1,
    stages=(Stage(share=5, hold_s=60, count=10), Stage(share=25, hold_s=60, count=10)),
)  # fmt: skip


def moved(at_ms: int = UNTIL) -> RolloutMoved:
    return RolloutMoved(
        event_id=event_id(), at_ms=at_ms, who="the sweep", why="20 jobs of each", rollout=SPEC.id, move="roll_back",
        phase="rolled_back", stage=0, share=0.0, evidence=21.0, decided_ms=at_ms,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "kind", "what"),
    [
        (RolloutStarted(event_id=event_id(), at_ms=UNTIL, who="ada", spec=SPEC, decided_ms=UNTIL), "rollout",
         "sequential to pipelined: 5 %"),
        (moved(), "rollout", "roll back: 0 %"),
        (ModeSet(event_id=event_id(), at_ms=UNTIL, who="ada", mode="sequential"), "switch", "switch: sequential"),
        (ModeSet(event_id=event_id(), at_ms=UNTIL, who="ada", mode=None), "switch", "switch: cleared"),
    ],
)  # fmt: skip
def test_what_changes_how_jobs_run_is_a_marker(event, kind, what):
    (marker,) = series(event, submitted()).markers
    assert (marker.kind, marker.what, marker.at_ms, marker.who) == (kind, what, UNTIL, event.who)


def test_markers_are_the_latest_in_order_and_those_of_the_range():
    moves = [moved(UNTIL - ms) for ms in range(2 * MOST_MARKERS)]
    found = series(*moves, moved(UNTIL - RANGES["15m"].span_ms - STEP)).markers
    assert [marker.at_ms for marker in found] == list(range(UNTIL - MOST_MARKERS + 1, UNTIL + 1))


def test_of_more_jobs_than_are_kept_the_latest_stay_and_it_says_since_when():
    history = History(most_jobs=100)
    history.add(end(number % (LAST + 1)) for number in range(100))
    assert history.series("15m", until_ms=UNTIL).complete_since_ms == UNTIL - 5_000 - LAST * STEP
    history.add(end(stretch) for stretch in (LAST - 1, LAST) for _ in range(45))
    assert len(history) == 100
    found = history.series("15m", until_ms=UNTIL)
    assert found.complete_since_ms > found.starts[0]
    assert (found.modes[0].jobs[LAST], found.modes[0].jobs[LAST - 1]) == (46, 46)


def test_what_is_forgotten_is_gone():
    history = History()
    assert history.add([end(0), end(LAST), moved(0)]) == UNTIL - 5_000
    history.forget(UNTIL - STEP)
    assert len(history) == 1
    assert history.series("15m", until_ms=UNTIL).markers == ()
