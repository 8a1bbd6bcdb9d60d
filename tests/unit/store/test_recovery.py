"""What the sweep sends again, as tables."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from orchestrator.contracts import Complexity, Mode, PersonaOutput, Plan, TaskSpec
from orchestrator.recovery import FIRST_LOOK_MS, LONGEST_LOOK_MS, Contact, due, runnable, runnable_since
from orchestrator.routing.flow import FLOWS, ready, sections
from orchestrator.store import JobRecord, StepState
from orchestrator.store.leases import LEASE_MS


def record(mode: Mode | None, *done: str, open_: bool = True) -> JobRecord:
    plan = mode and Plan(
        task_id="a",
        complexity=Complexity(score=1, source="observed"),
        mode=mode,
        mode_reason="",
        language="en",
    )
    outputs = {s: PersonaOutput(task_id="a", persona="thesis", step=s) for s in done}
    return JobRecord(
        spec=TaskSpec(task_id="a", goal="Why?"),
        open=open_,
        accepted_ms=0,
        deadline_ms=60_000,
        plan=plan or None,
        outputs=outputs,
    )


@pytest.mark.parametrize(
    ("mode", "done", "expected"),
    [
        (None, (), ("plan",)),
        ("sequential", (), ("thesis",)),
        ("sequential", ("thesis",), ("antithesis",)),
        ("sequential", ("thesis", "antithesis"), ("synthesis",)),
        ("parallel", (), ("thesis", "antithesis_standalone")),
        ("parallel", ("antithesis_standalone",), ("thesis",)),
        ("parallel", ("thesis", "antithesis_standalone"), ("synthesis",)),
        ("single", (), ("synthesis",)),
        ("single", ("synthesis",), ("synthesis",)),
        # Everything is stored but nobody made the result: the last step finds its output and finishes.
        ("parallel", ("thesis", "antithesis_standalone", "synthesis"), ("synthesis",)),
    ],
)
def test_what_can_run_follows_from_what_is_stored(
    mode: Mode | None, done: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert runnable(record(mode, *done)) == expected


def test_a_job_in_sections_is_merged_when_the_time_has_come() -> None:
    told = record("parallel", "thesis", "antithesis_standalone", "section:2")
    assert told.plan is not None
    plan = told.plan.model_copy(update={"sections": 3, "merge_after_ms": 30_000})
    job = replace(told, plan=plan, awaited=sections(3))
    assert runnable(job, 29_999) == ("section:1", "section:3")
    assert runnable(job, 30_000) == ("synthesis",)
    argued = replace(job, outputs={"thesis": told.outputs["thesis"]})
    assert runnable(argued, 30_000) == ("antithesis_standalone",), "there is nothing to merge yet"
    assert runnable_since(replace(job, steps={"thesis": StepState(ended_ms=7)}), "section:1") == 7


def test_a_job_that_ended_runs_nothing() -> None:
    assert runnable(record("parallel", open_=False)) == ()


@pytest.mark.parametrize("mode", list(FLOWS))
def test_every_flow_comes_to_an_end(mode: Mode) -> None:
    done: set[str] = set()
    while steps := ready(mode, done):
        done |= set(steps)
    assert done == set(FLOWS[mode])


@pytest.mark.parametrize(
    ("state", "now_ms", "backlog", "expected", "why"),
    [
        (StepState(), FIRST_LOOK_MS - 1, False, False, "its message may be under way"),
        (StepState(), FIRST_LOOK_MS, False, True, "nobody ever sent it, or it was lost"),
        (StepState(sent_ms=0, sends=1), FIRST_LOOK_MS, False, True, "the message was lost"),
        (
            StepState(sent_ms=0, sends=3),
            3 * FIRST_LOOK_MS,
            False,
            False,
            "the wait doubles with every message",
        ),
        (StepState(sent_ms=0, sends=3), 4 * FIRST_LOOK_MS, False, True, "and then it is sent"),
        (StepState(sent_ms=0, sends=99), LONGEST_LOOK_MS, False, True, "but it never waits longer than this"),
        (StepState(sent_ms=0, sends=1), FIRST_LOOK_MS, True, False, "it waits in a queue that is not empty"),
        (StepState(sent_ms=0, sends=1), LONGEST_LOOK_MS, True, True, "a long queue is no excuse for ever"),
        (StepState(attempts=1, sends=1, sent_ms=0), 1, False, True, "its worker is gone: at once"),
        (StepState(attempts=1, sends=1, sent_ms=0), 1, True, True, "its worker is gone, whatever waits"),
        (
            StepState(attempts=1, sends=2, sent_at_attempt=1, sent_ms=0),
            1,
            False,
            False,
            "it was sent again since",
        ),
    ],
)
def test_when_a_step_is_sent_again(
    state: StepState, now_ms: int, backlog: bool, expected: bool, why: str
) -> None:
    assert due(state, runnable_since_ms=0, now_ms=now_ms, backlog=backlog) is expected, why


def test_nobody_takes_over_before_one_lease_ttl_of_unbroken_contact() -> None:
    contact = Contact()
    assert not contact.may_take_over(0)
    contact.answered(0)
    assert not contact.may_take_over(LEASE_MS - 1)
    assert contact.may_take_over(LEASE_MS)
    contact.broke()
    contact.answered(LEASE_MS + 1)
    assert not contact.may_take_over(2 * LEASE_MS)
    assert contact.may_take_over(2 * LEASE_MS + 1)


def test_how_long_redis_has_been_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    contact = Contact()
    clock += 1
    assert contact.silent_s() == 1, "nobody has asked yet"
    contact.answered(0)
    clock += 2
    contact.broke()
    clock += 1
    assert contact.silent_s() == 3
    contact.answered(1)
    assert contact.silent_s() == 0
