"""The complexity score comes from observables and explains itself."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Complexity, Passage, Turn
from orchestrator.routing.complexity import assess, disagreements


def passage(number: int, text: str, source: str | None = None) -> Passage:
    return Passage(id=f"p{number}", source=source or f"doc{number}.md", text=text)


AGREE = [
    passage(1, "The cache reduced median latency by 12 %."),
    passage(2, "The cache reduced median latency by 12 percent."),
]
NUMBERS = [
    passage(1, "The cache reduced median latency by 12 %."),
    passage(2, "The cache reduced median latency by 8 %."),
]
POLARITY = [
    passage(1, "The cache reduced median latency."),
    passage(2, "The cache never reduced median latency."),
]
KOREAN = [passage(1, "캐시는 중앙값 지연을 12% 줄였다."), passage(2, "캐시는 중앙값 지연을 8% 줄였다.")]


def score(
    goal: str = "What is the timeout?",
    constraints: Sequence[str] = (),
    passages: Sequence[Passage] = (),
    **more: Any,
) -> Complexity:
    return assess(goal, constraints, passages, **more)


def names(complexity: Complexity) -> set[str]:
    return {factor.name for factor in complexity.factors}


@pytest.mark.parametrize(
    "goal", ["What is the default visibility timeout?", "Redis의 기본 타임아웃은 얼마인가?"]
)
def test_a_look_up_scores_zero_and_says_why(goal):
    complexity = score(goal)
    assert complexity.score == 0
    assert complexity.factors[0].why


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"goal": "What is the timeout and how do we change it?"}, "sub_questions"),
        ({"goal": "Is Redis better than RabbitMQ?"}, "comparison"),
        ({"goal": "병렬과 순차를 비교하라"}, "comparison"),
        ({"goal": "Why is it slow?"}, "judgement"),
        ({"goal": "왜 느린가?"}, "judgement"),
        ({"goal": "What happens if a worker dies?"}, "conditions"),
        (
            {
                "goal": "Which queue, broker, cache, index, model, prompt, schema and exporter does the gateway use?"
            },
            "goal_length",
        ),
        ({"constraints": ["under $100"]}, "constraints"),
        ({"passages": AGREE}, "sources"),
        ({"passages": NUMBERS}, "disagreement"),
        ({"passages": KOREAN}, "disagreement"),
        ({"conversation": [Turn(role="user", text="Hello")]}, "conversation"),
    ],
)
def test_each_observable_adds_points_and_a_reason(change, factor):
    complexity = score(**change)
    assert factor in names(complexity)
    assert complexity.score == pytest.approx(sum(f.points for f in complexity.factors))
    assert all(f.why and f.points > 0 for f in complexity.factors)


def test_a_hard_job_is_above_the_default_boundary():
    goal = (
        "Should we use Redis or RabbitMQ as broker, and what are the risks if a worker dies? "
        "How do both compare in latency and cost, and why?"
    )
    assert score(goal, ["under $100", "no downtime"], NUMBERS).score >= 5


@pytest.mark.parametrize(
    ("passages", "pairs"), [(AGREE, 0), (NUMBERS, 1), (POLARITY, 1), (KOREAN, 1), ([], 0)]
)
def test_disagreement_is_another_number_or_another_polarity_on_one_subject(passages, pairs):
    assert disagreements(passages) == pairs


def test_one_source_does_not_disagree_with_itself():
    assert disagreements([passage(1, NUMBERS[0].text, "a"), passage(2, NUMBERS[1].text, "a")]) == 0


def test_the_callers_score_stands():
    complexity = score("Why, and how, and if so when?", caller=1.5)
    assert (complexity.score, complexity.source) == (1.5, "caller")


@given(
    st.text(min_size=1, max_size=200),
    st.lists(st.text(min_size=1, max_size=30), max_size=32),
    st.sampled_from(["en", "ko"]),
)
def test_the_score_stays_within_its_bounds(goal, constraints, language):
    complexity = score(goal, constraints, language=language)
    assert 0 <= complexity.score <= 10
    assert complexity == score(goal, constraints, language=language)
