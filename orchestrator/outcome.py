"""From step outputs to the one ``Result``: a pure function, so that two workers that finish a job agree on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator import __version__
from orchestrator.answer import compose
from orchestrator.contracts import (
    Claim,
    EvalReport,
    Failure,
    JobTimings,
    Note,
    Passage,
    PersonaOutput,
    Plan,
    Provenance,
    Reason,
    Result,
    TaskSpec,
    Usage,
)
from orchestrator.contracts.result import JobStatus, ReasonCode
from orchestrator.evidence import judge
from orchestrator.evidence.repairing import needs_repair, repair_outputs, with_repair
from orchestrator.evidence.sources import Sources
from orchestrator.language import detect_language
from orchestrator.parts import antithesis_of, in_order, numbered, personas, resolved, unresolved
from orchestrator.routing.flow import (
    CRITIC,
    FEWEST_CLAIMS,
    REBUTTAL,
    RESOLUTION,
    SECTION,
    SINGLE,
    SYNTHESIS,
    THESIS,
    sections,
)

EXTRACTIVE = "extractive"
_FATAL: frozenset[ReasonCode] = frozenset(
    {"no_evidence", "all_personas_lost", "plan_failed", "partial_refused", "cancelled", "internal"}
)
_PARTIAL: frozenset[ReasonCode] = frozenset(
    {
        "persona_lost",
        "persona_cut",
        "rebuttal_lost",
        "section_lost",
        "unresolved",
        "synthesis_lost",
        "deadline",
    }
)


def delivered(outputs: Mapping[str, PersonaOutput]) -> tuple[PersonaOutput, ...]:
    """What a result may be made of: the synthesis if there is one, else what the personas said."""
    synthesis = outputs.get(SYNTHESIS)
    if synthesis is not None and synthesis.status == "ok":
        return (synthesis,)
    return tuple(
        o for o in (outputs.get(THESIS), antithesis_of(outputs)) if o is not None and o.status == "ok"
    )


def reasons_for(
    spec: TaskSpec,
    plan: Plan | None,
    outputs: Mapping[str, PersonaOutput],
    evaluation: EvalReport,
    cause: Reason | None,
) -> tuple[JobStatus, tuple[Reason, ...]]:
    """Status and reasons. ``cause`` is what ended the job before its time (deadline, cancel, no evidence).

    In the mode ``single`` the synthesis is the only persona; in the others thesis and antithesis count as personas.
    """
    reasons = [cause] if cause else []
    alone = plan is not None and plan.mode == SINGLE
    synthesis = outputs.get(SYNTHESIS)
    sides = (synthesis,) if alone else (outputs.get(THESIS), antithesis_of(outputs))
    alive = [o for o in sides if o is not None and o.status == "ok"]
    reasons += [_lost("persona_lost", o) for o in sides if o is not None and o.status != "ok"]
    spoke = sides if alone else (*sides, synthesis)
    reasons += [_lost("persona_cut", o) for o in spoke if o and o.status == "ok" and o.failure]
    rebuttals = numbered(outputs, REBUTTAL).values()
    if any(o.status == "ok" for o in rebuttals):
        reasons += [_lost("rebuttal_lost", o) for o in rebuttals if o.status != "ok"]
    reasons += _sections_lost(plan, outputs)
    if left := unresolved(outputs, sections=plan.sections if plan else 1):
        reasons.append(Reason(code="unresolved", detail=_nobody_settled(left, outputs)))
    # Any other cause says by itself why there is no more than this.
    unexplained = cause is None or cause.code == "deadline"
    if unexplained and not alive:
        reasons.insert(0, Reason(code="all_personas_lost"))
    elif unexplained and synthesis is None:
        reasons.append(Reason(code="synthesis_lost", persona=SYNTHESIS))
    elif unexplained and synthesis is not None and synthesis.status != "ok":
        reasons.append(_lost("synthesis_lost", synthesis))
    elif cause is None and spec.evidence_required and _evidence_failed(evaluation, lost=bool(reasons)):
        reasons.append(Reason(code="evidence_failed", detail="; ".join(evaluation.risks)[:1_000]))
    if spec.on_partial == "fail" and any(reason.code in _PARTIAL for reason in reasons):
        reasons.append(Reason(code="partial_refused", detail="the caller asked for on_partial=fail"))
    if any(reason.code in _FATAL for reason in reasons):
        return "failed", tuple(reasons)
    answered = (o for o in in_order(outputs) if o.status == "ok")
    reasons += [_answered_by_another(o) for o in answered if any(not f.equal for f in o.fallbacks)]
    return ("degraded" if reasons else "complete"), tuple(reasons)


def notes_for(plan: Plan | None, outputs: Mapping[str, PersonaOutput]) -> tuple[Note, ...]:
    """What is worth knowing of how a result was made, though it takes nothing from it."""
    thesis, synthesis, critic = (outputs.get(step) for step in (THESIS, SYNTHESIS, CRITIC))
    if plan is not None and plan.mode == SINGLE and synthesis is not None and synthesis.status == "ok":
        return (Note(code="one_call", detail="one call wrote the answer; nobody opposed it"),)
    if plan is not None and synthesis is not None and _undivided(plan, outputs):
        failed = any(output.status != "ok" for output in numbered(outputs, SECTION).values())
        why = "every section failed" if failed else "there was too little to divide"
        return (Note(code="undivided", detail=f"the synthesis was written in one piece: {why}"),)
    if plan is None or plan.mode != "pipelined" or synthesis is None or not (thesis and thesis.claims):
        return ()
    notes = []
    if critic is None:
        notes.append(Note(code="critic_late", detail="every claim was settled before the critic had ended"))
    elif critic.status != "ok":
        notes.append(Note(code="critic_lost", detail=critic.failure.message if critic.failure else ""))
    if len(thesis.claims) < FEWEST_CLAIMS and not numbered(outputs, RESOLUTION):
        notes.append(Note(code="one_claim", detail="a thesis of one claim was settled as in sequence"))
    return tuple(notes)


def _undivided(plan: Plan, outputs: Mapping[str, PersonaOutput]) -> bool:
    """Whether a synthesis that was to be in sections was written whole: none had settled anything."""
    return plan.sections > 1 and not resolved(outputs) and not unresolved(outputs, sections=plan.sections)


def _sections_lost(plan: Plan | None, outputs: Mapping[str, PersonaOutput]) -> list[Reason]:
    """The sections that a merge had to do without; a synthesis that was written whole lacks none."""
    synthesis = outputs.get(SYNTHESIS)
    if plan is None or synthesis is None or synthesis.status != "ok" or _undivided(plan, outputs):
        return []
    late = Failure(kind="deadline", message="it was not done when the argument was merged")
    lost = {step: outputs[step].failure if step in outputs else late for step in sections(plan.sections)}
    return [
        Reason(code="section_lost", persona=SYNTHESIS, kind=why.kind, detail=f"{step}: {why.message}"[:1_000])
        for step, why in lost.items()
        if why is not None
    ]


def _nobody_settled(left: Sequence[str], outputs: Mapping[str, PersonaOutput]) -> str:
    failures = {f"t{n}": o.failure for n, o in numbered(outputs, RESOLUTION).items()}
    return ", ".join(f"{name} ({why.kind})" if (why := failures.get(name)) else name for name in left)


def _evidence_failed(evaluation: EvalReport, *, lost: bool) -> bool:
    """The gate fails a job that lost a persona; that is named already, unless citations or claims failed too."""
    if evaluation.evidence_ok:
        return False
    return not lost or any(finding.judged and finding.level <= 2 for finding in evaluation.findings)


def judge_and_repair(
    spec: TaskSpec, outputs: Mapping[str, PersonaOutput], passages: Sequence[Passage]
) -> tuple[EvalReport, Mapping[str, PersonaOutput]]:
    """Have the gate judge ``outputs`` (of all steps), repair what failed once, and judge again.

    Returns the final report and the outputs it is about: the same ones, or ones whose citations were repaired.
    """
    sources = Sources(passages)
    required = spec.evidence_required
    before = judge(spec.task_id, sources, personas(outputs), evidence_required=required)
    if not needs_repair(before):
        return before, outputs
    repaired, repairs = repair_outputs(outputs, sources, evidence_required=required)
    after = (
        judge(spec.task_id, sources, personas(repaired), evidence_required=required) if repairs else before
    )
    return with_repair(before, after, repairs), repaired


def assemble(
    spec: TaskSpec,
    plan: Plan | None,
    outputs: Mapping[str, PersonaOutput],
    passages: Sequence[Passage],
    *,
    evaluation: EvalReport,
    timings: JobTimings,
    cause: Reason | None = None,
) -> Result:
    """The job's result. Nothing that failed is called complete, and nothing lost goes unnamed."""
    status, reasons = reasons_for(spec, plan, outputs, evaluation, cause)
    ordered = in_order(outputs)
    shown = delivered(outputs) if status != "failed" else ()
    # The answer shows what each resolution settles, so it sees both sides beside the synthesis.
    said: dict[str, PersonaOutput | None] = dict.fromkeys(("thesis", "antithesis", "synthesis"))
    if shown:
        said |= {o.persona: o for o in personas(outputs) if o.status == "ok"}
    claims = tuple(claim for output in shown for claim in output.claims)
    language = plan.language if plan else spec.language or detect_language(spec.goal)
    # An endpoint that refused every call made nothing of this result.
    made_by = [o for o in ordered if o.model and (o.status == "ok" or o.usage.calls)]
    models = sorted({f"{o.provider}:{o.model}" for o in made_by})
    llm_used = any(o.provider != EXTRACTIVE for o in made_by)
    cited = _cited([o for o in said.values() if o], passages)
    return Result(
        task_id=spec.task_id,
        tenant=spec.tenant,
        status=status,
        reasons=reasons,
        notes=notes_for(plan, outputs),
        goal=spec.goal,
        language=language,
        answer=compose(
            synthesis=said["synthesis"],
            thesis=said["thesis"],
            antithesis=said["antithesis"],
            reasons=reasons,
            language=language,
            llm_used=llm_used or not any(o.provider == EXTRACTIVE for o in ordered),
            passages=cited,
            unsupported=_unsupported(claims, evaluation, reasons),
        ),
        claims=claims,
        passages=cited,
        mode=plan.mode if plan else None,
        mode_reason=plan.mode_reason if plan else "",
        plan=plan,
        outputs=ordered,
        eval=evaluation,
        usage=sum((o.usage for o in ordered), plan.usage if plan else Usage()),
        timings=timings,
        provenance=Provenance(
            triptych=__version__,
            llm_used=llm_used,
            models=tuple(models),
            fallbacks=tuple(dict.fromkeys(fallback for o in ordered for fallback in o.fallbacks)),
            prompt_hashes={o.step: o.prompt_hash for o in ordered if o.prompt_hash},
        ),
    )


