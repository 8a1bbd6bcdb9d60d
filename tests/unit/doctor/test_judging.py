"""The doctor's judgements, as tables: what is found, how bad it is, and that something can be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from orchestrator.broker import ALL_QUEUES, QUEUES
from orchestrator.contracts.base import PROTOCOL
from orchestrator.doctor import Finding, exit_code
from orchestrator.doctor.about import About, Answers
from orchestrator.doctor.finding import error, ok, skipped, warning
from orchestrator.doctor.judging import (
    judge_clocks,
    judge_endpoints,
    judge_load,
    judge_protocols,
    judge_questions,
    judge_switch,
    judge_unknown,
    judge_workers,
)
from orchestrator.doctor.server import judge_redis
from orchestrator.exporter.sample import FleetSample, QueueSample
from orchestrator.pausing import Pause
from orchestrator.store.endpoints import EndpointState
from orchestrator.switch import Switch

GOOD = {
    "redis_version": "7.4.1", "maxmemory_policy": "noeviction", "maxmemory": 2**30, "used_memory": 2**20,
    "evicted_keys": 0, "aof_enabled": 1, "role": "master",
}  # fmt: skip


def levels(findings: Iterable[Finding]) -> dict[str, str]:
    found = list(findings)
    assert all(f.do for f in found if f.level in ("warning", "error")), "a finding must say what to do"
    return {f.check: f.level for f in found if f.level != "ok"}


def worker(number: int = 1, **fields: Any) -> About:
    return About(**{
        "host": f"host{number}", "process_id": number, "version": "0.1.0", "protocol": PROTOCOL, "time_ms": 1_000,
        "queues": QUEUES, "serves": QUEUES, "models": ("thesis extractive",), **fields,
    })  # fmt: skip


def answers(*workers: About, unknown: int = 0) -> Answers:
    return Answers(workers=workers, unknown=unknown, asked_ms=1_000, until_ms=2_500)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"redis_version": "9.0.0"}, {}),
        ({"redis_version": "6.2.14"}, {}),
        ({"redis_version": "6.0.20"}, {"redis version": "error"}),
        ({"redis_version": "mystery"}, {"redis version": "error"}),
        ({"maxmemory_policy": "allkeys-lru"}, {"redis eviction": "error"}),
        ({"maxmemory_policy": "volatile-ttl"}, {"redis eviction": "error"}),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": 0}, {"redis eviction": "warning", "redis memory": "warning"}),
        ({"evicted_keys": 3}, {"redis eviction": "error"}),
        ({"aof_enabled": 0}, {"redis persistence": "warning"}),
        ({"used_memory": int(0.81 * 2**30)}, {"redis memory": "warning"}),
        ({"used_memory": int(0.79 * 2**30)}, {}),
        ({"maxmemory": 0}, {"redis memory": "warning"}),
        ({"role": "slave"}, {"redis role": "error"}),
    ],
)  # fmt: skip
def test_redis(change, expected):
    assert levels(judge_redis({**GOOD, **change})) == expected


def test_an_info_that_says_nothing_is_not_called_fine():
    assert levels(judge_redis({}))["redis version"] == "error"


def test_a_corpus_that_only_this_machine_has_is_told():
    here = ("handbook", "private")
    shared = answers(worker(corpora=("handbook",)))
    assert levels(judge_workers(shared, {}, corpora=here)) == {"corpora here": "warning"}
    nobody_plans = answers(worker(queues=("synthesis",), serves=("synthesis",)))
    assert "corpora here" not in levels(judge_workers(nobody_plans, {}, corpora=here))


def test_no_worker_at_all_is_one_error_not_one_per_queue():
    assert levels(judge_workers(answers(), {})) == {"workers": "error"}


def test_a_fleet_in_order_has_nothing_to_do():
    assert levels(judge_workers(answers(worker(1), worker(2)), {})) == {}


def test_a_queue_that_nobody_takes_from_is_an_error():
    found = judge_workers(answers(worker(queues=("plan", "thesis"), serves=("plan", "thesis"))), {})
    assert levels(found) == {"queue antithesis": "error", "queue synthesis": "error"}


@pytest.mark.parametrize(
    ("workers", "waiting", "expected", "level"),
    [
        ([worker()], 0, False, None),
        ([worker(queues=ALL_QUEUES)], 0, True, "ok"),
        ([worker(queues=ALL_QUEUES), worker(2)], 7, False, "ok"),
        ([worker()], 7, False, "warning"),
        ([worker()], 0, True, "warning"),
        ([worker(judge="openai:j")], 0, False, "warning"),
        # Of another protocol, whose judge has a queue of its own.
        ([worker(), worker(2, protocol=PROTOCOL + 1, queues=ALL_QUEUES, judge="openai:j")], 0, False, None),
        ([], 7, True, None),
    ],
)
def test_questions_that_nobody_takes_are_told_where_somebody_asks_or_means_to(
    workers, waiting, expected, level
):
    found = list(judge_questions(workers, {}, waiting=waiting, expected=expected))
    assert [(f.check, f.level) for f in found] == ([("queue judge", level)] if level else [])
    if level == "warning":
        assert f"{waiting} questions wait" in found[0].what
        assert found[0].do.startswith("triptych worker --queues judge")


def test_a_paused_judge_is_told_as_any_paused_queue_is():
    pause = {"judge": Pause(who="kim@host", why="too dear", since_ms=5)}
    (found,) = judge_questions([worker()], pause, waiting=0, expected=False)
    assert (found.level, found.do) == ("warning", "triptych resume judge, once that is over")


@pytest.mark.parametrize("queues", [("plan", "antithesis", "synthesis"), QUEUES])
def test_a_paused_queue_is_a_warning_whether_or_not_workers_have_left_it(queues):
    pause = {"thesis": Pause(who="kim@host", why="model upgrade", since_ms=5)}
    found = list(judge_workers(answers(worker(queues=queues)), pause))
    assert levels(found) == {"queue thesis": "warning"}
    said = next(f for f in found if f.check == "queue thesis")
    assert "kim@host" in said.what
    assert "model upgrade" in said.what
    assert ("still take" in said.what) == ("thesis" in queues)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"version": "0.2.0"}, {"versions": "warning"}),
        # Those of another protocol are judged apart (below): they share neither queues nor jobs with ours.
        ({"protocol": PROTOCOL + 1, "version": "9.0.0", "corpora": ("handbook",)}, {}),
        ({"models": ("thesis openai:x",)}, {"models": "warning"}),
        ({"problems": ("/srv cannot be written",)}, {"home of host2:2": "error"}),
        ({"corpora": ("handbook",)}, {"corpus handbook": "error"}),
        # A worker that only writes syntheses searches nothing.
        ({"queues": ("synthesis",), "serves": ("synthesis",)}, {}),
    ],
)
def test_workers_that_differ(second, expected):
    assert levels(judge_workers(answers(worker(1), worker(2, **second)), {})) == expected


def test_a_worker_that_answers_in_an_unknown_way_is_named_as_such():
    assert levels(judge_workers(answers(worker(), unknown=1), {})) == {"workers": "warning"}


def test_workers_of_another_protocol_take_from_queues_of_their_own():
    found = levels(judge_workers(answers(worker(protocol=PROTOCOL + 1)), {}))
    assert found == {f"queue {queue}": "error" for queue in QUEUES}


@pytest.mark.parametrize(
    ("workers", "open_jobs", "level", "do"),
    [
        ([], {PROTOCOL - 1: 0, PROTOCOL: 7, PROTOCOL + 1: 0}, None, ""),
        ([PROTOCOL], {PROTOCOL - 1: 0, PROTOCOL + 1: 0}, None, ""),
        ([PROTOCOL, PROTOCOL + 1], {PROTOCOL + 1: 0}, "warning", "move the producers"),
        ([PROTOCOL, PROTOCOL + 1], {PROTOCOL + 1: 3}, "warning", "move the producers"),
        ([PROTOCOL, PROTOCOL - 1], {PROTOCOL - 1: 3}, "warning", "move the producers"),
        ([PROTOCOL, PROTOCOL - 1], {PROTOCOL - 1: 0}, "warning", "stop these workers"),
        ([PROTOCOL], {PROTOCOL - 1: 3}, "error", "start one of that version"),
    ],
)
def test_the_fleet_of_another_protocol(workers, open_jobs, level, do):
    found = list(
        judge_protocols([worker(n, protocol=protocol) for n, protocol in enumerate(workers)], open_jobs)
    )
    assert [f.level for f in found] == ([level] if level else [])
    assert all((f.do or "").startswith(do) for f in found)


@pytest.mark.parametrize(
    ("ahead_ms", "worker_ms", "skewed"),
    [
        (0, 1_000, set()),
        (0, 2_500, set()),
        (0, 4_400, set()),
        (0, 4_600, {"clock of host1:1"}),
        (0, -1_100, {"clock of host1:1"}),
        # This machine is 10 s ahead; the worker agrees with Redis.
        (10_000, -8_500, {"clock of this machine"}),
        # Both are 10 s ahead.
        (10_000, 1_500, {"clock of this machine", "clock of host1:1"}),
        (-10_000, 11_500, {"clock of this machine"}),
    ],
)
def test_clocks_are_held_against_redis(ahead_ms, worker_ms, skewed):
    found = levels(judge_clocks(answers(worker(time_ms=worker_ms)), ahead_ms=ahead_ms))
    assert found == dict.fromkeys(skewed, "warning")


@pytest.mark.parametrize(
    ("sample", "paused", "expected"),
    [
        (FleetSample(1, {"plan": QueueSample(5, 59.0)}), {}, {}),
        (FleetSample(1, {"plan": QueueSample(5, 61.0)}), {}, {"queue plan": "warning"}),
        (FleetSample(1, {"plan": QueueSample(5, 61.0)}), {"plan": Pause(who="a", why="b", since_ms=1)}, {}),
        (FleetSample(1, {"plan": QueueSample(5, None)}), {}, {}),
        (FleetSample(1, {}, overdue=1), {}, {"sweep": "warning"}),
    ],
)
def test_load(sample, paused, expected):
    assert levels(judge_load(sample, paused)) == expected


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (
            EndpointState("openai:m", 0.0, is_open=True, open_s=42.0, opens=4),
            "(4 in a row); in 42 s one call tries it",
        ),
        (EndpointState("openai:m", 0.0, is_open=True, open_s=0.0, opens=1), "the next call tries it"),
        (
            EndpointState("openai:m", 30.0, is_open=False, open_s=0.0, opens=0),
            "no worker calls it for 30 s more",
        ),
    ],
)
def test_an_endpoint_that_rests_is_a_warning(state, says):
    (found,) = judge_endpoints([state])
    assert (found.check, found.level) == ("model openai:m", "warning")
    assert says in found.what
    assert found.do


def test_an_endpoint_that_has_recovered_is_nobodys_concern():
    assert list(judge_endpoints([EndpointState("openai:m", 0.0, is_open=False, open_s=0.0, opens=0)])) == []


def test_a_misspelt_setting_is_named_with_its_neighbour():
    (found,) = judge_unknown([("TRIPTYCH_MODLE", "TRIPTYCH_MODEL")])
    assert (found.level, found.do) == ("warning", "did you mean TRIPTYCH_MODEL?")


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([ok("a", "b"), skipped("c", "d")], 0),
        ([ok("a", "b"), warning("c", "d", "e")], 1),
        ([warning("c", "d", "e"), error("f", "g", "h")], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(findings, code):
    assert exit_code(findings) == code


def test_a_switched_mode_is_a_warning_that_says_who_and_why():
    assert list(judge_switch(None)) == []
    switch = Switch(mode="sequential", force=True, who="kim", why="incident 12", since_ms=1)
    (found,) = judge_switch(switch)
    assert found.level == "warning"
    assert found.what == "sequential for all new jobs, by kim: incident 12"
