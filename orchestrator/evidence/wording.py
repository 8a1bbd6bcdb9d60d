"""Whether a claim says what its quotes say word for word: whole sentences of theirs, in their order, and nothing else.

Level 2 counts words, so a claim may pass with one that changes its meaning. Of this there is no doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.contracts import EvalReport, Finding
from orchestrator.evidence.sources import Quoted
from orchestrator.evidence.withdrawing import withdrawn
from orchestrator.language import normalise, sentences
from orchestrator.language.sentences import bare


def word_for_word(text: str, quotes: Sequence[Quoted]) -> bool:
    """Whether every sentence of a claim's text is a whole sentence of these verbatim quotes, and in their order.

    Typography, spacing and line breaks may differ, and marks around a sentence; words, digits, capitals and the marks
    inside it may not. A sentence that a quote cuts short is none of its sentences.
    """
    # A full-width stop or an invisible mark may hide where a sentence ends, in the claim or in its source.
    folded = "\n".join(map(normalise, text.splitlines()))
    return any(_stand_in(quotes, [bare(s.text) for s in sentences(reading)]) for reading in {text, folded})


def _stand_in(quotes: Iterable[Quoted], asked: Sequence[str]) -> bool:
    telling = (quote for quote in quotes if any(sentence in quote.folded_text for sentence in asked))
    said = (sentence for quote in telling for sentence in quote.sentences)
    return bool(asked) and all(sentence in said for sentence in asked)


def strictly(report: EvalReport) -> EvalReport:
    """Return the report with only those claims upheld that say what their quotes say word for word."""
    return withdrawn(report, dict(_reworded(report)))


def _reworded(report: EvalReport) -> Iterable[tuple[int, Finding]]:
    for number, told in enumerate(report.claims):
        if told.upheld and not told.word_for_word:
            detail = "holds, but in words of its own: no whole sentence of its quotes says it"
            yield number, Finding(level=2, reason="reworded", claim_id=told.claim_id, detail=detail)
