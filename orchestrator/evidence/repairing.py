"""The one repair pass: other citations, from the job's own passages, for claims that failed; the gate judges again.

What a claim says is never changed. A quote that stands in another passage than the one it names is moved there, and
judged as any other. For what else failed, sentences are searched that say what the claim says: each of its words and
numbers, in its order. That is stricter than level 2 on purpose: the persona did not choose these quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from heapq import nsmallest

from orchestrator.contracts import Citation, Claim, EvalReport, Finding, PersonaOutput
from orchestrator.contracts.report import Repair, RepairPass
from orchestrator.evidence.coverage import check_coverage
from orchestrator.evidence.sources import Source, Sources
from orchestrator.evidence.statement import Statement, Token
from orchestrator.language import Span, sentences

MAX_TRIED = 32
"""Sentences that are compared with a sentence of a claim."""
MAX_CITATIONS = 12
MAX_QUOTE_CHARS = 2_000
MIN_SHARE = 0.5
"""Of a sentence's words that the claim has to say: one that says far less may have dropped what limits it."""
# A claim whose own verbatim quotes say the contrary is not helped by another quote.
_DISPUTED = frozenset({"contrary", "negation_dropped", "roles_exchanged", "unit_differs"})
_FREE = frozenset({(word,) for word in ("a", "an", "the", "but", "however", "그러나", "하지만")})


def repair_outputs(
    outputs: Mapping[str, PersonaOutput], sources: Sources, *, evidence_required: bool
) -> tuple[dict[str, PersonaOutput], tuple[Repair, ...]]:
    """Return the outputs of all steps with what could be repaired, and the repairs. Never raises; linear time."""
    repairer = Repairer(sources, evidence_required=evidence_required)
    repaired: dict[str, PersonaOutput] = {}
    for step, output in outputs.items():
        claims = tuple(repairer.claim(claim) for claim in output.claims)
        concluded = repairer.conclusion(output)
        changed = {"claims": claims, "citations": concluded}
        same = claims == output.claims and concluded == output.citations
        repaired[step] = output if same else output.model_copy(update=changed)
    return repaired, repairer.repairs


def needs_repair(report: EvalReport) -> bool:
    """Whether any claim of any persona failed at levels 0 to 2."""
    return any(finding.judged and finding.level <= 2 for finding in report.findings)


def with_repair(before: EvalReport, after: EvalReport, repairs: tuple[Repair, ...]) -> EvalReport:
    """Return the second verdict with what the first one was, and which findings are gone."""
    left = set(after.findings)
    settled = tuple(finding for finding in before.findings if finding not in left)
    repair = RepairPass(
        verdict_before=before.verdict,
        evidence_ok_before=before.evidence_ok,
        quality_before=before.quality,
        findings_before=len(before.findings),
        settled=settled,
        repairs=repairs,
    )
    return after.model_copy(update={"repair": repair})


