"""What can run next, as tables."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrator.broker import QUEUES, priority_for, queue_for
from orchestrator.contracts import Mode
from orchestrator.routing.flow import (
    FLOWS,
    STEPS,
    awaited_after,
    flow,
    following,
    growing,
    name_of,
    needs_of,
    ready,
    sections,
    sent_at_once,
)

RESOLVED = ("resolution:1", "resolution:2")


@pytest.mark.parametrize(
    ("done", "awaited", "expected", "why"),
    [
        ((), None, "thesis critic", "both need nothing"),
        (
            ("claim:1",),
            None,
            "thesis critic rebuttal:1",
            "a claim wants its rebuttal while the thesis goes on",
        ),
        (("claim:1", "claim:2", "critic"), None, "thesis rebuttal:1 rebuttal:2", "all at once"),
        (
            ("claim:1", "critic", "rebuttal:1"),
            None,
            "thesis resolution:1",
            "nobody waits for the thesis' end",
        ),
        (
            ("claim:1", "claim:2", "critic", "rebuttal:1", "rebuttal:2", *RESOLVED),
            None,
            "thesis",
            "the thesis may claim more",
        ),
        (
            ("claim:1", "claim:2", "thesis", "rebuttal:1", "rebuttal:2", "resolution:1"),
            RESOLVED,
            "critic resolution:2",
            "one claim is not settled",
        ),
        (
            ("claim:1", "claim:2", "thesis", "rebuttal:1", "rebuttal:2", *RESOLVED),
            RESOLVED,
            "synthesis",
            "nobody waits for the critic, and it is not begun any more",
        ),
        (
            ("claim:1", "critic", "rebuttal:1"),
            RESOLVED,
            "thesis resolution:1",
            "seen by a rebuttal that began before the second claim and ended behind the thesis",
        ),
        (("claim:1", "thesis"), ("rebuttal:1",), "critic rebuttal:1", "one claim alone"),
        (("claim:1", "thesis", "rebuttal:1"), ("rebuttal:1",), "synthesis", "needs no resolution of its own"),
        (
            ("claim:1", "thesis", "rebuttal:1", "resolution:1"),
            ("rebuttal:1",),
            "synthesis",
            "one that was quicker than the thesis' end changes nothing",
        ),
        (
            ("thesis",),
            ("critic",),
            "critic",
            "a lost thesis: the critic is the antithesis, and is waited for",
        ),
        (("thesis", "critic"), ("critic",), "synthesis", "and then it is settled"),
        (("thesis", "critic", "synthesis"), ("critic",), "", "nothing follows the synthesis"),
        (("claim:1", "synthesis"), None, "", "not even what was left behind"),
    ],
)
def test_what_a_pipelined_job_can_run(
    done: tuple[str, ...], awaited: tuple[str, ...] | None, expected: str, why: str
) -> None:
    assert ready("pipelined", done, awaited) == tuple(expected.split()), why


@pytest.mark.parametrize(
    ("mode", "step", "claims", "expected"),
    [
        ("pipelined", "thesis", 0, ("critic",)),
        ("pipelined", "thesis", 1, ("rebuttal:1",)),
        ("pipelined", "thesis", 3, ("resolution:1", "resolution:2", "resolution:3")),
        ("pipelined", "critic", 3, None),
        ("sequential", "thesis", 3, None),
    ],
)
def test_what_the_synthesis_waits_for_is_fixed_by_the_thesis_end(
    mode: Mode, step: str, claims: int, expected: tuple[str, ...] | None
) -> None:
    assert awaited_after(mode, step, claims) == expected


SIDES = ("thesis", "antithesis_standalone")
THREE = sections(3)


@pytest.mark.parametrize(
    ("done", "expected", "why"),
    [
        ((), "thesis antithesis_standalone", "as without sections"),
        (("thesis",), "antithesis_standalone", "a section reads both"),
        (SIDES, "section:1 section:2 section:3", "all at once"),
        ((*SIDES, "section:2"), "section:1 section:3", "in whichever turn"),
        ((*SIDES, *THREE), "synthesis", "the merge"),
        ((*SIDES, "section:1", "synthesis"), "", "not even what a merge that was due left behind"),
    ],
)
def test_what_a_job_in_sections_can_run(done: tuple[str, ...], expected: str, why: str) -> None:
    assert ready("parallel", done, THREE) == tuple(expected.split()), why


@pytest.mark.parametrize(
    ("mode", "step", "awaited", "expected"),
    [
        ("parallel", "thesis", THREE, (THREE, ("antithesis_standalone",))),
        ("parallel", "antithesis_standalone", THREE, (THREE, ("thesis",))),
        ("parallel", "section:1", THREE, ((), ())),
        ("parallel", "thesis", None, ((), ())),
        ("sequential", "thesis", None, ((), ())),
        ("pipelined", "rebuttal:2", None, (("resolution:2",), ())),
        ("pipelined", "thesis", RESOLVED, ((), ())),
    ],
)
def test_a_chord_grows_by_what_reads_the_output(
    mode: Mode,
    step: str,
    awaited: tuple[str, ...] | None,
    expected: tuple[tuple[str, ...], tuple[str, ...]],
) -> None:
    assert growing(mode, step, awaited) == expected


@pytest.mark.parametrize(("count", "expected"), [(1, ()), (2, ("section:1", "section:2"))])
def test_one_section_is_none(count: int, expected: tuple[str, ...]) -> None:
    assert sections(count) == expected


@pytest.mark.parametrize("claims", range(9))
def test_every_pipelined_flow_comes_to_an_end(claims: int) -> None:
    """Whatever ends in whichever turn: here all that can, at once; the thesis closes a claim a turn."""
    done: set[str] = set()
    awaited: tuple[str, ...] | None = None
    closed = 0
    turns = 0
    while steps := ready("pipelined", done, awaited):
        turns += 1
        assert turns < 40
        if closed < claims:
            closed += 1
            done |= {f"claim:{closed}", *(step for step in steps if step != "thesis")}
            continue
        done |= set(steps)
        if "thesis" in steps:
            awaited = awaited_after("pipelined", "thesis", closed)
    assert "synthesis" in done
    assert set(flow("pipelined", done, awaited)) - {"resolution:1"} <= done


@pytest.mark.parametrize(
    ("step", "done", "awaited", "expected"),
    [
        ("rebuttal:2", ("claim:1", "claim:2", "rebuttal:2"), None, ("resolution:2",)),
        ("rebuttal:1", ("claim:1", "thesis", "rebuttal:1"), ("rebuttal:1",), ("synthesis",)),
        ("resolution:1", ("claim:1", "claim:2", "thesis", "rebuttal:1", "resolution:1"), RESOLVED, ()),
        ("critic", ("claim:1", "claim:2", "thesis", "critic"), RESOLVED, ()),
        ("critic", ("thesis", "critic"), ("critic",), ("synthesis",)),
    ],
)
def test_whoever_ends_sends_what_reads_its_output(
    step: str, done: tuple[str, ...], awaited: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    assert following("pipelined", step, done, awaited) == expected


def test_every_step_has_its_persona_queue_and_place_in_line() -> None:
    names = {
        *STEPS,
        *(name_of(step) for mode in get_args(Mode) for step in flow(mode, ("claim:1",))),
        "section",
    }
    assert names == set(STEPS)
    parts = ("rebuttal", "resolution", "section")
    assert {queue_for(f"{name}:1" if name in parts else name) for name in STEPS} == {
        queue_for(name) for name in QUEUES if name != "plan"
    }
    order = ("synthesis", "section:2", "resolution:9", "rebuttal:9", "critic", "thesis")
    assert [priority_for(step) for step in order] == [0, 3, 3, 6, 9, 9]


@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_lease_asks_for_what_the_flow_says(mode: Mode) -> None:
    done = ("claim:1", "claim:2")
    for step, needs in flow(mode, done).items():
        said = needs_of(step)[mode]
        # What else a pipelined synthesis waits for stands in the record.
        assert said == tuple(needs) or (step == "synthesis" and mode not in FLOWS and said == ("thesis",))
    assert set(sent_at_once(mode)) == {step for step, needs in flow(mode).items() if not needs}


def test_a_section_asks_for_both_sides_and_the_merge_for_what_the_plan_awaits() -> None:
    for step, needs in flow("parallel", awaited=THREE).items():
        said = needs_of(step)["parallel"]
        assert said == (SIDES if step == "synthesis" else tuple(needs))
    assert needs_of("section:1").keys() == {"parallel"}


def test_a_step_without_its_number_needs_what_is_never_there() -> None:
    assert needs_of("rebuttal") == {"pipelined": ("claim",)}
    assert needs_of("nonsense") == {}
