"""A second opinion: a judge reads the claims that levels 0 to 2 let pass, and may take that away. It gives nothing.

The gate decides without it, and a job's gate never asks one. What the judge adds are findings at level 2, so that
whoever reads a report reads them like any other. A claim passes only where the judge said that its quotes support it:
no answer, or none that could be read, counts against it as a refusal does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from orchestrator.contracts import Claim, EvalReport, Finding, Result
from orchestrator.contracts.judging import (
    MAX_QUESTION_CHARS,
    MAX_QUOTES,
    Opinion,
    ShownQuote,
    Silence,
    Support,
    SupportQuestion,
)
from orchestrator.evidence.sources import Sources
from orchestrator.evidence.withdrawing import withdrawn

CONTEXT_CHARS = 300
"""Of its passage that the judge is shown to either side of a quote."""

_TOO_LARGE = Silence(
    why="too_large", detail="claim and quotes are more than one question holds; cite less of them"
)


class Judge(Protocol):
    """Somebody who reads. ``orchestrator.judging.JudgeClient`` asks a model."""

    def opinions(self, questions: Sequence[SupportQuestion]) -> Sequence[Opinion]:
        """Give one opinion on each question, in their order."""
        ...


def second_opinion(report: EvalReport, claims: Sequence[Claim], sources: Sources, judge: Judge) -> EvalReport:
    """Return the report with what the judge finds against those of these claims that it holds to be upheld.

    ``claims`` are those that were delivered, as they were judged. No question is asked twice. Whatever the judge says,
    nothing passes that did not before.
    """
    upheld = _upheld(report, claims)
    shown = {number: _question(claim, sources) for number, claim in upheld.items()}
    questions = list(dict.fromkeys(question for question in shown.values() if question is not None))
    answers = zip(questions, judge.opinions(questions) if questions else (), strict=True)
    opinions: dict[SupportQuestion | None, Opinion] = {None: _TOO_LARGE, **dict(answers)}
    said = {number: _against(claim, opinions[shown[number]]) for number, claim in upheld.items()}
    against = {number: finding for number, finding in said.items() if finding is not None}
    return withdrawn(report, against)


def reconsidered(result: Result, judge: Judge) -> Result:
    """Return a job's result with a second opinion on its delivered claims in its ``eval``; the rest is as it was."""
    report = second_opinion(result.eval, result.claims, Sources(result.passages), judge)
    return result.model_copy(update={"eval": report})


def _upheld(report: EvalReport, claims: Sequence[Claim]) -> dict[int, Claim]:
    """The claims that hold, by their number in the report. Where an id stands twice, they are in their order."""
    waiting: dict[str, deque[Claim]] = {}
    for claim in claims:
        waiting.setdefault(claim.id, deque()).append(claim)
    found: dict[int, Claim] = {}
    for number, told in enumerate(report.claims):
        if same := waiting.get(told.claim_id):
            claim = same.popleft()
            if told.upheld:
                found[number] = claim
    return found


def _question(claim: Claim, sources: Sources) -> SupportQuestion | None:
    """What to ask about a claim; ``None`` where that is more than a question holds."""
    found = [quoted for citation in claim.citations if (quoted := sources.quoted(citation))]
    shown: dict[ShownQuote, None] = {}
    for quoted in found:
        before, after = quoted.around(CONTEXT_CHARS)
        shown[ShownQuote.model_construct(quote=quoted.text, before=before, after=after)] = None
    size = len(claim.text) + sum(len(q.quote) + len(q.before) + len(q.after) for q in shown)
    if size > MAX_QUESTION_CHARS or len(shown) > MAX_QUOTES:
        return None
    return SupportQuestion(claim=claim.text, quotes=tuple(shown))


def _against(claim: Claim, opinion: Opinion) -> Finding | None:
    if isinstance(opinion, Support):
        if opinion.verdict == "supported":
            return None
        reason, detail = "judge_refuted", f"the judge: {opinion.reason or 'its quotes do not support it'}"
    else:
        why = f"{opinion.why}: {opinion.detail}" if isinstance(opinion, Silence) else "another question's"
        reason, detail = "judge_silent", f"the judge gave no answer ({why.removesuffix(': ')})"
    return Finding(level=2, reason=reason, claim_id=claim.id, detail=detail[:1_000])