class Repairer:
    """Repairs claims one by one; ``repairs`` are those that were made, each once."""

    def __init__(self, sources: Sources, *, evidence_required: bool) -> None:
        self._sources = sources
        self._evidence_required = evidence_required
        self._made: dict[tuple[str | None, tuple[Citation, ...]], Repair] = {}

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """What was repaired so far."""
        return tuple(self._made.values())

    def claim(self, claim: Claim) -> Claim:
        """Return the claim with citations that the gate accepts; as it was where there are none, or it needs none."""
        if not self._failing(claim, claim.citations):
            return claim
        kept = self._placed(claim.citations)
        findings = self._failing(claim, kept)
        if not findings and len(kept) == len(claim.citations):
            return self._note(claim, kept)
        if self._disputed(claim, kept, findings):
            return claim
        found = self._saying(claim, kept)
        cited = None if found is None else tuple(dict.fromkeys((*kept, *found)))
        if not cited or len(cited) > MAX_CITATIONS or self._failing(claim, cited):
            return claim
        return self._note(claim, cited)

    def conclusion(self, output: PersonaOutput) -> tuple[Citation, ...]:
        """Return the summary's citations, quotes that are verbatim elsewhere moved there; others are not touched."""
        now = tuple((self._placed((citation,)) or (citation,))[0] for citation in output.citations)
        if now != output.citations:
            self._made[None, output.citations] = Repair(was=output.citations, now=now)
        return now

    def _note(self, claim: Claim, cited: tuple[Citation, ...]) -> Claim:
        repair = Repair(claim_id=claim.id, was=claim.citations, now=cited)
        self._made[claim.id, claim.citations] = repair
        return claim.model_copy(update={"citations": cited})

    def _placed(self, citations: Iterable[Citation]) -> tuple[Citation, ...]:
        """Citations whose quotes are verbatim, each with the passage that has it; the others are left out."""
        placed = []
        for citation in citations:
            if self._sources.quoted(citation):
                placed.append(citation)
            elif found := self._sources.quoted_anywhere(citation):
                placed.append(citation.model_copy(update={"passage_id": found.source.passage.id}))
        return tuple(placed)

    def _failing(self, claim: Claim, citations: tuple[Citation, ...]) -> list[Finding]:
        """Return the judged findings that a claim would have with these citations, at levels 0 to 2."""
        quotes = [self._sources.quoted(citation) for citation in citations]
        cited = claim.model_copy(update={"citations": citations})
        verbatim = [quote for quote in quotes if quote]
        coverage = check_coverage(cited, verbatim, evidence_required=self._evidence_required)
        findings = [finding for finding in coverage.findings if finding.judged]
        if len(verbatim) < len(quotes):
            findings.append(Finding(level=1, reason="not_verbatim", claim_id=claim.id))
        return findings

    def _disputed(self, claim: Claim, kept: Iterable[Citation], findings: Iterable[Finding]) -> bool:
        """Whether quotes of the claim say the contrary, rather than nothing of it."""
        reasons = {finding.reason for finding in findings}
        if not reasons.isdisjoint(_DISPUTED):
            return True
        if "negation_added" not in reasons:
            return False
        quotes = [quote for citation in kept if (quote := self._sources.quoted(citation))]
        turned = {word for quote in quotes for n in quote.negations for word in n.scope}
        added = [n for n in Statement.of(claim.text).negations if turned.isdisjoint(n.scope)]
        return any(not quote.words.isdisjoint(n.scope[:2]) for quote in quotes for n in added)

    def _saying(self, claim: Claim, kept: Iterable[Citation]) -> list[Citation] | None:
        """Return a citation for each sentence that no kept quote says; ``None`` where one is found nowhere."""
        quotes = [quote for citation in kept if (quote := self._sources.quoted(citation))]
        first = {quote.source.passage.id for quote in quotes}
        said_there = [Statement(quote.folded_text).sequence for quote in quotes]
        found = []
        for sentence in sentences(claim.text):
            statement = Statement.of(sentence.text)
            if any(_says(sequence, statement.sequence) for sequence in said_there):
                continue
            citation = self._search(claim.model_copy(update={"text": sentence.text}), statement, first)
            if citation is None:
                return None
            found.append(citation)
        return found

    def _search(self, claim: Claim, statement: Statement, first: set[str]) -> Citation | None:
        telling = [self._index.get(form, set()) for forms in statement.words.values() for form in forms]
        if not telling:
            return None
        candidates = set.intersection(*sorted(telling, key=len))

        def nearness(number: int) -> tuple[bool, int]:
            return self._order[number][0].passage.id not in first, number

        for number in nsmallest(MAX_TRIED, candidates, key=nearness):
            source, span = self._order[number]
            if len(span.text) > MAX_QUOTE_CHARS or not _says(self._sequence(number), statement.sequence):
                continue
            citation = Citation.model_construct(passage_id=source.passage.id, quote=span.text)
            if not self._failing(claim, (citation,)):
                return citation
        return None

    @cached_property
    def _order(self) -> list[tuple[Source, Span]]:
        return [(source, span) for source in self._sources.by_id.values() for span in source.sentences]

    @cached_property
    def _index(self) -> dict[str, set[int]]:
        """Of every content word: which sentences hold it."""
        index: dict[str, set[int]] = {}
        before = 0
        for source in self._sources.by_id.values():
            for form, number in source.words_by_sentence():
                index.setdefault(form, set()).add(before + number)
            before += len(source.sentences)
        return index

    def _sequence(self, number: int) -> tuple[Token, ...]:
        if number not in self._sequences:
            self._sequences[number] = Statement.of(self._order[number][1].text).sequence
        return self._sequences[number]

    @cached_property
    def _sequences(self) -> dict[int, tuple[Token, ...]]:
        return {}


def _says(whole: tuple[Token, ...], said: tuple[Token, ...]) -> bool:
    """Whether all that is said stands in a whole sentence in this order, and makes up enough of it."""
    asked = [token for token in said if token not in _FREE]
    have = iter(whole)
    return bool(asked) and len(asked) >= MIN_SHARE * len(whole) and all(token in have for token in asked)