def _unsupported(
    claims: Sequence[Claim], evaluation: EvalReport, reasons: Sequence[Reason]
) -> tuple[tuple[str, str], ...]:
    """Text of each delivered claim that its quotes do not support, and what it lacks first."""
    if all(reason.code != "evidence_failed" for reason in reasons):
        return ()
    lacks: dict[str | None, str] = {}
    for finding in evaluation.findings:
        if finding.judged and finding.level <= 2:
            lacks.setdefault(finding.claim_id, finding.detail)
    return tuple((claim.text, lacks[claim.id]) for claim in claims if claim.id in lacks)


def _cited(outputs: Sequence[PersonaOutput], passages: Sequence[Passage]) -> tuple[Passage, ...]:
    cited = {c.passage_id for output in outputs for c in output.citations}
    cited |= {c.passage_id for output in outputs for claim in output.claims for c in claim.citations}
    return tuple(p for p in passages if p.id in cited)


def _answered_by_another(output: PersonaOutput) -> Reason:
    """A persona that answered, if not, or not only, with the model that was meant to."""
    told = "; ".join(f"{f.used} instead of {f.model} ({f.kind})" for f in output.fallbacks if not f.equal)
    first = next(f for f in output.fallbacks if not f.equal)
    return Reason(code="fallback_model", persona=output.persona, kind=first.kind, detail=told[:1_000])


def _lost(code: ReasonCode, output: PersonaOutput) -> Reason:
    failure = output.failure
    return Reason(
        code=code,
        persona=output.persona,
        kind=failure.kind if failure else None,
        detail=failure.message if failure else "",
    )
