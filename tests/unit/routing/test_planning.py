"""The plan's words, made without a model."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Inputs, TaskSpec, Turn
from orchestrator.routing.planning import outline
from orchestrator.routing.questions import sub_questions


def spec(goal: str = "Which broker is faster?", **more: Any) -> TaskSpec:
    return TaskSpec(task_id="job", goal=goal, inputs=Inputs(), **more)


@pytest.mark.parametrize(
    ("goal", "questions"),
    [
        ("What is the timeout?", ["What is the timeout?"]),
        ("Should we use Redis, and what are the risks?", ["Should we use Redis", "what are the risks?"]),
        ("Why is it slow? How do we fix it?", ["Why is it slow?", "How do we fix it?"]),
        (
            "What are the pros and cons of Redis and RabbitMQ?",
            ["What are the pros and cons of Redis and RabbitMQ?"],
        ),
        ("Compare the brokers; name the cheaper one", ["Compare the brokers", "name the cheaper one"]),
        ("왜 지연이 늘었는가? 그리고 비용은 얼마인가?", ["왜 지연이 늘었는가?", "비용은 얼마인가?"]),
        (
            "장단점을 비교하고, 어떤 경우에 나은지 설명하라.",
            ["장단점을 비교하고", "어떤 경우에 나은지 설명하라."],
        ),
        ("Redis와 RabbitMQ의 차이는?", ["Redis와 RabbitMQ의 차이는?"]),
        ("???", ["???"]),
    ],
)
def test_compound_questions_are_split(goal, questions):
    assert list(sub_questions(goal)) == questions


def test_queries_are_the_goal_its_questions_and_its_constraints():
    plan = outline(
        spec("Should we use Redis, and what are the risks?", constraints=("under $100 a month",)), "en"
    )
    assert plan.search_queries == (
        "Should we use Redis, and what are the risks?",
        "Should we use Redis",
        "what are the risks?",
        "use redis risks 100 month",
    )


def test_a_query_that_only_repeats_another_is_dropped():
    assert len(outline(spec("Which broker is faster?", title="Faster broker"), "en").search_queries) == 1


@pytest.mark.parametrize(
    ("change", "assumption"),
    [
        ({"scope": "our EU region"}, "our EU region"),
        ({}, "No scope was given"),
        ({}, "English, the language of the question"),
        ({"language": "en"}, "The answer is in English."),
        ({}, "Only the given documents"),
        ({"evidence_required": False}, "may go beyond"),
        ({"constraints": ("no downtime",)}, "no downtime"),
        ({"conversation_context": (Turn(role="user", text="Hi"),)}, "Earlier turns"),
    ],
)
def test_assumptions_are_stated(change, assumption):
    assert any(assumption in stated for stated in outline(spec(**change), "en").assumptions)


@given(
    st.text(min_size=1, max_size=2_000).filter(str.strip),
    st.lists(st.text(min_size=1, max_size=500), max_size=32),
)
def test_the_outline_is_bounded(goal, constraints):
    plan = outline(spec(goal, constraints=tuple(constraints), scope="s" * 2_000), "ko")
    assert 1 <= len(plan.sub_questions) <= 12
    assert 1 <= len(plan.search_queries) <= 12
    assert len(plan.assumptions) <= 12
    assert all(0 < len(query) <= 400 for query in plan.search_queries)


@pytest.mark.parametrize(
    "goal", ["and what " * 800, "a, " * 2_600, "고, " * 2_600, "?" * 8_000], ids=lambda g: g[:5]
)
def test_hostile_goals_cost_linear_time(goal):
    outline(spec(goal), "en")
