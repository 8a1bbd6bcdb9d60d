"""What goes into a comparison: goals read strictly, an order that interleaves."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InvalidInput
from orchestrator.experiment import Goal, interleaved, parse_goals
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, arm, goals


def test_a_goal_needs_nothing_but_its_question():
    first, second = parse_goals(
        ['{"goal": " Why? "}\n', "\n", '{"id": "b", "goal": "How?", "complexity": 6}\n'], "f"
    )
    assert (first, second) == (Goal(id="g1", goal="Why?"), Goal(id="b", goal="How?", complexity=6))


def test_a_goal_may_bring_its_evidence():
    passage = {"id": "p1", "source": "memo", "text": "It costs 3 euros."}
    (goal,) = parse_goals([json.dumps({"goal": "What does it cost?", "passages": [passage]})], "f")
    assert goal.passages[0].text == "It costs 3 euros."


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "f: holds no goal"),
        (["", "  "], "f: holds no goal"),
        (['{"goal": "a"}', '{"goal": "b"'], "f: line 2: is no JSON (column"),
        (['["a"]'], "f: line 1: is no JSON object"),
        (['{"question": "a"}'], "line 1: goal is missing; question is no field of a goal; there are id, goal"),
        (['{"goal": "  "}'], "line 1: goal: is empty; ask a question"),
        (['{"goal": 7}'], "line 1: goal: Input should be a valid string"),
        (['{"goal": "a", "complexity": 11}'], "line 1: complexity: Input should be less than or equal to 10"),
        (['{"id": "x", "goal": "a"}', "", '{"id": "x", "goal": "b"}'], "line 3: id 'x' is line 1's already"),
        (['{"id": "a b", "goal": "a"}'], "line 1: id: String should match"),
        (["[" * 100_000], "line 1: is n"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_says_where_and_why(lines, problem):
    with pytest.raises(InvalidInput) as raised:
        parse_goals(lines, "f")
    assert problem in str(raised.value)


@given(st.lists(st.text(), max_size=5))
def test_whatever_the_file_holds_the_reader_does_not_fall_over(lines):
    with suppress(InvalidInput):
        parse_goals(lines, "f")


@given(st.integers(1, 30), st.integers(0, 2**31))
def test_each_goal_runs_once_through_each_arm_and_its_arms_run_together(count, seed):
    arms = (REFERENCE, CANDIDATE, arm("parallel-2"))
    order = interleaved(goals(count), arms, seed)
    assert order == interleaved(goals(count), arms, seed)
    assert len({(goal.id, a.name) for goal, a in order}) == len(order) == 3 * count
    for at in range(0, len(order), 3):
        assert len({goal.id for goal, _ in order[at : at + 3]}) == 1


def test_no_arm_is_always_the_first():
    order = interleaved(goals(60), (REFERENCE, CANDIDATE), 1)
    first = sum(a == REFERENCE for _, a in order[::2])
    assert 15 <= first <= 45
