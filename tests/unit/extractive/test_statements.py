"""How a sentence of a document becomes a claim that can stand alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.extractive.briefs import passages
from workers.llm.extractive.cues import valence
from workers.llm.extractive.statements import MAX_STATEMENTS, claim_text, statements


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("However, the queue costs more.", "The queue costs more."),
        ("but the queue costs more.", "The queue costs more."),
        ("- The **queue** costs `more`.", "The queue costs more."),
        ("> 1. See [the memo](https://example.org/a_(b)) on cost.", "See the memo) on cost."),
        ("The snake_case name stays.", "The snake_case name stays."),
        ("The queue\n  costs more.", "The queue costs more."),
        ("하지만 큐는 비용이 더 든다.", "큐는 비용이 더 든다."),
        ("다만, 큐는 비용이 더 든다.", "큐는 비용이 더 든다."),
        ("No order was lost.", "No order was lost."),
        ("Although slow, the batch is cheap.", "Although slow, the batch is cheap."),
    ],
)
def test_markup_and_openings_go_and_the_rest_stays(sentence: str, claim: str) -> None:
    assert claim_text(sentence) == claim


@pytest.mark.parametrize(
    "text",
    [
        "Does the queue cost more than the batch?",
        "The options are the following:",
        "Copyright Northquay Outfitters, all rights reserved.",
        "Queue cost",
        "```\nqueue.send(order) and wait for the answer.\n```",
        "| queue | cost | per month in euros. |",
    ],
)
def test_questions_headings_code_tables_and_boilerplate_are_no_claims(text: str) -> None:
    assert statements(passages(("a.md", text)), frozenset({"queue"})) == ()


def test_a_heading_on_the_line_above_is_not_part_of_the_quote() -> None:
    (found,) = statements(
        passages(("a.pdf", "Effort\nWe need six weeks to move the\norders over.")), frozenset()
    )
    assert found.quote == "We need six weeks to move the\norders over."
    assert found.text == "We need six weeks to move the orders over."


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("The queue costs 2,100 euros per month to run.", {("eur/month", Decimal(2100))}),
        ("It needs 14 engineer-weeks of work in all.", {("engineer-week", Decimal(14))}),
        ("The report of 24 April 2026 says nothing more.", set()),
        ("전환 기간은 최소 8주 동안 이어진다고 한다.", {("week", Decimal(8))}),
        ("2026년 4월 30일에 운영팀이 작성한 노트이다.", set()),
    ],
)
def test_figures_are_numbers_of_something_and_dates_are_not(
    text: str, figures: set[tuple[str, Decimal]]
) -> None:
    (found,) = statements(passages(("a.md", text)), frozenset())
    assert {(unit.lower(), value) for unit, value in found.figures} == figures


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("The queue fails at night.", -1),
        ("The queue cut the median order delay.", 1),
        ("The queue does not lose orders.", 1),
        ("The queue improves the service.", 1),
        ("The queue is a queue.", 0),
        ("이벤트 큐는 지연을 9시간에서 4분으로 줄였다.", 1),
        ("이벤트 큐는 장애가 많다.", -1),
    ],
)
def test_a_word_of_ill_turns_round_beside_a_negation_or_a_reduction(text: str, sign: int) -> None:
    assert (valence(text) > 0) - (valence(text) < 0) == sign


def test_of_too_many_sentences_those_on_the_question_are_kept() -> None:
    filler = " ".join(
        f"Parcel {'abcdefghij'[n % 10]}{chr(97 + n % 26)} number {n} arrived." for n in range(100)
    )
    many = passages(*((f"{n}.md", f"{filler.replace('number', f'number {n} and')}") for n in range(20)))
    last = passages(("z.md", "The queue holds every parcel until morning."))[0].model_copy(
        update={"id": "last"}
    )
    found = statements((*many, last), frozenset({"queue"}))
    assert len(found) <= MAX_STATEMENTS
    assert any(s.text.startswith("The queue holds") for s in found)
