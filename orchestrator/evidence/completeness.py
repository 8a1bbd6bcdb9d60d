"""Level 3: every persona answered, and the synthesis loses no claim and invents none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestrator.contracts import Finding, PersonaOutput
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence.tally import Tally


def check_completeness(task_id: str, outputs: Sequence[PersonaOutput]) -> Tally:
    """Judge the argument as a whole: personas, claim ids, and what the synthesis settles."""
    tally = Tally(3, "nothing lost, nothing invented")
    if not outputs:
        tally.count([Finding(level=3, reason="no_outputs", detail="no persona has answered")])
    positions = any(output.persona == "thesis" and output.claims for output in outputs)
    for output in outputs:
        silent = positions and _nothing_to_object(output)
        tally.count(_answered(task_id, output, may_be_silent=silent))
    _unique(tally, [claim.id for output in outputs for claim in output.claims])
    usable = [output for output in outputs if output.status == "ok"]
    upstream = {claim.id for output in usable if output.persona != "synthesis" for claim in output.claims}
    synthesis = [claim for output in usable if output.persona == "synthesis" for claim in output.claims]
    if synthesis:
        settled = {claim_id for claim in synthesis for claim_id in claim.about}
        for claim_id in sorted(upstream):
            lost = _lost(claim_id, f"the synthesis does not settle {claim_id}")
            tally.count([] if claim_id in settled else [lost])
    for output in usable:
        for claim in output.claims:
            unknown = sorted(set(claim.about) - (upstream - {claim.id}))
            if unknown:
                tally.count([_invented(claim.id, f"is about {', '.join(unknown)}, which nobody claimed")])
            elif output.persona == "synthesis" and upstream:
                tally.count(
                    [] if claim.about else [_invented(claim.id, "settles no claim of thesis or antithesis")]
                )
    return tally


def check_answer(answer: AttributedAnswer, loose_numbers: str, look_alikes: Sequence[str]) -> Tally:
    """Judge an answer of any system as a whole: there are claims, each once, and the text is made of them.

    ``loose_numbers`` are those of its text that no quote and not the question holds, ``look_alikes`` says which of its
    words only look like words of the quotes.
    """
    tally = Tally(3, "nothing lost, nothing invented")
    ids = [claim.id for claim in answer.claims]
    tally.count([] if ids else [Finding(level=3, reason="no_claims", detail="the answer makes no claim")])
    _unique(tally, ids)
    if not answer.answered:
        return tally
    text = answer.answer.text if answer.answer else ""
    empty = Finding(level=3, reason="empty_answer", detail="the answer says nothing")
    tally.count([] if any(ch.isalnum() for ch in text) else [empty])
    number = Finding(
        level=3, reason="answer_number", detail=f"the answer states {loose_numbers}, which no quote holds"
    )
    disguised = [
        Finding(level=3, reason="look_alike", detail=f"in the answer {detail}"[:1_000])
        for detail in look_alikes
    ]
    tally.count([number, *disguised] if loose_numbers else disguised)
    if answer.answer and answer.answer.claims is not None:
        used = set(answer.answer.claims)
        for claim_id in dict.fromkeys(ids):
            lost = _lost(claim_id, f"the answer does not use {claim_id}")
            tally.count([] if claim_id in used else [lost])
        for claim_id in sorted(used - set(ids)):
            tally.count([_invented(claim_id, "is used by the answer, and nobody claimed it")])
    return tally


def _unique(tally: Tally, ids: Sequence[str]) -> None:
    for claim_id in sorted(i for i, times in Counter(ids).items() if times > 1):
        detail = f"{claim_id} names two claims"
        tally.count([Finding(level=3, reason="duplicate_id", claim_id=claim_id, detail=detail)])


def _lost(claim_id: str, problem: str) -> Finding:
    return Finding(level=3, reason="claim_lost", claim_id=claim_id, detail=problem)


def _invented(claim_id: str, problem: str) -> Finding:
    return Finding(
        level=3, reason="claim_invented", claim_id=claim_id, detail=f"{claim_id} {problem}"[:1_000]
    )


def _answered(task_id: str, output: PersonaOutput, *, may_be_silent: bool) -> list[Finding]:
    if output.status != "ok":
        kind = output.failure.kind if output.failure else output.status
        return [Finding(level=3, reason="persona_failed", detail=f"{output.persona} failed: {kind}")]
    if output.task_id != task_id:
        return [
            Finding(level=3, reason="other_job", detail=f"{output.persona} answered job {output.task_id}")
        ]
    if not output.claims and not may_be_silent:
        return [Finding(level=3, reason="no_claims", detail=f"{output.persona} made no claim")]
    if output.persona == "synthesis" and not output.summary.strip():
        return [Finding(level=3, reason="empty_answer", detail="the synthesis concludes nothing")]
    return []


def _nothing_to_object(output: PersonaOutput) -> bool:
    """An antithesis that found nothing against a position, and says so, has answered."""
    return output.persona == "antithesis" and bool(output.summary.strip())
