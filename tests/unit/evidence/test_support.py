"""Support is a number that rises with what the quotes hold of a claim, and level 2 fails a claim below its half."""

import pytest

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer

PASSAGE = "The committee approved the new budget for the city library in March. 도서관은 평일 오후 10시까지 문을 연다."


def support(
    claim: str, quote: str = "The committee approved the new budget for the city library in March."
) -> float:
    answer = AttributedAnswer.model_validate(
        {
            "passages": [{"id": "p", "source": "s", "text": PASSAGE}],
            "claims": [{"id": "c", "text": claim, "citations": [{"passage_id": "p", "quote": quote}]}],
        }
    )
    (report,) = judge_answer(answer).claims
    assert report.support is not None
    return report.support


def test_it_falls_the_more_the_quotes_lack():
    claims = [
        "The committee approved the new budget for the city library in March.",
        "The committee approved a budget for the library in March.",
        "The committee approved a budget for the hospital in March.",
        "The committee met the staff of a hospital in March.",
        "Nurses asked for better pay.",
    ]
    scores = [support(claim) for claim in claims]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    assert scores[1] > 0.5 > scores[3] > scores[4]


def test_who_speaks_of_himself_is_supported_less():
    assert support("I approved the new budget for the city library.") < support(
        "They approved the new budget for the city library."
    )


@pytest.mark.parametrize(
    ("claim", "covered"),
    [
        ("도서관이 평일에는 오후 10시까지 문을 엽니다.", True),
        ("평일 도서관은 오후 10시까지 연다.", True),
        ("도서관의 새 건물은 내년 봄에 공사를 시작한다.", False),
    ],
)
def test_korean_is_compared_by_stems(claim, covered):
    assert (support(claim, "도서관은 평일 오후 10시까지 문을 연다.") >= 0.5) is covered


def test_a_claim_in_another_language_has_none():
    answer = AttributedAnswer.model_validate(
        {
            "passages": [{"id": "p", "source": "s", "text": PASSAGE}],
            "claims": [
                {
                    "id": "c",
                    "text": "예산이 승인되었다.",
                    "citations": [{"passage_id": "p", "quote": "The committee approved"}],
                }
            ],
        }
    )
    assert judge_answer(answer).claims[0].support is None
