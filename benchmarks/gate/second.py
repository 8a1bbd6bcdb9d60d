"""What a judge adds to the gate: the cases of the mutation set that pass, put to a model of yours.

A judge should refute the broken claims among them and keep the sound ones. It is asked once about every claim with its
quotes, however many cases share them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.gate.figures import Outcome
from benchmarks.gate.mutations import SEED
from orchestrator.contracts.judging import Opinion, Silence, SupportQuestion
from orchestrator.evidence import Judge, judge_answer

_UNASKED = Silence(why="no_model")


class Noted:
    """A judge that knows some opinions already, and notes what else it is asked."""

    def __init__(self) -> None:
        self.known: dict[SupportQuestion, Opinion] = {}
        self.asked: dict[SupportQuestion, None] = {}

    def opinions(self, questions: Sequence[SupportQuestion]) -> list[Opinion]:
        """Give what is known."""
        self.asked.update(dict.fromkeys(questions))
        return [self.known.get(question, _UNASKED) for question in questions]


def sampled(judged: Sequence[Outcome], most: int) -> list[Outcome]:
    """Return of each row, in each language, at most so many cases that pass the gate; 0 is all of them."""
    rows: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in judged:
        case = outcome.case
        if outcome.report.verdict == "pass":
            rows.setdefault((case.place, case.mutation, case.language), []).append(outcome)
    rng = random.Random(SEED)
    return [
        outcome
        for row in rows.values()
        for outcome in (rng.sample(row, most) if 0 < most < len(row) else row)
    ]


def markdown(outcomes: Sequence[Outcome], judge: Judge) -> Iterator[str]:
    """Two tables, of what is broken and of what is not: how much of what passed the gate fails with the judge."""
    noted = Noted()
    for outcome in outcomes:
        judge_answer(outcome.case.answer, second=noted)
    questions = list(noted.asked)
    noted.known = dict(zip(questions, judge.opinions(questions) if questions else (), strict=True))
    rows: dict[tuple[bool, str, str], Counter[str]] = {}
    for outcome in outcomes:
        case = outcome.case
        report = judge_answer(case.answer, second=noted)
        row = rows.setdefault((case.harmful, case.mutation, case.place), Counter())
        row[f"cases {case.language}"] += 1
        reasons = {finding.reason for finding in report.findings}
        row[f"refuted {case.language}"] += "judge_refuted" in reasons
        row["silent"] += "judge_silent" in reasons
    for harmful, title in ((True, "mutation that passes the gate"), (False, "harmless change")):
        yield f"| {title} | of the | asked en, ko | refuted en | refuted ko | no answer |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for (is_harmful, mutation, place), row in rows.items():
            if is_harmful is harmful:
                rates = " | ".join(_rate(row, language) for language in ("en", "ko"))
                asked = ", ".join(str(row[f"cases {language}"] or "-") for language in ("en", "ko"))
                yield f"| {mutation} | {place} | {asked} | {rates} | {row['silent']} |"
        yield ""


def _rate(row: Counter[str], language: str) -> str:
    cases = row[f"cases {language}"]
    return f"{row[f'refuted {language}'] / cases:.1%}" if cases else "-"
