"""From a job's result to a trial."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from orchestrator.contracts import Claim, Passage, Reason, Result
from orchestrator.experiment.trial import MAX_ANSWER_CHARS, Arm, Debate, Trial
from orchestrator.language import content_words, detect_language, normalise, words

QUOTED_WORDS = 4
"""Consecutive words of a claim that make a quote of it; fewer stand in any two sentences on one subject."""
SAME = 0.6
"""Share of content words in common from which two objections are one (Jaccard)."""
_TAKES_NOTHING = frozenset({"evidence_failed"})
"""Reasons that leave a run whole: all of it was done, by whom it should be; what it is worth, the gate says."""


def trial_of(
    goal_id: str, arm: Arm, result: Result, passages: Sequence[Passage], *, fingerprint: str
) -> Trial:
    """Note one run. ``passages`` are the goal's evidence; ``fingerprint`` is theirs."""
    return Trial(
        goal=goal_id,
        arm=arm.name,
        task_id=result.task_id,
        status=result.status,
        reasons=tuple(_told(reason) for reason in result.reasons),
        whole=result.status != "failed" and {r.code for r in result.reasons} <= _TAKES_NOTHING,
        evidence_ok=result.eval.evidence_ok and result.status != "failed",
        quality=result.eval.quality,
        latency_s=result.timings.total_ms / 1_000,
        complexity=result.plan.complexity.score if result.plan else None,
        language=result.language,
        evidence_language=detect_language(" ".join(p.text for p in passages)),
        evidence=fingerprint,
        levels=result.eval.levels,
        usage=result.usage,
        models=result.provenance.models,
        configured=result.plan.models if result.plan else (),
        claims=len(result.claims),
        debate=debate_of(result),
        answer=result.answer[:MAX_ANSWER_CHARS],
    )


def fingerprint_of(passages: Sequence[Passage]) -> str:
    """What tells two evidence sets apart: order, places and texts."""
    digest = hashlib.sha256()
    for passage in passages:
        digest.update(passage.model_dump_json().encode())
    return digest.hexdigest()[:16]


def debate_of(result: Result) -> Debate:
    """Count what the personas made of each other's claims."""
    said: dict[str, list[Claim]] = {"thesis": [], "antithesis": [], "synthesis": []}
    for output in result.outputs:
        if output.status == "ok":
            said[output.persona] += output.claims
    thesis = {claim.id: claim for claim in said["thesis"]}
    objections = said["antithesis"]
    attacked = [(objection, [thesis[i] for i in objection.about if i in thesis]) for objection in objections]
    settled = {
        claim_id
        for claim in said["synthesis"]
        if claim.kind in {"consensus", "resolution"}
        for claim_id in claim.about
    }
    return Debate(
        positions=len(thesis),
        objections=len(objections),
        naming=sum(bool(named) for _, named in attacked),
        quoting=sum(any(_quotes(objection, claim) for claim in named) for objection, named in attacked),
        distinct=_distinct([claim.text for claim in objections]),
        settled=len(settled & thesis.keys()),
    )


def _quotes(objection: Claim, claim: Claim) -> bool:
    """Whether an objection repeats words of the claim in a row, or the source's words that the claim rests on."""
    rests_on = {normalise(citation.quote) for citation in claim.citations}
    if any(normalise(citation.quote) in rests_on for citation in objection.citations):
        return True
    own, other = _runs(claim.text), _runs(objection.text)
    return bool(own & other)


def _runs(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    return {said[i : i + QUOTED_WORDS] for i in range(len(said) - QUOTED_WORDS + 1)}


def _distinct(texts: Sequence[str]) -> int:
    kept: list[set[str]] = []
    for text in texts:
        said = set(content_words(text))
        if all(len(said & other) < SAME * len(said | other) for other in kept):
            kept.append(said)
    return len(kept)


def _told(reason: Reason) -> str:
    return " ".join(part for part in (reason.code, reason.persona, reason.kind) if part)
