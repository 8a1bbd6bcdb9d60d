"""Level 2, script by script: what one thing may be called, and what is another thing."""

import pytest

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer

SAME = [
    # numbers with units, thousands separators and words
    ("매출은 3백만 원이었다.", "매출은 삼백만 원이었다."),
    ("매출은 300만 원이었다.", "매출은 3,000,000원이었다."),
    ("The budget is three million dollars.", "The budget is $3,000,000."),
    ("Two hundred people came.", "200 people came."),
    ("회의에는 열두 명이 참석했다.", "회의에는 12명이 참석했다."),
    ("세 곳을 조사했다.", "3곳을 조사했다."),
    ("인구는 1.2억 명이다.", "인구는 1억 2천만 명이다."),
    ("It grew by 12 pp.", "It grew by 12 percentage points."),
    ("It took 1.5 hours.", "It took 1½ hours."),
    ("The value is 10⁶.", "The value is 1,000,000."),
    ("Temperature fell to −5 °C.", "Temperature fell to -5℃."),
    ("면적은 2,489.4 km²이다.", "면적은 2,489.4㎢이다."),
    # dates
    ("The deadline is 5 March 2024.", "The deadline is March 5, 2024."),
    ("The deadline is 2024-03-05.", "The deadline is 5 March 2024."),
    ("마감일은 2024년 3월 5일이다.", "마감일은 2024-03-05이다."),
    ("마감일은 2024년 3월 5일이다.", "마감일은 2024. 3. 5.이다."),
    # negation
    ("회사는 직원을 줄이지 않았습니다.", "회사는 직원을 줄이지 않았다."),
    ("It isn't fast.", "It is not fast."),
    ("The system cannot scale.", "The system can not scale."),
    # what begins a sentence and is no name
    ("Approximately 300 people came to the opening.", "About 300 people came to the opening."),
    ("Several residents complained about the noise.", "Some residents complained about the noise."),
    ("Since demand was weak, sales of cars fell.", "Sales of cars fell because demand was weak."),
    # Korean particles and spacing
    ("자동차 산업의 매출이 늘었다.", "자동차산업 매출이 늘었다."),
    ("서울시청에서 회의가 열렸다.", "회의가 서울 시청에서 열렸다."),
    # tables
    ("매출은 10억이다.", "| 항목 | 값 |\n| --- | --- |\n| 매출 | 10억 |"),
    ("The revenue was 10 million.", "| item | value |\n| --- | --- |\n| Revenue | 10 million |"),
    # other scripts
    ("価格は3,000円です。", "価格は3,000円です。"),
    ("該系統可用。", "「該系統可用。」"),
    ("Сервер быстрый.", "Сервер быстрый."),
    ("النظام سريع جدا.", "النظام سريع جدا."),
    ("प्रणाली तेज़ है।", "प्रणाली तेज़ है।"),
    ("The cafe\u0301 is open.", "The café is open."),
]
ANOTHER = [
    ("매출은 삼백만 원이었다.", "매출은 이백만 원이었다."),
    ("매출은 3억 원이다.", "매출은 3만 원이다."),
    ("회의에는 열두 명이 참석했다.", "회의에는 열세 명이 참석했다."),
    ("세 명이 반대했다.", "네 명이 반대했다."),
    ("3분의 1이 찬성했다.", "3분의 2가 찬성했다."),
    ("The budget is two million dollars.", "The budget is three million dollars."),
    ("속도는 5km/h이다.", "속도는 5m/s이다."),
    ("It costs 5 euros.", "It costs 5 dollars."),
    ("마감일은 3월 5일이다.", "마감일은 5월 3일이다."),
    ("The deadline is 5 March.", "The deadline is 3 May."),
    ("직원을 줄였다.", "직원을 줄이지 않았다."),
    ("직원을 줄이지 않았다.", "직원을 줄였다."),
    ("직원을 안 줄였다.", "직원을 줄였다."),
    ("효과가 있다.", "효과가 없다."),
    ("불가능하다고 밝혔다.", "가능하다고 밝혔다."),
    ("It is fast.", "It isn't fast."),
    ("It is unsafe to run.", "It is safe to run."),
    ("It is legal to park here.", "It is illegal to park here."),
    ("The test hardly failed.", "The test failed."),
    ("Revenue rose in May.", "Revenue fell in May."),
    ("매출이 늘었다.", "매출이 줄었다."),
    ("직원 모두가 찬성했다.", "직원 일부가 찬성했다."),
    ("All employees agreed.", "Some employees agreed."),
    ("It lost at least 5 seats.", "It lost at most 5 seats."),
    ("該系統可用。", "該系統不可用。"),
    ("該系統不可用。", "該系統可用。"),
    ("価格は4,000円です。", "価格は3,000円です。"),
]


def verdict(claim: str, quote: str) -> tuple[str, list[str]]:
    answer = AttributedAnswer.model_validate(
        {
            "passages": [{"id": "p", "source": "s", "text": quote}],
            "claims": [{"id": "c", "text": claim, "citations": [{"passage_id": "p", "quote": quote}]}],
        }
    )
    report = judge_answer(answer)
    return report.verdict, [f"{finding.reason}: {finding.detail}" for finding in report.findings]


@pytest.mark.parametrize(("claim", "quote"), SAME)
def test_what_is_the_same_passes(claim, quote):
    assert verdict(claim, quote) == ("pass", [])


@pytest.mark.parametrize(("claim", "quote"), ANOTHER)
def test_what_is_another_thing_fails(claim, quote):
    assert verdict(claim, quote)[0] == "fail"
