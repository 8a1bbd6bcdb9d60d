"""What a judge sees of an answer: what it says, in one form, and nothing that tells which arm wrote it."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.answer import compose
from orchestrator.answer.words import ENGLISH, KOREAN
from orchestrator.contracts import Claim, Reason
from orchestrator.contracts.base import Mode
from orchestrator.experiment.blind import MAX_SHOWN_CHARS, shown
from tests.unit.test_answer import C1, C2, P1, answer, output

SINGLE = output(
    "synthesis",
    summary="Cache reads only.\n\nWrites stay direct.",
    citations=(C2,),
    actions=["Measure the hit rate."],
    claims=[
        Claim(id="s1", text="Both hold.", citations=(C2, C1), kind="position"),
        Claim(id="s2", text="Reads dominate.", citations=(C1,), kind="position"),
        Claim(id="s3", text="The cost is unknown.", kind="open"),
    ],
)
SHOWN = """\
Cache reads only.

Writes stay direct.

- Both hold.
- Reads dominate.

What stays open:
- The cost is unknown.

Next actions:
- Measure the hit rate."""


def single(language: str = "en") -> str:
    return compose(SINGLE, None, None, reasons=(), language=language, llm_used=True, passages=(P1,))


def test_an_argument_and_a_single_call_that_say_the_same_look_the_same():
    assert answer() != single()
    assert shown(answer()) == shown(single()) == SHOWN


@pytest.mark.parametrize(
    "changed",
    [
        {"llm_used": False},
        {"reasons": [Reason(code="persona_lost", persona="antithesis", kind="deadline", detail="90 s")]},
        {"reasons": [Reason(code="section_lost")]},
        {"unsupported": [("Reads dominate.", "no quote holds it")]},
    ],
)
def test_what_stands_above_an_answer_is_not_shown(changed):
    assert answer(**changed) != answer()
    assert shown(answer(**changed)) == SHOWN


@pytest.mark.parametrize("words", [ENGLISH, KOREAN])
def test_no_heading_that_names_a_side_no_source_and_no_mode_is_shown(words):
    language = "ko" if words is KOREAN else "en"
    arms = [
        answer(language=language),
        answer(language=language, antithesis=None),
        single(language=language),
        answer(None, language=language, reasons=[Reason(code="synthesis_lost")]),
    ]
    for text in map(shown, arms):
        assert text
        for marker in (
            words.conclusion, words.found, words.consensus, words.resolved, words.one_side, words.position,
            words.objections, words.sources, words.degraded, "report.md", "ops.txt", "[1]", "##", "*",
        ):  # fmt: skip
            assert marker not in text


def test_without_a_synthesis_both_sides_stand_there_and_neither_is_named():
    text = shown(answer(None, reasons=[Reason(code="synthesis_lost")]))
    assert text.startswith("Cache.\n\nIt breaks.\n\n- It is faster.\n- It went down.")


@pytest.mark.parametrize(
    "reasons", [("all_personas_lost",), ("plan_failed",), ("deadline", "all_personas_lost")]
)
def test_of_an_answer_that_is_none_nothing_is_shown(reasons):
    assert shown(answer(None, None, None, reasons=[Reason(code=code) for code in reasons])) == ""
    assert shown("") == ""


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("The thesis holds; the antithesis (a2) does not.", "The position holds; the objection does not."),
        ("Thesis and antithesis agree on t1, a12.", "Position and objection agree on […], […]."),
        ("The synthesis of t3 [t1, a2 and s3] stands.", "The synthesis of […] stands."),
        ("This rests on the synthesis.", "This rests on the conclusion."),
        ("No persona contests it; both personas say so.", "No side contests it; both sides say so."),
        ("안티테제는 t1은 맞다고 한다. 테제도 그렇다.", "반대 견해는 […]은 맞다고 한다. 견해도 그렇다."),
        # What a document may be about stays.
        ("A synthesis of ammonia, a master's thesis on A4 paper.", None),
        ("Run both systems in parallel, in a single data centre, and the sequential batch at night.", None),
        ("A t3.micro costs 840 EUR; version a1-b.", None),
        ("Prices are _not_ \\[fixed\\] at 3 \\* 4 (see §5).", "Prices are _not_ [fixed] at 3 * 4 (see §5)."),
    ],
)
def test_ids_and_names_of_personas_are_masked_and_other_words_are_not(said, seen):
    assert shown(f"## Conclusion\n\n{said} [1] [12]\n") == (seen or said)


def test_a_long_answer_is_cut_behind_a_sentence_and_says_so():
    text = shown("## Conclusion\n\n" + "One more sentence here. " * 1_000)
    assert MAX_SHOWN_CHARS - 100 < len(text) <= MAX_SHOWN_CHARS
    assert text.endswith("here. …")
    assert len(shown("x" * 20_000)) == MAX_SHOWN_CHARS


@given(st.text(max_size=400))
def test_whatever_a_model_wrote_it_can_be_shown(text):
    synthesis = output("synthesis", summary=text, claims=[Claim(id="s1", text=text or "-", kind="consensus")])
    seen = shown(answer(synthesis))
    assert len(seen) <= MAX_SHOWN_CHARS
    assert not re.search(r"^(>|#|  -)", shown(answer()), re.MULTILINE)


def test_every_mode_has_been_thought_of():
    assert set(get_args(Mode)) == {"sequential", "parallel", "pipelined", "single"}
