"""A soak's arithmetic: what a seed stands for, what counts as interrupted, twice, lost."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from typing import get_args

import pytest
from rich.console import Console

from benchmarks.machine import Machine
from benchmarks.soak.replay import SPEED, WEIGHTS, arrivals, faults, recorded
from benchmarks.soak.report import Report, Size
from benchmarks.soak.tally import Kill, Outage, Recovery, Run, Tally, paid_twice, recoveries
from orchestrator.contracts import ArguedMode

FINE = Tally(
    accepted=3,
    complete=3,
    degraded=0,
    failed=0,
    lost=0,
    duplicated_results=0,
    duplicated_calls=1,
    recoveries=(Recovery(7.0, redis_up=True),),
    job_s=(1.0, 2.0, 9.0),
)
MACHINE = Machine(
    cpu="a cpu",
    cores=2,
    memory_gb=4.0,
    system="Linux",
    python="3.11",
    server="valkey 8",
    packages={},
    load=0.1,
)


def dice() -> random.Random:
    return random.Random(7)


def test_the_same_seed_is_the_same_load_and_the_same_faults() -> None:
    assert arrivals(dice(), jobs=50, per_s=5) == arrivals(dice(), jobs=50, per_s=5)
    assert faults(dice(), until_s=60, every_s=2, workers=3) == faults(
        dice(), until_s=60, every_s=2, workers=3
    )


def test_jobs_come_at_the_rate_that_was_asked_for_and_take_a_tenth_of_what_was_recorded() -> None:
    jobs = arrivals(dice(), jobs=2_000, per_s=5)
    assert jobs[-1].at_s == pytest.approx(400, rel=0.1)
    assert {job.mode for job in jobs} == set(get_args(ArguedMode))
    assert all(job.personas in recorded() for job in jobs)
    mean_s = sum(p.in_sequence_s for p in recorded()) / len(recorded()) * SPEED
    assert 20 < mean_s < 40


def test_every_kind_of_fault_comes_and_none_after_the_last_job() -> None:
    found = faults(dice(), until_s=600, every_s=3, workers=4)
    assert {fault.kind for fault in found} == set(WEIGHTS)
    assert {fault.victim for fault in found} == {0, 1, 2, 3}
    assert found[-1].at_s < 600
    assert len(found) == pytest.approx(200, rel=0.1)


RUN = Run("job", "thesis", process=1, at_s=10.0)
KILL = Kill(frozenset({1, 2}), at_s=12.0)


@pytest.mark.parametrize(
    ("runs", "kills", "expected"),
    [
        ([RUN, replace(RUN, process=3, at_s=19.0)], [KILL], [7.0]),
        ([RUN], [KILL], [None]),
        ([replace(RUN, ended_s=11.0), replace(RUN, process=3, at_s=19.0)], [KILL], []),
        ([RUN, replace(RUN, process=3, at_s=11.0)], [KILL], []),
        ([RUN], [replace(KILL, processes=frozenset({5}))], []),
        ([RUN], [replace(KILL, at_s=9.0)], []),
        ([RUN, replace(RUN, process=3, step="antithesis", at_s=19.0)], [KILL], [None]),
        (
            [RUN, replace(RUN, process=3, at_s=19.0), replace(RUN, process=4, at_s=24.0)],
            [KILL, Kill(frozenset({3}), 20.0)],
            [7.0, 4.0],
        ),
    ],
    ids=[
        "again", "never again", "had ended", "taken over before", "another worker", "before", "another step", "twice",
    ],
)  # fmt: skip
def test_a_step_recovers_when_it_runs_again(
    runs: list[Run], kills: list[Kill], expected: list[float | None]
) -> None:
    assert [found.after_s for found in recoveries(runs, kills)] == expected


@pytest.mark.parametrize(
    ("outage", "up"),
    [
        (Outage(13.0, 15.0), False),
        (Outage(5.0, 7.0), False),
        (Outage(2.0, 5.0), True),
        (Outage(20.0, 22.0), True),
    ],
    ids=["meanwhile", "a lease's life before", "long before", "after"],
)
def test_an_outage_is_told_apart_from_a_kill(outage: Outage, up: bool) -> None:
    (found,) = recoveries([RUN, replace(RUN, process=3, at_s=19.0)], [KILL], [outage])
    assert found.redis_up is up


def test_calls_beyond_the_first_are_paid_twice() -> None:
    assert paid_twice({"a": 1, "b": 3, "c": 2}) == 3


def report(ours: Tally, naive: Tally) -> Report:
    return Report(
        seed=7,
        size=Size(jobs=3, per_s=1, fault_every_s=2, deadline_s=9, workers=1, slots=1),
        machine=MACHINE,
        faults={"kill": 2},
        exits={"triptych": 0, "naive": 1},
        tallies={"naive": naive, "triptych": ours},
    )


@pytest.mark.parametrize(
    ("ours", "met"),
    [(FINE, True), (replace(FINE, lost=1), False), (replace(FINE, duplicated_results=1), False)],
)
def test_only_what_triptych_loses_or_does_twice_counts(ours: Tally, met: bool) -> None:
    found = report(ours, replace(FINE, lost=2, duplicated_results=1))
    assert found.met is met
    assert found.to_dict()["clean"] is met


def test_the_table_has_both_columns_and_the_seed() -> None:
    console = Console(file=io.StringIO(), width=120)
    report(FINE, replace(FINE, lost=2, recoveries=(Recovery(None, redis_up=True),))).show(console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    rows = {line.split("  ")[1].strip(): line.split()[-2:] for line in shown.splitlines() if "  " in line}
    assert rows["lost"] == ["2", "0"]
    assert rows["never run again"] == ["1", "0"]
    assert "seed 7" in shown
    assert "2 x kill" in shown
