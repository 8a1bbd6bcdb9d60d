"""The verdict: all levels over all claims, as a pure function of passages and what rests on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain

from orchestrator.contracts import Citation, Claim, EvalReport, Finding, Passage, PersonaOutput
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.contracts.report import ClaimReport
from orchestrator.evidence.completeness import check_answer, check_completeness
from orchestrator.evidence.coverage import check_coverage
from orchestrator.evidence.look_alikes import look_alikes
from orchestrator.evidence.membership import check_membership
from orchestrator.evidence.opinion import Judge, second_opinion
from orchestrator.evidence.quotes import check_quote
from orchestrator.evidence.repair import propose
from orchestrator.evidence.repairing import Repairer, needs_repair, with_repair
from orchestrator.evidence.sources import Sources
from orchestrator.evidence.statement import Evidence
from orchestrator.evidence.tally import Tally, notes, quality, risks
from orchestrator.evidence.wording import strictly, word_for_word
from orchestrator.language import Quantity, normalise, quantities

_SMALL_COUNT = 12
"""A bare number up to here may count the answer's own points."""


def judge(
    task_id: str,
    passages: Sequence[Passage] | Sources,
    outputs: Sequence[PersonaOutput],
    *,
    evidence_required: bool,
) -> EvalReport:
    """Judge every claim and citation of all personas. Never raises for any values of these types; linear time.

    ``verdict`` is ``pass`` when nothing that is delivered has a judged finding: the synthesis' claims and citations
    where there is a synthesis, all claims where there is none, and level 3 as a whole. ``evidence_ok`` asks, beyond
    that, that at least one delivered claim is supported by a verbatim quote. With ``evidence_required`` the verdict
    asks for that too. Findings about claims that are not delivered count in the rates and the risks.
    """
    sources = passages if isinstance(passages, Sources) else Sources(passages)
    gate = _Gate(sources, evidence_required=evidence_required)
    synthesised = any(output.persona == "synthesis" for output in outputs)
    supported = 0
    fatal: list[Finding] = []
    for output in outputs:
        if output.status != "ok":
            continue
        findings, upheld = gate.judge_output(output)
        if output.persona == "synthesis" or not synthesised:
            fatal += findings
            supported += upheld
    whole = check_completeness(task_id, outputs)
    return gate.report(task_id, whole, [*fatal, *whole.findings], supported=supported)


def judge_answer(
    answer: AttributedAnswer, *, repair: bool = False, strict: bool = False, second: Judge | None = None
) -> EvalReport:
    """Judge an answer of any system, as its JSON states it: every claim is delivered, and evidence is required.

    With ``repair`` what failed gets one repair pass, and the report is of the answer after it. Where it is ``strict``
    only a claim that says what its quotes say word for word holds. A ``second`` judge is asked about the claims that
    hold then. Never raises for any value of this type, but what that judge raises; linear
    time. The report's ``task_id`` is ``answer``.
    """
    # Bounds and patterns of ids are those of our own messages; this answer has passed bounds of its own.
    passages = [
        Passage.model_construct(id=passage.id, source=passage.source, text=passage.text)
        for passage in answer.passages
    ]
    claims = [
        Claim.model_construct(
            id=claim.id,
            text=claim.text,
            kind="position",
            citations=tuple(
                Citation.model_construct(passage_id=c.passage_id, quote=c.quote) for c in claim.citations
            ),
        )
        for claim in answer.claims
    ]
    sources = Sources(passages)
    report = _judged(answer, claims, sources)
    if repair and needs_repair(report):
        repairer = Repairer(sources, evidence_required=True)
        claims = [repairer.claim(claim) for claim in claims]
        report = with_repair(report, _judged(answer, claims, sources), repairer.repairs)
    if strict:
        report = strictly(report)
    return report if second is None else second_opinion(report, claims, sources, second)


def _judged(answer: AttributedAnswer, claims: Sequence[Claim], sources: Sources) -> EvalReport:
    gate = _Gate(sources, evidence_required=True)
    findings, supported = gate.judge_claims(claims)
    text = answer.answer.text if answer.answer else ""
    cited = [citation for claim in claims for citation in claim.citations]
    known = gate.numbers(cited)
    loose = _loose_numbers(text, known | {q.key for q in quantities(answer.question)})
    whole = check_answer(answer, loose, gate.look_alikes(text, cited, known=answer.question))
    return gate.report("answer", whole, [*findings, *whole.findings], supported=supported)


