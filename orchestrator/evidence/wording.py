"""Whether a claim says what a quote of it says word for word: whole sentences, one after the other, and nothing else.

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
    """Whether a claim's text is one whole sentence of a verbatim quote, or several that follow each other there.

    Typography, spacing and line breaks may differ, and marks around a sentence; words, digits, capitals and the marks
    inside it may not. A sentence that a quote cuts short is none of its sentences, and what two quotes say is no longer
    what either says: "it failed" is about whatever stands before it.
    """
    # A full-width stop or an invisible mark may hide where a sentence ends, in the claim or in its source.
    folded = "\n".join(map(normalise, text.splitlines()))
    readings = [[bare(sentence.text) for sentence in sentences(reading)] for reading in {text, folded}]
    return any(_stands_in(quote, asked) for quote in quotes for asked in readings if asked)


def _stands_in(quote: Quoted, asked: Sequence[str]) -> bool:
    # The first test is much the cheaper one. No folded text holds the mark, and such a search takes linear time.
    return all(sentence in quote.folded_text for sentence in asked) and _marked(asked) in _marked(
        quote.sentences
    )


def _marked(stated: Sequence[str]) -> str:
    return "".join(f"\0{sentence}" for sentence in stated) + "\0"


def strictly(report: EvalReport) -> EvalReport:
    """Return the report with only those claims upheld that say what their quotes say word for word."""
    return withdrawn(report, dict(_reworded(report)))


def _reworded(report: EvalReport) -> Iterable[tuple[int, Finding]]:
    for number, told in enumerate(report.claims):
        if told.upheld and not told.word_for_word:
            detail = "holds, but in words of its own: no quote of it says so in whole sentences"
            yield number, Finding(level=2, reason="reworded", claim_id=told.claim_id, detail=detail)
