"""The verdict: levels 0 to 3 over all claims, as a pure function of passages and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from orchestrator.contracts import Citation, Claim, EvalReport, Finding, LevelReport, Passage, PersonaOutput
from orchestrator.evidence.completeness import check_completeness
from orchestrator.evidence.coverage import check_coverage
from orchestrator.evidence.membership import check_membership
from orchestrator.evidence.quotes import check_quote
from orchestrator.evidence.repair import MAX_REPAIRS, propose
from orchestrator.evidence.sources import Sources
from orchestrator.evidence.tally import Tally
from orchestrator.language import quantities

_MAX_RISKS = 20
_SMALL_COUNT = 12
"""A bare number up to here may count the answer's own points."""


def judge(
    task_id: str, passages: Sequence[Passage], outputs: Sequence[PersonaOutput], *, evidence_required: bool
) -> EvalReport:
    """Judge every claim and citation of all personas. Never raises for any values of these types; linear time.

    ``verdict`` is ``pass`` when nothing that is delivered has a judged finding: the synthesis' claims and citations
    where there is a synthesis, all claims where there is none, and level 3 as a whole. ``evidence_ok`` asks, beyond
    that, that at least one delivered claim is supported by a verbatim quote. With ``evidence_required`` the verdict
    asks for that too. Findings about claims that are not delivered count in the rates and the risks.
    """
    gate = _Gate(passages, evidence_required=evidence_required)
    synthesised = any(output.persona == "synthesis" for output in outputs)
    supported = 0
    fatal: list[Finding] = []
    for output in outputs:
        if output.status != "ok":
            continue
        findings, upheld = gate.judge_output(output)
        if output.persona == "synthesis" or not synthesised:
            fatal += [f for f in findings if f.judged]
            supported += upheld
    whole = check_completeness(task_id, outputs)
    fatal += [f for f in whole.findings if f.judged]
    passes = not fatal and (supported > 0 or not evidence_required)
    tallies = (*gate.tallies, whole)
    levels = tuple(tally.report() for tally in tallies)
    all_findings = tuple(chain.from_iterable(tally.findings for tally in tallies))
    return EvalReport(
        task_id=task_id,
        quality=_quality(levels),
        evidence_ok=passes and supported > 0,
        verdict="pass" if passes else "fail",
        risks=_risks(all_findings, supported=supported),
        notes=_notes(levels),
        levels=levels,
        findings=all_findings,
    )


class _Gate:
    """Levels 0 to 2, counted over all outputs."""

    def __init__(self, passages: Sequence[Passage], *, evidence_required: bool) -> None:
        self._sources = Sources(passages)
        self._evidence_required = evidence_required
        self._repairs_left = MAX_REPAIRS
        self._membership = Tally(0, "passages belong to the job")
        self._quotes = Tally(1, "quotes are verbatim")
        self._coverage = Tally(2, "quotes cover the claim")
        self.tallies = (self._membership, self._quotes, self._coverage)

    def judge_output(self, output: PersonaOutput) -> tuple[list[Finding], int]:
        """Return one output's findings and how many of its claims hold on all three levels."""
        findings = self._citations(None, output.citations)
        upheld = 0
        for claim in output.claims:
            found = [*self._citations(claim.id, claim.citations), *self._claim(claim)]
            upheld += bool(claim.citations) and not any(f.judged for f in found)
            findings += found
        findings += self._answer(output)
        return findings, upheld

    def _citations(self, claim_id: str | None, citations: Sequence[Citation]) -> list[Finding]:
        findings: list[Finding] = []
        for number, citation in enumerate(citations):
            named = {"claim_id": claim_id, "citation": number}
            membership = [f.model_copy(update=named) for f in check_membership(citation, self._sources)]
            quotes = [
                f.model_copy(update={**named, **self._repair(f, citation)})
                for f in check_quote(citation, self._sources)
            ]
            self._membership.count(membership)
            self._quotes.count(quotes)
            findings += [*membership, *quotes]
        return findings

    def _repair(self, finding: Finding, citation: Citation) -> dict[str, str]:
        if self._repairs_left <= 0:
            return {}
        self._repairs_left -= 1
        proposed = propose(citation, self._sources)
        if proposed is None:
            return {}
        passage_id, text = proposed
        elsewhere = f"; verbatim in {passage_id}" if passage_id != citation.passage_id else ""
        return {"repair": text, "detail": (finding.detail + elsewhere)[:1_000]}

    def _claim(self, claim: Claim) -> list[Finding]:
        quotes = [quoted for citation in claim.citations if (quoted := self._sources.quoted(citation))]
        findings = check_coverage(claim, quotes, evidence_required=self._evidence_required)
        self._coverage.count(findings)
        return findings

    def _answer(self, output: PersonaOutput) -> list[Finding]:
        """Numbers of the summary that no quote of the output holds: a risk, for they may come from the question."""
        citations = chain(output.citations, *(claim.citations for claim in output.claims))
        known = {q.key for c in citations if (quoted := self._sources.quoted(c)) for q in quoted.quantities}
        loose = [
            output.summary[q.start : q.end].strip()
            for q in quantities(output.summary)
            if q.key not in known and (q.unit or q.value != int(q.value) or not 0 <= q.value <= _SMALL_COUNT)
        ]
        if not loose:
            return []
        detail = f"the {output.persona}'s summary states {', '.join(loose)[:400]}, which no quote of it holds"
        findings = [Finding(level=2, reason="summary_number", detail=detail, judged=False)]
        self._coverage.count(findings)
        return findings


def _quality(levels: Sequence[LevelReport]) -> float:
    """Mean of the four levels' rates; a level at which nothing was checked adds nothing."""
    return sum(level.rate or 0.0 for level in levels) / len(levels)


def _risks(findings: Sequence[Finding], *, supported: int) -> tuple[str, ...]:
    risks = [] if supported else ["No claim of the answer is supported by a verbatim quote."]
    for finding in findings:
        subject = f"Claim {finding.claim_id}: " if finding.claim_id else ""
        sentence = f"{subject}{finding.detail or finding.reason}."
        if finding.reason != "no_passage_to_read" and sentence not in risks[-1:]:
            risks.append(sentence[:300])
        if len(risks) >= _MAX_RISKS:
            risks.append(f"And more: {len(findings)} findings in all.")
            break
    return tuple(risks)


def _notes(levels: Sequence[LevelReport]) -> str:
    parts = []
    for level in levels:
        apart = f", {level.not_judged} not judged" if level.not_judged else ""
        parts.append(f"level {level.level} {level.name}: {level.passed} of {level.checked}{apart}")
    return "; ".join(parts)
