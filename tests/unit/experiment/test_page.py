"""The report's page: one file, nothing in it is run or fetched, and every arm and goal is there."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from lxml import html

from orchestrator.contracts import Usage
from orchestrator.experiment import Comparison, Margins, Trial, Vote, compare
from orchestrator.experiment.figures import Prices
from orchestrator.experiment.page import render
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, Truth, goals, simulated, trial

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m"&'


def parsed(page: str) -> Any:
    return html.fromstring(page)


def report(count: int, trials: list[Trial] | None = None) -> Comparison:
    found = trials or simulated(Random(1), count, {REFERENCE: Truth(), CANDIDATE: Truth(slower=0.8)})
    return compare(
        goals(count),
        (REFERENCE, CANDIDATE),
        found,
        margins=Margins(),
        seed=1,
        resamples=100,
        prices=Prices(input=1, output=2, cached=0.5),
    )


def test_the_page_stands_alone_and_shows_verdicts_plots_and_every_goal():
    page = render(report(20))
    tree = parsed(page)
    assert tree.xpath("//script | //link | //img | //iframe") == []
    assert re.findall(r"(?:src|href)=|url\(|@import", page) == []
    assert "default-src 'none'" in page
    assert len(tree.xpath("//svg")) == 2
    assert len(tree.xpath("//details")) == 20
    assert len(tree.xpath("//svg//circle[@class='run']")) > 30
    assert "parallel against sequential" in tree.text_content()


def test_what_models_wrote_is_shown_and_not_run():
    trials = [
        trial(f"g{n}", arm, answer=HOSTILE, reasons=(HOSTILE,))
        for n in range(2)
        for arm in (REFERENCE, CANDIDATE)
    ]
    tree = parsed(render(report(2, trials)))
    assert tree.xpath("//script | //img") == []
    assert "<script>alert(1)</script>" in tree.text_content()
    assert "\x1b" not in tree.text_content()


def test_a_comparison_of_nothing_has_a_page_too():
    assert "not enough data" in render(
        compare(goals(1), (REFERENCE, CANDIDATE), [], margins=Margins(), seed=1)
    )


def voted(count: int, better: tuple[str | None, str | None], why: str = "") -> Comparison:
    """Every goal judged alike, first with the reference's answer first and then with the candidate's."""
    trials: list[Trial] = []
    votes = []
    for n in range(count):
        pair = [
            trial(f"g{n}", arm, answer=f"## Conclusion\n\nBy {arm.name}.\n") for arm in (REFERENCE, CANDIDATE)
        ]
        trials += pair
        for (one, other), said in zip((pair, pair[::-1]), better, strict=True):
            fields = {
                "first": one.arm,
                "second": other.arm,
                "jobs": (one.task_id, other.task_id),
                "better": said,
            }
            silence = "" if said else "unreadable"
            votes.append(
                Vote.model_validate({"goal": f"g{n}", "why": why, "silence": silence, "model": "m"} | fields)
            )
    return compare(
        goals(count), (REFERENCE, CANDIDATE), trials, margins=Margins(), seed=1, resamples=50, votes=votes
    )


def test_what_a_blind_judge_prefers_has_a_plot_a_row_and_its_words_on_every_goal():
    tree = parsed(render(voted(20, ("second", "first"), why=HOSTILE)))
    said = " ".join(tree.text_content().split())
    assert tree.xpath("//script | //img") == []
    assert "The blind judge" in said
    assert "parallel over sequential" in said
    assert "preferred on 20, not on 0, tied on 0 goals" in said
    assert "sequential first, parallel second: parallel. <script>" in said
    (plot,) = tree.xpath("//svg[@aria-label='What the blind judge prefers']")
    assert [bar.get("class") for bar in plot.xpath(".//rect")] == ["won", "tied", "lost"]
    assert plot.xpath(".//rect[@class='won']/title")[0].text == "won 20"
    assert len(plot.xpath(".//line[@class='interval']")) == 1


def test_a_judge_that_the_order_leads_or_that_is_silent_is_shown_as_one():
    turned = render(voted(20, ("first", "first")))
    assert "the order alone decided 20 of 20 (first 20, second 0)" in turned
    assert "20 of 20 (100.0 %)" in turned
    silent = render(voted(20, ("first", None)))
    assert "20 goals, and of none a vote in both orders" in silent
    assert "silent (unreadable)" in silent
    assert "m gave 20 votes for 0 tokens, and was silent 20 times (unreadable 20)." in silent
    assert 'class="interval"' not in silent.split("<h2>The blind judge</h2>")[1].split("</svg>")[0]


def test_without_a_judge_nothing_is_said_of_one():
    assert "lind judge" not in render(report(12))


def test_tokens_are_priced_by_kind():
    usage = Usage(
        input_tokens=1_000_000, cached_tokens=400_000, output_tokens=500_000, estimated_tokens=100_000
    )
    found = report(1, [trial("g0", usage=usage)])
    assert found.arms[0].cost == 0.6 * 1 + 0.4 * 0.5 + 0.6 * 2
    assert found.arms[1].cost == 0


def test_the_slices_cover_the_goals_once_by_complexity_and_once_by_language():
    trials = [
        trial(f"g{n}", arm, complexity=float(n), evidence_language="ko" if n % 2 else "en")
        for n in range(10)
        for arm in (REFERENCE, CANDIDATE)
    ]
    slices = report(10, trials).slices
    assert {(s.by, s.value): s.goals for s in slices} == {
        ("complexity", "0 to 2.5"): 3, ("complexity", "2.5 to 5"): 2, ("complexity", "5 to 7.5"): 3,
        ("complexity", "7.5 to 10"): 2, ("language", "en, evidence en"): 5, ("language", "en, evidence ko"): 5,
    }  # fmt: skip


def test_the_report_survives_json():
    found = report(12)
    assert Comparison.model_validate_json(found.model_dump_json()) == found