class _Gate:
    """Levels 0 to 2 and 4, counted over all claims."""

    def __init__(self, sources: Sources, *, evidence_required: bool) -> None:
        self._sources = sources
        self._evidence_required = evidence_required
        self._membership = Tally(0, "passages belong to the job")
        self._quotes = Tally(1, "quotes are verbatim")
        self._coverage = Tally(2, "quotes cover the claim")
        self._repairs = Tally(4, "repairs proposed")
        self._claims: list[ClaimReport] = []

    def report(
        self, task_id: str, whole: Tally, delivered: Iterable[Finding], *, supported: int
    ) -> EvalReport:
        """Make the report of what was counted, of level 3 as a ``whole``, and of the findings on what is delivered."""
        passes = not any(f.judged for f in delivered) and (supported > 0 or not self._evidence_required)
        tallies = (self._membership, self._quotes, self._coverage, whole)
        levels = tuple(tally.report() for tally in tallies)
        findings = tuple(chain.from_iterable(tally.findings for tally in tallies))
        return EvalReport(
            task_id=task_id,
            quality=quality(levels),
            evidence_ok=passes and supported > 0,
            verdict="pass" if passes else "fail",
            risks=risks(findings, supported=supported),
            notes=notes(levels),
            levels=(*levels, self._repairs.report()),
            findings=findings,
            claims=tuple(self._claims),
        )

    def judge_output(self, output: PersonaOutput) -> tuple[list[Finding], int]:
        """Return one output's findings and how many of its claims hold on all three levels."""
        findings, upheld = self.judge_claims(output.claims)
        return [*self._citations(None, output.citations), *findings, *self._summary(output)], upheld

    def judge_claims(self, claims: Iterable[Claim]) -> tuple[list[Finding], int]:
        """Return the claims' findings and how many of them hold on all three levels."""
        findings: list[Finding] = []
        upheld = 0
        for claim in claims:
            quotes = [quoted for citation in claim.citations if (quoted := self._sources.quoted(citation))]
            coverage = check_coverage(claim, quotes, evidence_required=self._evidence_required)
            self._coverage.count(coverage.findings)
            found = [*self._citations(claim.id, claim.citations), *coverage.findings]
            holds = bool(claim.citations) and not any(f.judged for f in found)
            self._claims.append(
                ClaimReport(
                    claim_id=claim.id,
                    upheld=holds,
                    support=coverage.support,
                    word_for_word=holds and word_for_word(claim.text, quotes),
                )
            )
            upheld += holds
            findings += found
        return findings, upheld

    def numbers(self, citations: Iterable[Citation]) -> set[tuple[Decimal, str]]:
        """Return the values and units in all of these quotes that are verbatim."""
        quoted = (self._sources.quoted(citation) for citation in citations)
        return {quantity.key for quote in quoted if quote for quantity in quote.quantities}

    def look_alikes(self, text: str, citations: Iterable[Citation], *, known: str = "") -> list[str]:
        """Say of each word of a text that only looks like one of these quotes what it looks like."""
        if text.isascii():
            return []
        quotes = dict.fromkeys(self._sources.quoted(citation) for citation in citations)
        return look_alikes(normalise(text), Evidence(tuple(filter(None, quotes))), known=normalise(known))

    def _citations(self, claim_id: str | None, citations: Sequence[Citation]) -> list[Finding]:
        findings: list[Finding] = []
        for number, citation in enumerate(citations):
            membership = check_membership(citation, self._sources)
            quotes = check_quote(citation, self._sources)
            if quotes:
                named = {"claim_id": claim_id, "citation": number, **self._repair(citation)}
                elsewhere = named.get("repair_passage", citation.passage_id) != citation.passage_id
                hint = f"; verbatim in {named['repair_passage']}" if elsewhere else ""
                membership, quotes = (
                    [f.model_copy(update={**named, "detail": (f.detail + hint)[:1_000]}) for f in found]
                    for found in (membership, quotes)
                )
            self._membership.count(membership)
            self._quotes.count(quotes)
            findings += [*membership, *quotes]
        return findings

    def _repair(self, citation: Citation) -> dict[str, str]:
        proposed = propose(citation, self._sources)
        self._repairs.checked += 1
        if proposed is None:
            return {}
        self._repairs.passed += 1
        passage_id, text = proposed
        return {"repair": text, "repair_passage": passage_id}

    def _summary(self, output: PersonaOutput) -> list[Finding]:
        """Numbers that no quote holds, words that only look like a quote's: risks, for the question may have them."""
        citations = [*output.citations, *chain.from_iterable(claim.citations for claim in output.claims)]
        findings = [
            Finding(
                level=2,
                reason="look_alike",
                detail=f"in the {output.persona}'s summary {detail}"[:1_000],
                judged=False,
            )
            for detail in self.look_alikes(output.summary, citations)
        ]
        if loose := _loose_numbers(output.summary, self.numbers(citations)):
            detail = f"the {output.persona}'s summary states {loose}, which no quote of it holds"
            findings.append(Finding(level=2, reason="summary_number", detail=detail, judged=False))
        if findings:
            self._coverage.count(findings)
        return findings


def _loose_numbers(text: str, known: set[tuple[Decimal, str]]) -> str:
    """Return the text's numbers that are not known, as it writes them; small bare ones may count its own points."""

    def counts_points(quantity: Quantity) -> bool:
        whole = quantity.value == int(quantity.value)
        return not quantity.unit and whole and 0 <= quantity.value <= _SMALL_COUNT

    loose = (q for q in quantities(text) if q.key not in known and not counts_points(q))
    return ", ".join(text[q.start : q.end].strip() for q in loose)[:400]
