"""Two parts of a quote in each other's place are told; what may be said in either order is let be."""

from __future__ import annotations

from unittest import mock

import pytest

from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import coverage, judge_answer, roles
from tests.unit.evidence.test_look_alikes import attributed


def told(claim: str, quote: str) -> list[str]:
    report = judge_answer(attributed(claim, quote))
    found = [finding for finding in report.findings if finding.reason == "roles_exchanged"]
    assert all(finding.judged and finding.level == 2 for finding in found)
    assert not found or report.verdict == "fail"
    return [finding.detail for finding in found]


@pytest.mark.parametrize(
    ("claim", "quote", "says", "said"),
    [
        ("In 2019 Daehan bought Solbit.", "In 2019 Solbit bought Daehan.",
         "Daehan bought Solbit.", "Solbit bought Daehan."),
        ("Daehan Transit bought Solbit Energy in May.", "Solbit Energy bought Daehan Transit in May.",
         "Daehan Transit bought Solbit Energy", "Solbit Energy bought Daehan Transit"),
        ("Daehan bought Solbit.", "In May Solbit bought Daehan for 5 million euros.",
         "Daehan bought Solbit.", "Solbit bought Daehan"),
        # the other voice, with the names in their order
        ("Daehan was acquired by Solbit.", "Daehan acquired Solbit.",
         "Daehan was acquired by Solbit.", "Daehan acquired Solbit."),
        ("In 2019 Daehan Transit acquired Solbit.", "In 2019 Daehan Transit was acquired by Solbit.",
         "Daehan Transit acquired Solbit.", "Daehan Transit was acquired by Solbit."),
        ("The firm acquired by Solbit grew.", "The firm acquired Solbit and grew.",
         "firm acquired by Solbit", "firm acquired Solbit"),
        ("The test was followed by the survey.", "The test followed the survey.",
         "test was followed by the survey.", "test followed the survey."),
        ("The satellite Earth orbits Narae-2 at 550 km.", "The satellite Narae-2 orbits Earth at 550 km.",
         "Earth orbits Narae-2", "Narae-2 orbits Earth"),
        ("The students criticised the teachers.", "The teachers criticised the students.",
         "students criticised the teachers.", "teachers criticised the students."),
        ("The acquisition of Daehan by Solbit failed.", "The acquisition of Solbit by Daehan failed.",
         "Daehan by Solbit", "Solbit by Daehan"),
        ("Prices are higher in Turin than in Lyon.", "Prices are higher in Lyon than in Turin.",
         "Turin than in Lyon.", "Lyon than in Turin."),
        ("It fell from 210 ms to 840 ms.", "It fell from 840 ms to 210 ms.", "210 ms to 840 ms.", "840 ms to 210 ms."),
        ("It covers 31 primary and 52 middle schools.", "It covers 52 primary and 31 middle schools.",
         "31 primary and 52", "52 primary and 31"),
        ("It rose 7 % in May and 5 % in June.", "It rose 5 % in May and 7 % in June.",
         "7 % in May and 5 %", "5 % in May and 7 %"),
        ("It opens on 29 June 2025 and closes on 4 March 2025.", "It opens on 4 March 2025 and closes on 29 June 2025.",
         "29 June 2025 and closes on 4 March 2025.", "4 March 2025 and closes on 29 June 2025."),
        ("It bought 2023 buses in April 48.", "It bought 48 buses in April 2023.",
         "2023 buses in April 48.", "48 buses in April 2023."),
        ("회사가 은행을 인수했다.", "은행이 회사를 인수했다.", "회사가 은행을", "은행이 회사를"),
        ("은행을 회사가 인수했다.", "은행이 회사를 인수했다.", "은행을 회사가", "은행이 회사를"),
        ("작년에 회사는 은행을 인수했다.", "작년에 은행은 회사를 인수했다.", "회사는 은행을", "은행은 회사를"),
        ("Kafka가 Redis를 대체했다.", "Redis가 Kafka를 대체했다.", "Kafka가 Redis를", "Redis가 Kafka를"),
        ("대전이 서울보다 크다.", "서울이 대전보다 크다.", "대전이 서울보다", "서울이 대전보다"),
        ("대전의 매출이 서울의 매출보다 크다.", "서울의 매출이 대전의 매출보다 크다.",
         "대전의 매출이 서울의", "서울의 매출이 대전의"),
        ("서울에서 대전으로 옮겼다.", "대전에서 서울로 옮겼다.", "서울에서 대전으로", "대전에서 서울로"),
        ("응답 시간이 210ms에서 840ms로 줄었다.", "응답 시간이 840ms에서 210ms로 줄었다.",
         "210ms에서 840ms로", "840ms에서 210ms로"),
        ("학생 5,000원, 어른 2,000원이다.", "학생 2,000원, 어른 5,000원이다.",
         "5,000원, 어른 2,000원이다.", "2,000원, 어른 5,000원이다."),
        ("6월 29일에 시작하여 3월 4일에 끝난다.", "3월 4일에 시작하여 6월 29일에 끝난다.",
         "6월 29일에 시작하여 3월 4일에", "3월 4일에 시작하여 6월 29일에"),
    ],
)  # fmt: skip
def test_parts_in_each_others_place_are_told(claim, quote, says, said):
    assert told(claim, quote) == [f"'{says}', where its quotes say '{said}'"]


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Latency fell in May.", "In May latency fell."),
        ("Said Kim: it works.", "It works, said Kim."),
        # lists, and what has the same beside it
        ("Records are kept in Turin and in Lyon.", "Records are kept in Lyon and in Turin."),
        ("Rome, Turin, and Lyon grew.", "Lyon, Turin, and Rome grew."),
        ("It is cheap, fast and safe.", "It is fast, cheap and safe."),
        ("It raised fees and bonus payments.", "It raised payments and bonus fees."),
        ("Imports rose and exports rose.", "Exports rose and imports rose."),
        ("Beta rose. Alpha rose.", "Alpha rose. Beta rose."),
        ("It is a grid of 7 by 5.", "It is a grid of 5 by 7."),
        ("The sample had 7 or 5 parts.", "The sample had 5 or 7 parts."),
        ("대전과 서울의 서버에 저장된다.", "서울과 대전의 서버에 저장된다."),
        ("사과, 배, 감을 판다.", "감, 배, 사과를 판다."),
        # what holds between two
        ("Kim met Lee in Seoul.", "Lee met Kim in Seoul."),
        ("The distance from Turin to Lyon is 300 km.", "The distance from Lyon to Turin is 300 km."),
        ("The capital is Seoul.", "Seoul is the capital."),
        ("수도는 서울이다.", "서울은 수도이다."),
        # where and when
        ("Sales in June rose 5 % in Asia.", "Sales in Asia rose 5 % in June."),
        ("지난해 5월 서울에서 늘었다.", "서울에서 지난해 5월 늘었다."),
        # who did what is the same, said in another way
        ("Solbit was bought by Daehan.", "Daehan bought Solbit."),
        ("Solbit was acquired by Daehan in May.", "In May Daehan acquired Solbit."),
        ("The survey followed the test.", "The test was followed by the survey."),
        ("Costs were cut by 5 %.", "Costs cut 5 % of what remained."),
        (
            "And so Daehan was acquired by Solbit.",
            "Daehan acquired Solbit; later Daehan was acquired by Solbit.",
        ),
        ("Daehan bought Solbit.", "Solbit was bought by Daehan."),
        ("Solbit is smaller than Daehan.", "Daehan is larger than Solbit. Solbit is smaller than Daehan."),
        ("회사를 은행이 인수했다.", "은행이 회사를 인수했다."),
        ("210ms로 840ms에서 줄었다.", "840ms에서 210ms로 줄었다."),
        ("다리는 기린이 길다.", "기린은 다리가 길다."),
        ("기린이 다리는 길다.", "기린은 다리가 길다."),
        # the quotes say it both ways
        ("And so Solbit trusts Daehan.", "Daehan trusts Solbit, and Solbit trusts Daehan."),
    ],
)
def test_what_may_be_said_in_either_order_is_let_be(claim, quote):
    assert told(claim, quote) == []


