"""A second opinion can take a pass away and give none, and what is no agreement counts against the claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.contracts.judging import (
    MAX_QUESTION_CHARS,
    Opinion,
    Preference,
    Silence,
    Support,
    SupportQuestion,
)
from orchestrator.evidence import judge_answer, reconsidered
from tests.unit.evidence.test_explain import result

PASSAGE = "They say that latency fell by 12 % in May. The cache costs 840 euros a month. 비용은 840유로다."
YES, NO = Support(verdict="supported", reason="It says so."), Support(verdict="refuted", reason="It rose.")


class Says:
    """A judge that says what a test wants, and notes what it was asked (a unit-test double)."""

    def __init__(self, *opinions: Opinion) -> None:
        self.says = list(opinions)
        self.asked: list[SupportQuestion] = []

    def opinions(self, questions: Sequence[SupportQuestion]) -> list[Opinion]:
        self.asked += questions
        return [self.says[min(number, len(self.says) - 1)] for number in range(len(questions))]


def claim(name: str, text: str, *quotes: str) -> dict[str, Any]:
    return {"id": name, "text": text, "citations": [{"passage_id": "p1", "quote": quote} for quote in quotes]}


def answer(*claims: dict[str, Any], **fields: Any) -> AttributedAnswer:
    passages = [{"id": "p1", "source": "memo.txt", "text": PASSAGE}]
    return AttributedAnswer.model_validate({"passages": passages, "claims": list(claims), **fields})


FELL = claim("c1", "Latency fell by 12 %.", "latency fell by 12 %")
COSTS = claim("c2", "The cache costs 840 euros a month.", "The cache costs 840 euros a month.")
WRONG = claim("c3", "Latency fell by 21 %.", "latency fell by 12 %")
UNCITED = claim("c4", "Latency fell.")
FOREIGN = claim("c5", "The costs are 840 euros.", "비용은 840유로다.")


def test_a_judge_is_asked_about_claims_that_hold_and_no_others_with_what_stands_around_the_quote():
    judge = Says(YES)
    judge_answer(answer(FELL, WRONG, UNCITED, COSTS), second=judge)
    assert [question.claim for question in judge.asked] == [FELL["text"], COSTS["text"]]
    (quote,) = judge.asked[0].quotes
    assert (quote.before, quote.quote, quote.after[:9]) == (
        "They say that ",
        "latency fell by 12 %",
        " in May. ",
    )


def test_an_agreement_changes_nothing():
    for claims in ((FELL, COSTS), (FELL, WRONG), (FOREIGN,)):
        assert judge_answer(answer(*claims), second=Says(YES)) == judge_answer(answer(*claims))


def test_a_refusal_is_a_finding_at_level_2_and_fails_the_claim():
    report = judge_answer(answer(FELL, COSTS), second=Says(YES, NO))
    assert (report.verdict, report.evidence_ok) == ("fail", False)
    assert [(f.level, f.reason, f.claim_id, f.judged, f.detail) for f in report.findings] == [
        (2, "judge_refuted", "c2", True, "the judge: It rose.")
    ]
    assert [told.upheld for told in report.claims] == [True, False]
    assert [(level.level, level.passed, level.checked) for level in report.levels][2] == (2, 1, 2)
    assert report.risks == ("Claim c2: the judge: It rose..",)
    assert report.quality == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert "level 2 quotes cover the claim: 1 of 2" in report.notes


@pytest.mark.parametrize(
    ("opinion", "said"),
    [
        (Silence(why="deadline", detail="too slow"), "the judge gave no answer (deadline: too slow)"),
        (Silence(why="unparseable"), "the judge gave no answer (unparseable)"),
        (Preference(better="first"), "the judge gave no answer (another question's)"),
    ],
    ids=str,
)
def test_no_answer_counts_against_the_claim(opinion, said):
    report = judge_answer(answer(FELL), second=Says(opinion))
    assert (report.verdict, report.claims[0].upheld) == ("fail", False)
    assert [(f.reason, f.detail) for f in report.findings] == [("judge_silent", said)]


def test_a_claim_that_is_too_large_to_ask_about_is_not_asked_and_fails():
    quotes = [
        " ".join(f"Latency fell on day {day}." for day in range(n, n + 700)) for n in range(1_000, 8_000, 700)
    ]
    assert sum(map(len, quotes)) > MAX_QUESTION_CHARS
    large = AttributedAnswer.model_validate(
        {
            "passages": [{"id": "p1", "source": "x", "text": " ".join(quotes)}],
            "claims": [claim("c1", "Latency fell.", *quotes)],
        }
    )
    assert judge_answer(large).verdict == "pass"
    judge = Says(YES)
    report = judge_answer(large, second=judge)
    assert judge.asked == []
    assert [(f.reason, "too_large" in f.detail) for f in report.findings] == [("judge_silent", True)]


def test_wording_that_was_not_judged_is_judged_once_it_is_refuted():
    before, after = judge_answer(answer(FOREIGN)), judge_answer(answer(FOREIGN), second=Says(NO))
    counts = [(r.levels[2].passed, r.levels[2].checked, r.levels[2].not_judged) for r in (before, after)]
    assert counts == [(0, 0, 1), (0, 1, 0)]
    assert (before.verdict, after.verdict) == ("pass", "fail")


def test_the_same_claim_with_the_same_quotes_is_asked_about_once():
    judge = Says(NO)
    report = judge_answer(answer(FELL, FELL | {"id": "c9"}, FELL), second=judge)
    assert len(judge.asked) == 1
    assert [f.claim_id for f in report.findings if f.reason == "judge_refuted"] == ["c1", "c9", "c1"]


def test_nobody_is_asked_where_nothing_holds():
    judge = Says(YES)
    assert judge_answer(answer(WRONG, UNCITED), second=judge) == judge_answer(answer(WRONG, UNCITED))
    assert judge.asked == []


def test_what_was_repaired_is_asked_about_with_its_new_quotes():
    judge = Says(NO)
    broken = claim("c2", COSTS["text"], "The cache costs 804 euros a month.")
    report = judge_answer(answer(broken), repair=True, second=judge)
    assert [question.quotes[0].quote for question in judge.asked] == ["The cache costs 840 euros a month."]
    assert (report.verdict, report.repair is not None) == ("fail", True)


def test_of_a_job_the_delivered_claims_are_reconsidered():
    sound = result("The cache costs 12 euros.", "The cache costs 12 euros.", "The cache costs 12 euros.")
    assert reconsidered(sound, Says(YES)) == sound
    refuted = reconsidered(sound, Says(NO))
    assert sound.eval.verdict == "pass"
    assert (refuted.eval.verdict, [f.reason for f in refuted.eval.findings]) == ("fail", ["judge_refuted"])


OPINIONS = st.sampled_from([YES, NO, Silence(why="deadline"), Preference(better="tie")])
CLAIMS = st.lists(st.sampled_from([FELL, COSTS, WRONG, UNCITED, FOREIGN]), max_size=5)


@given(
    CLAIMS,
    st.lists(OPINIONS, min_size=1, max_size=5),
    st.sampled_from([{}, {"answer": None}, {"answer": "So."}]),
)
def test_whatever_a_judge_says_nothing_passes_that_did_not(claims, opinions, fields):
    judged = answer(*claims, **fields)
    before, after = judge_answer(judged), judge_answer(judged, second=Says(*opinions))
    assert not (before.verdict == "fail" and after.verdict == "pass")
    assert after.evidence_ok <= before.evidence_ok
    assert after.quality <= before.quality or FOREIGN in claims
    assert all(new.upheld <= old.upheld for old, new in zip(before.claims, after.claims, strict=True))
    assert set(before.findings) <= set(after.findings)
    for level in after.levels:
        assert 0 <= level.passed <= level.checked
