"""What a judge is asked in the benchmark, and how its answers are counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.gate.figures import Outcome, outcomes
from benchmarks.gate.mutations import cases
from benchmarks.gate.second import markdown, sampled
from benchmarks.gate.texts import shipped_texts
from orchestrator.contracts.judging import Opinion, Silence, Support, SupportQuestion

PASSAGES = shipped_texts()[:2]


class Reads:
    """A judge that supports a claim whose words stand in its quote, in their order (a unit-test double)."""

    def __init__(self, silent: str) -> None:
        self.silent = silent
        self.asked: list[SupportQuestion] = []

    def opinions(self, questions: Sequence[SupportQuestion]) -> list[Opinion]:
        self.asked += questions
        return [self._opinion(question) for question in questions]

    def _opinion(self, question: SupportQuestion) -> Opinion:
        if self.silent in question.claim:
            return Silence(why="deadline")
        words = iter(" ".join(quote.quote for quote in question.quotes).split())
        holds = all(word in words for word in question.claim.split())
        return Support(verdict="supported" if holds else "refuted")


@pytest.fixture(scope="module")
def judged() -> list[Outcome]:
    return list(outcomes(cases(PASSAGES, seed=1)))


def rows(lines: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {(mutation, place): rest for mutation, place, *rest in cells if place != "---"}


def test_only_what_passes_is_asked_about_once_and_counted_per_row(judged: list[Outcome]) -> None:
    judge = Reads(silent="☃")
    found = rows(list(markdown(sampled(judged, 0), judge)))
    assert len(judge.asked) == len(set(judge.asked))
    passed = [o for o in judged if o.report.verdict == "pass" and o.case.mutation == "words reordered"]
    assert found["words reordered", "claim"] == [f"{len(passed)}, -", "100.0%", "-", "0"]
    sentences = sum(o.case.mutation == "untouched" and o.case.place == "claim" for o in judged)
    assert found["untouched", "claim"] == [f"{sentences}, -", "0.0%", "-", "0"]


def test_no_answer_is_counted_apart_from_a_refusal(judged: list[Outcome]) -> None:
    found = rows(list(markdown(sampled(judged, 0), Reads(silent=""))))
    asked, refuted, _, silent = found["untouched", "claim"]
    assert (refuted, asked) == ("0.0%", f"{silent}, -")


def test_a_sample_takes_so_many_of_each_row_and_the_same_each_time(judged: list[Outcome]) -> None:
    rows = [(o.case.place, o.case.mutation) for o in sampled(judged, 2)]
    assert max(rows.count(row) for row in rows) == 2
    assert sampled(judged, 2) == sampled(judged, 2)
    assert {o.report.verdict for o in sampled(judged, 0)} == {"pass"}
