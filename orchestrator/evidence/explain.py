"""What each claim of a result rests on, to be shown: its quotes in their passages, and its words that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.contracts import Claim, Finding, Passage, Result
from orchestrator.evidence.sources import Quoted, Sources
from orchestrator.evidence.statement import Evidence, Statement
from orchestrator.language import lexed

CONTEXT_CHARS = 160
"""Of the passage, to either side of a quote."""


@dataclass(frozen=True)
class Piece:
    """A run of a claim's text, folded; ``held``: its quotes hold it, or lack it, or that was not looked for."""

    text: str
    held: bool | None


@dataclass(frozen=True)
class Place:
    """Where a quote stands: the passage around it, empty where the quote is not verbatim."""

    passage: Passage | None
    quote: str
    verbatim: bool
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Explained:
    """A claim with what speaks for it and against it. ``support`` is ``None`` where its wording was not judged."""

    claim: Claim
    pieces: tuple[Piece, ...]
    places: tuple[Place, ...]
    findings: tuple[Finding, ...]
    upheld: bool
    support: float | None
    word_for_word: bool


def explain(result: Result) -> list[Explained]:
    """Explain every delivered claim of a result, in its order, from what the result itself holds."""
    sources = Sources(result.passages)
    passages = {passage.id: passage for passage in result.passages}
    reports = {report.claim_id: report for report in result.eval.claims}
    explained = []
    for claim in result.claims:
        quotes = [(citation, sources.quoted(citation)) for citation in claim.citations]
        places = tuple(
            _place(passages.get(citation.passage_id), citation.quote, quoted) for citation, quoted in quotes
        )
        findings = tuple(f for f in result.eval.findings if f.claim_id == claim.id)
        report = reports.get(claim.id)
        holds = bool(claim.citations) and not any(f.judged for f in findings)
        explained.append(
            Explained(
                claim=claim,
                pieces=_pieces(claim, [quoted for _, quoted in quotes if quoted]),
                places=places,
                findings=findings,
                upheld=report.upheld if report else holds,
                support=report.support if report else None,
                word_for_word=report is not None and report.word_for_word,
            )
        )
    return explained


def _place(passage: Passage | None, quote: str, quoted: Quoted | None) -> Place:
    if passage is None or quoted is None:
        return Place(passage, quote, verbatim=False)
    before, after = quoted.around(CONTEXT_CHARS)
    return Place(
        passage,
        quoted.text,
        verbatim=True,
        before=("…" if quoted.start > CONTEXT_CHARS else "") + before,
        after=after + ("…" if quoted.end + CONTEXT_CHARS < len(passage.text) else ""),
    )


def _pieces(claim: Claim, quotes: Sequence[Quoted]) -> tuple[Piece, ...]:
    """Cut a claim's text at its words and numbers, and say of each whether the quotes hold it."""
    claimed, evidence = Statement.of(claim.text), Evidence(tuple(quotes))
    text = claimed.text
    marks = [(q.start, q.end, q.key in evidence.numbers) for q in claimed.quantities]
    if claimed.language == evidence.language:
        marks += [
            (start, start + len(word), not evidence.words.isdisjoint(forms))
            for word, start, forms in lexed(text)
            if forms and not claimed.measures(start)
        ]
    pieces, at = [], 0
    for start, end, held in sorted(marks) if quotes else ():
        if start >= at:
            pieces += [Piece(text[at:start], None), Piece(text[start:end], held)]
            at = end
    return tuple(piece for piece in (*pieces, Piece(text[at:], None)) if piece.text)
