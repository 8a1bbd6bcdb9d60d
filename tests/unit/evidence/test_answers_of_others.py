"""Answers of any system: what they lack is found, and their ids are kept as they wrote them."""

import pytest

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer

from .cases import PASSAGES, QUOTES, SOURCES, TEXTS

LANGUAGES = pytest.mark.parametrize("language", ["en", "ko"])


def answer(language: str = "en", **changes: object) -> AttributedAnswer:
    """The good argument as another system would write it down."""
    claims = [
        {"id": f"Claim #{n}", "text": text, "citations": [{"passage_id": source, "quote": quote}]}
        for n, (text, quote, source) in enumerate(
            zip(TEXTS[language], QUOTES[language], SOURCES, strict=True)
        )
    ]
    passages = [{"id": p.id, "source": p.source, "text": p.text} for p in PASSAGES[language]]
    return AttributedAnswer.model_validate(
        {"passages": passages, "claims": claims, "answer": "So."} | changes
    )


def first(language: str = "en", **changes: object) -> AttributedAnswer:
    """The good answer with its first claim changed."""
    whole = answer(language).model_dump(exclude={"answer", "question"})
    whole["claims"][0].update(changes)
    return answer(language, claims=whole["claims"])


def reasons(judged: AttributedAnswer) -> set[str]:
    return {f.reason for f in judge_answer(judged).findings if f.judged}


@LANGUAGES
def test_a_sound_answer_passes(language):
    report = judge_answer(answer(language))
    assert report.findings == ()
    assert (report.verdict, report.evidence_ok, report.quality) == ("pass", True, 1.0)


@LANGUAGES
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": ""}, "nothing_to_check"),
        ({"text": " \n… "}, "nothing_to_check"),
        ({"citations": []}, "uncited"),
        ({"citations": [{"passage_id": "", "quote": "x"}]}, "unknown_passage"),
        ({"citations": [{"passage_id": "p1", "quote": ""}]}, "not_verbatim"),
        ({"citations": [{"passage_id": "p1", "quote": "."}]}, "not_verbatim"),
        ({"id": "Claim #1"}, "duplicate_id"),
    ],
)
def test_what_a_claim_lacks_fails_it(language, changes, reason):
    found = reasons(first(language, **changes))
    assert found & {reason, "uncited_number" if reason == "uncited" else reason}
    assert judge_answer(first(language, **changes)).verdict == "fail"


@pytest.mark.parametrize("text", ["", "?", "\u200b"])
def test_an_empty_claim_is_not_taken_for_one_in_another_language(text):
    report = judge_answer(first("ko", text=text))
    assert (report.verdict, report.levels[2].not_judged) == ("fail", 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"claims": []}, "no_claims"),
        ({"answer": None}, "empty_answer"),
        ({"answer": " \n"}, "empty_answer"),
        ({"answer": "…"}, "empty_answer"),
        ({"answer": "Latency fell by 13 %."}, "answer_number"),
        ({"answer": {"text": "So.", "claims": ["Claim #0"]}}, "claim_lost"),
        (
            {"answer": {"text": "So.", "claims": ["Claim #0", "Claim #1", "Claim #2", "Claim #3"]}},
            "claim_invented",
        ),
    ],
)
def test_what_the_answer_lacks_fails_it(changes, reason):
    report = judge_answer(answer(**changes))
    assert next(f.reason for f in report.findings if f.level == 3) == reason
    assert (report.verdict, report.evidence_ok) == ("fail", False)


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": "Latency fell by 12 percent, for 2 reasons."},
        {"answer": "Not within 13 days.", "question": "Will it take 13 days?"},
        {"answer": {"text": "So.", "claims": ["Claim #0", "Claim #1", "Claim #2"]}},
    ],
)
def test_an_answer_may_say_what_its_claims_and_the_question_say(changes):
    assert judge_answer(answer(**changes)).verdict == "pass"


def test_without_an_answer_the_claims_are_it():
    bare = AttributedAnswer.model_validate(answer().model_dump(exclude={"answer"}))
    assert judge_answer(bare).verdict == "pass"


def test_a_finding_names_claim_citation_level_reason_and_repair():
    quote = QUOTES["en"][0].replace("12 %", "21 %")
    report = judge_answer(first(citations=[{"passage_id": "p1", "quote": quote}]))
    (finding,) = (f for f in report.findings if f.level == 1)
    assert (finding.claim_id, finding.citation, finding.reason) == ("Claim #0", 0, "not_verbatim")
    assert (finding.repair, finding.repair_passage) == (QUOTES["en"][0], "p1")
    assert (report.levels[4].passed, report.levels[4].checked) == (1, 1)


def test_a_forged_id_is_repaired_by_the_passage_that_has_the_quote():
    report = judge_answer(first(citations=[{"passage_id": "p 99", "quote": QUOTES["en"][0]}]))
    (finding,) = (f for f in report.findings if f.level == 0)
    assert (finding.passage_id, finding.repair, finding.repair_passage) == ("p 99", QUOTES["en"][0], "p1")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Redis 캐시는 2024년 5월에 중앙값 지연을 12% 줄였다.", "pass"),
        ("Redis 캐시는 2024년 5월에 중앙값 지연을 21% 줄였다.", "fail"),
        ("Redis 캐시는 2024년 5월에 중앙값 지연을 12초 줄였다.", "fail"),
        ("Kafka 캐시는 2024년 5월에 중앙값 지연을 12% 줄였다.", "fail"),
    ],
)
def test_a_claim_in_another_language_is_judged_on_all_but_its_wording(text, verdict):
    report = judge_answer(first(text=text))
    assert (report.verdict, report.levels[2].not_judged > 0) == (verdict, verdict == "pass")
