"""Rates of a set of cases: how many mutations of each kind are caught, how many harmless changes are rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.gate.mutations import Case
from orchestrator.contracts import EvalReport
from orchestrator.evidence import judge_answer
from orchestrator.evidence.wording import strictly


@dataclass
class Row:
    """One kind of case in one language."""

    mutation: str
    place: str
    harmful: bool
    language: str
    cases: int = 0
    failed: int = 0
    """Caught, or rejected: at level 0 or 1 where the quote was changed, by the verdict otherwise."""
    failed_strictly: int = 0
    """Failed by the verdict where a claim has to say what its quotes say word for word."""

    @property
    def rate(self) -> float:
        """Share of them: caught, or rejected."""
        return self.failed / self.cases

    @property
    def strict_rate(self) -> float:
        """Share of them that do not pass ``--strict``."""
        return self.failed_strictly / self.cases


@dataclass(frozen=True)
class Outcome:
    """A case and what the gate said."""

    case: Case
    report: EvalReport

    @property
    def at_the_quote(self) -> bool:
        """Whether level 0 or 1 found something."""
        return any(finding.judged and finding.level <= 1 for finding in self.report.findings)

    @property
    def failed(self) -> bool:
        """Whether the gate found it: at level 0 or 1 where the quote was changed, by its verdict otherwise.

        A word cut from a quote's edge leaves it verbatim, though level 2 may need that word.
        """
        rejected = self.report.verdict == "fail"
        if self.case.place != "quote":
            return rejected
        cut = self.case.mutation.endswith("word cut")
        return self.at_the_quote if self.case.harmful or cut else rejected

    @property
    def failed_strictly(self) -> bool:
        """Whether it fails where a claim has to say what its quotes say word for word."""
        return strictly(self.report).verdict == "fail"

    @property
    def wrong(self) -> bool:
        """Whether something harmful was not found, or something harmless was rejected."""
        return self.failed != self.case.harmful

    @property
    def fatal(self) -> bool:
        """Whether that may not happen at all: everything but the wording of claims, which level 2 estimates.

        Strictly, nothing harmful may pass, whatever was changed.
        """
        estimated = self.case.harmful and self.case.place == "claim"
        return (self.wrong and not estimated) or (self.case.harmful and not self.failed_strictly)


def outcomes(cases: Iterable[Case]) -> Iterable[Outcome]:
    """Judge every case."""
    return (Outcome(case, judge_answer(case.answer)) for case in cases)


def table(judged: Iterable[Outcome]) -> list[Row]:
    """Count, mutations first, each kind where it first came up."""
    rows: dict[tuple[bool, str, str, str], Row] = {}
    for outcome in judged:
        case = outcome.case
        key = (not case.harmful, case.place, case.mutation, case.language)
        row = rows.setdefault(key, Row(case.mutation, case.place, case.harmful, case.language))
        row.cases += 1
        row.failed += outcome.failed
        row.failed_strictly += outcome.failed_strictly
    return [rows[key] for key in sorted(rows, key=lambda key: (key[0], key[1]))]
