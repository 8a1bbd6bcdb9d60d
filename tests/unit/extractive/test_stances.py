"""Who says yes, who says no, and what a comparison says: the verdict is never more than these."""

from __future__ import annotations

import pytest

from tests.unit.extractive.briefs import brief, passages
from workers.llm.extractive.relations import disputes
from workers.llm.extractive.topic import Topic

GOAL = "Should we migrate the stored procedures to dbt?"
KOREAN = "저장 프로시저를 dbt로 옮겨야 하는가?"


def topic_of(goal: str, *texts: str) -> Topic:
    return Topic(brief("thesis", goal, passages(*((f"{n}.md", text) for n, text in enumerate(texts)))))


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("We should move the 214 nightly stored procedures to dbt.", 1),
        ("We recommend that the stored procedures are moved to dbt.", 1),
        ("Security approves the migration of the finance mart.", 1),
        ("I do not think we should migrate all procedures to dbt.", -1),
        ("We oppose the migration of the stored procedures.", -1),
        ("The stored procedures should not be moved to dbt.", -1),
        ("We should keep the stored procedures as they are now.", -1),
        ("The pilot moved 23 stored procedures to dbt.", 0),
        ("The kitchen should be cleaned after every single use.", 0),
    ],
)
def test_a_yes_or_no_to_the_question_is_heard_and_nothing_else(sentence: str, said: int) -> None:
    topic = topic_of(GOAL, sentence)
    assert [topic.outright(s) for s in topic.statements] == [said]


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("우리는 저장 프로시저를 dbt로 옮기는 것을 권장한다.", 1),
        ("데이터팀은 저장 프로시저의 dbt 이관에 반대한다.", -1),
        ("분석팀은 dbt 도입에 찬성하지만 저장 프로시저 전체 이관에는 반대한다.", 0),
        ("파일럿에서 저장 프로시저 23개를 dbt로 옮겼다.", 0),
    ],
)
def test_korean_says_yes_and_no_as_well(sentence: str, said: int) -> None:
    topic = topic_of(KOREAN, sentence)
    assert [topic.outright(s) for s in topic.statements] == [said]


@pytest.mark.parametrize(
    ("sentence", "sign"),
    [
        ("The finance mart took 94 minutes with dbt, against 52 minutes with the stored procedures.", -1),
        ("The nightly build took 38 minutes, against 52 minutes for the stored procedures.", 1),
        ("Every stored procedure is deployed by hand, and 11 of 19 incidents came from one.", 1),
        ("Storing models in git improves the audit trail of the procedures we sampled.", 1),
        ("Many procedures use cursors and dynamic SQL that dbt cannot express.", -1),
        ("Deploying can be fixed without dbt, with a tool for stored procedures.", -1),
        ("The close must not be put at risk: no stored procedure that feeds it may be moved in June.", 0),
    ],
)
def test_a_reason_counts_for_the_side_that_it_speaks_for(sentence: str, sign: int) -> None:
    topic = topic_of(GOAL, sentence)
    (stance,) = map(topic.stance, topic.statements)
    assert (stance > 0) - (stance < 0) == sign


def test_a_yes_to_what_to_do_is_no_answer_to_another_question() -> None:
    topic = topic_of("Is the migration safe?", "Security approves the migration of the finance mart.")
    assert [topic.outright(s) for s in topic.statements] == [0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            "We estimate 40 engineer-weeks for the migration.",
            "My own count is 85 engineer-weeks, because procedures use SQL that dbt cannot express.",
            True,
        ),
        (
            "The finance mart took 94 minutes with dbt, against 52 minutes with the stored procedures.",
            "The nightly build took 38 minutes, against 52 minutes for the stored procedures.",
            True,
        ),
        ("Office rent is 80,000 euros per year.", "Office rent is 95,000 euros per year now.", True),
        (
            "Team 1 moved 1 procedures to dbt in week 1.",
            "Team 10 moved 3 procedures to dbt in week 10.",
            False,
        ),
        ("The build of team 1 took 3 minutes.", "The build of team 10 took 30 minutes.", False),
        (
            "We estimate 40 engineer-weeks for the migration.",
            "I will fund 45 engineer-weeks for the migration and no more.",
            False,
        ),
        (
            "We estimate 40 engineer-weeks for the migration.",
            "A tool would put the procedures under version control without dbt in 6 engineer-weeks.",
            False,
        ),
        ("Rent in the Porto office is 8 euros.", "Rent in the Lisbon office is 9 euros.", False),
    ],
    ids=[
        "effort",
        "one baseline",
        "rent",
        "numbered subject",
        "numbered owner",
        "a cap",
        "another way",
        "names",
    ],
)
def test_figures_dispute_one_another_only_where_they_are_of_the_same_thing(
    one: str, other: str, same: bool
) -> None:
    topic = topic_of(GOAL, one, other)
    first, second = topic.statements
    assert bool(disputes(topic, first, second)) is same
    assert bool(disputes(topic, second, first)) is same