def test_where_two_quotes_say_it_both_ways_the_claim_may_choose():
    both = ("Daehan trusts Solbit.", "Solbit trusts Daehan.")
    passages = [{"id": f"p{n}", "source": "s", "text": text} for n, text in enumerate(both)]
    citations = [{"passage_id": f"p{n}", "quote": text} for n, text in enumerate(both)]
    claim = {"id": "c", "text": "And so Solbit trusts Daehan.", "citations": citations}
    report = judge_answer(AttributedAnswer.model_validate({"passages": passages, "claims": [claim]}))
    assert report.findings == ()


@pytest.mark.parametrize("bound", ["MAX_COMPARED", "MAX_FOUND"])
def test_no_claim_is_compared_without_end(monkeypatch, bound):
    """One name again and again could stand at every place of its quote, and change places with every other."""
    assert told("Daehan bought Solbit.", "Solbit bought Daehan.")
    monkeypatch.setattr(roles, bound, 0)
    assert told("Daehan bought Solbit.", "Solbit bought Daehan.") == []


def test_what_is_copied_is_compared_with_nothing(monkeypatch):
    """Most claims are: they would take the longest, and there is nothing to find."""
    quote = "In May Solbit bought Daehan for 5 million euros."
    comparisons = [mock.Mock(return_value=[]) for _ in range(4)]
    for name, compare in zip(("look_alikes", "misspelt", "exchanged", "turned"), comparisons, strict=True):
        monkeypatch.setattr(coverage, name, compare)
    told("Solbit bought Daehan for 5 million euros.", quote)
    assert [compare.call_count for compare in comparisons] == [0, 0, 0, 0]
    told("Daehan bought Solbit for 5 million euros.", quote)
    assert [compare.call_count for compare in comparisons] == [1, 1, 1, 1]
