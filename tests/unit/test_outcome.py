"""What a result is called, as a table: nothing that failed is complete, and every loss has a name."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.contracts import (
    Citation,
    Claim,
    Complexity,
    EvalReport,
    Failure,
    Fallback,
    Finding,
    JobTimings,
    Passage,
    PersonaOutput,
    Plan,
    Reason,
    TaskSpec,
    Usage,
)
from orchestrator.outcome import assemble

PASSAGE = Passage(id="p1", source="a.md", text="The sky is blue.")
CITED = (Citation(passage_id="p1", quote="The sky is blue."),)


def output(step: str, status: str = "ok", kind: str = "overloaded") -> PersonaOutput:
    persona = step.partition("_")[0]
    claim = Claim(id=f"{persona[0]}1", text="The sky is blue.", citations=CITED)
    return PersonaOutput.model_validate(
        {
            "task_id": "a",
            "persona": persona,
            "step": step,
            "status": status,
            "failure": Failure(kind=kind, message="the endpoint said no") if status != "ok" else None,  # type: ignore[arg-type]  # pydantic checks the literal
            "claims": (claim,) if status == "ok" else (),
            "summary": "Yes." if status == "ok" else "",
            "usage": Usage(input_tokens=10, output_tokens=1, calls=1),
            "provider": "openai",
            "model": "m",
        }
    )


def result_of(
    *outputs: PersonaOutput,
    evidence_ok: bool = True,
    cause: Reason | None = None,
    mode: Any = "parallel",
    **spec: Any,
):
    findings = () if evidence_ok else (Finding(level=1, reason="not_verbatim", claim_id="s1"),)
    return assemble(
        TaskSpec(task_id="a", goal="Is the sky blue?", **spec),
        Plan(
            task_id="a",
            complexity=Complexity(score=1, source="observed"),
            mode=mode,
            mode_reason="asked",
            language="en",
        ),
        {o.step: o for o in outputs},
        (PASSAGE, Passage(id="p2", source="b.md", text="Nobody cites this.")),
        evaluation=EvalReport(task_id="a", evidence_ok=evidence_ok, findings=findings),
        timings=JobTimings(),
        cause=cause,
    )


THESIS, ANTITHESIS, SYNTHESIS = output("thesis"), output("antithesis_standalone"), output("synthesis")
NO_THESIS = output("thesis", "failed")
NO_ANTITHESIS = output("antithesis_standalone", "timeout", "deadline")
NO_SYNTHESIS = output("synthesis", "failed", "unparseable")
LATE = Reason(code="deadline")


def by_another(answered: PersonaOutput, *, equal: bool = False) -> PersonaOutput:
    fallback = Fallback(model="openai:m", kind="overloaded", used="openai:small", equal=equal)
    return answered.model_copy(update={"model": "small", "fallbacks": (fallback,)})


@pytest.mark.parametrize(
    ("outputs", "given", "status", "codes"),
    [
        ((THESIS, ANTITHESIS, SYNTHESIS), {}, "complete", []),
        ((NO_THESIS, ANTITHESIS, SYNTHESIS), {}, "degraded", ["persona_lost"]),
        ((THESIS, NO_ANTITHESIS, SYNTHESIS), {}, "degraded", ["persona_lost"]),
        ((THESIS, ANTITHESIS, NO_SYNTHESIS), {}, "degraded", ["synthesis_lost"]),
        ((THESIS, NO_ANTITHESIS, NO_SYNTHESIS), {}, "degraded", ["persona_lost", "synthesis_lost"]),
        ((NO_THESIS, NO_ANTITHESIS), {}, "failed", ["all_personas_lost", "persona_lost", "persona_lost"]),
        ((THESIS, ANTITHESIS, SYNTHESIS), {"evidence_ok": False}, "degraded", ["evidence_failed"]),
        ((THESIS, ANTITHESIS, SYNTHESIS), {"evidence_ok": False, "evidence_required": False}, "complete", []),
        (
            (NO_THESIS, ANTITHESIS, SYNTHESIS),
            {"on_partial": "fail"},
            "failed",
            ["persona_lost", "partial_refused"],
        ),
        (
            (THESIS, ANTITHESIS, NO_SYNTHESIS),
            {"on_partial": "fail"},
            "failed",
            ["synthesis_lost", "partial_refused"],
        ),
        ((THESIS, ANTITHESIS, SYNTHESIS), {"on_partial": "fail"}, "complete", []),
        ((), {"cause": Reason(code="no_evidence")}, "failed", ["no_evidence"]),
        ((), {"cause": Reason(code="plan_failed")}, "failed", ["plan_failed"]),
        ((), {"cause": LATE}, "failed", ["all_personas_lost", "deadline"]),
        ((THESIS, ANTITHESIS), {"cause": LATE}, "degraded", ["deadline", "synthesis_lost"]),
        ((THESIS,), {"cause": Reason(code="cancelled")}, "failed", ["cancelled"]),
        ((by_another(THESIS), ANTITHESIS, SYNTHESIS), {}, "degraded", ["fallback_model"]),
        ((THESIS, by_another(ANTITHESIS), by_another(SYNTHESIS)), {}, "degraded", ["fallback_model"] * 2),
        ((by_another(THESIS, equal=True), ANTITHESIS, SYNTHESIS), {}, "complete", []),
        ((NO_THESIS, by_another(ANTITHESIS), SYNTHESIS), {}, "degraded", ["persona_lost", "fallback_model"]),
        # The caller asked for no partial result, and this is none.
        ((by_another(THESIS), ANTITHESIS, SYNTHESIS), {"on_partial": "fail"}, "degraded", ["fallback_model"]),
        (
            (by_another(THESIS), ANTITHESIS, SYNTHESIS),
            {"evidence_ok": False},
            "degraded",
            ["evidence_failed", "fallback_model"],
        ),
        ((by_another(THESIS),), {"cause": Reason(code="cancelled")}, "failed", ["cancelled"]),
        # A fallback that failed too is a lost persona, told once.
        ((by_another(NO_THESIS), ANTITHESIS, SYNTHESIS), {}, "degraded", ["persona_lost"]),
        # A single call has nobody to miss; without it there is nothing.
        ((SYNTHESIS,), {"mode": "single"}, "complete", []),
        ((SYNTHESIS,), {}, "failed", ["all_personas_lost"]),
        ((SYNTHESIS,), {"mode": "single", "on_partial": "fail"}, "complete", []),
        ((SYNTHESIS,), {"mode": "single", "evidence_ok": False}, "degraded", ["evidence_failed"]),
        ((by_another(SYNTHESIS),), {"mode": "single"}, "degraded", ["fallback_model"]),
        ((NO_SYNTHESIS,), {"mode": "single"}, "failed", ["all_personas_lost", "persona_lost"]),
        ((), {"mode": "single", "cause": LATE}, "failed", ["all_personas_lost", "deadline"]),
    ],
)
def test_status_and_reasons(
    outputs: tuple[PersonaOutput, ...], given: dict[str, Any], status: str, codes: list[str]
) -> None:
    result = result_of(*outputs, **given)
    assert (result.status, [r.code for r in result.reasons]) == (status, codes)


def test_a_lost_persona_is_named_with_its_cause() -> None:
    reason = result_of(NO_THESIS, ANTITHESIS, SYNTHESIS).reasons[0]
    assert (reason.persona, reason.kind, reason.detail) == ("thesis", "overloaded", "the endpoint said no")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_fallback_is_named_above_the_answer_and_in_the_provenance(language: str) -> None:
    result = result_of(by_another(THESIS), by_another(ANTITHESIS, equal=True), SYNTHESIS, language=language)
    (reason,) = result.reasons
    assert (reason.persona, reason.kind) == ("thesis", "overloaded")
    assert reason.detail == "openai:small instead of openai:m (overloaded)"
    assert reason.detail in result.answer.partition("\n\n")[0]
    assert [f.equal for f in result.provenance.fallbacks] == [False, True]
    assert result.provenance.models == ("openai:m", "openai:small")


def test_a_lost_persona_is_not_blamed_on_the_evidence_unless_citations_failed_too() -> None:
    """The gate fails a job that lost a persona; one reason for one loss."""
    only_lost = assemble(
        TaskSpec(task_id="a", goal="?"),
        None,
        {o.step: o for o in (NO_THESIS, ANTITHESIS, SYNTHESIS)},
        (),
        evaluation=EvalReport(task_id="a", findings=(Finding(level=3, reason="persona_failed"),)),
        timings=JobTimings(),
    )
    assert [r.code for r in only_lost.reasons] == ["persona_lost"]
    both = result_of(NO_THESIS, ANTITHESIS, SYNTHESIS, evidence_ok=False)
    assert [r.code for r in both.reasons] == ["persona_lost", "evidence_failed"]


def test_a_single_call_says_that_it_was_one_and_what_it_rests_on() -> None:
    claims = (SYNTHESIS.claims[0].model_copy(update={"kind": "position"}),)
    result = result_of(SYNTHESIS.model_copy(update={"claims": claims}), mode="single")
    assert (result.mode, [note.code for note in result.notes]) == ("single", ["one_call"])
    assert result.claims == claims
    assert "## What it rests on\n\n- The sky is blue. [1]" in result.answer
    assert "side" not in result.answer
    assert result_of(NO_SYNTHESIS, mode="single").notes == ()


def test_what_stayed_unsupported_is_told_above_the_answer() -> None:
    told = "> - “The sky is blue.”"
    above = result_of(THESIS, ANTITHESIS, SYNTHESIS, evidence_ok=False).answer.partition("\n\n")[0]
    assert told in above
    assert told not in result_of(THESIS, ANTITHESIS, SYNTHESIS).answer


@pytest.mark.parametrize(
    ("finding", "required", "told"),
    [
        (Finding(level=2, reason="not_covered", claim_id="s1"), True, True),
        (Finding(level=2, reason="other_language", claim_id="s1", judged=False), True, False),
        (
            Finding(level=3, reason="claim_invented", claim_id="s1"),
            True,
            False,
        ),  # its quotes may well hold it
        (Finding(level=2, reason="not_covered", claim_id="t1"), True, False),  # is not delivered
        (Finding(level=2, reason="not_covered", claim_id="s1"), False, False),  # the job did not ask
    ],
)
def test_only_delivered_claims_that_their_quotes_fail_are_told(
    finding: Finding, required: bool, told: bool
) -> None:
    result = assemble(
        TaskSpec(task_id="a", goal="?", evidence_required=required),
        None,
        {o.step: o for o in (THESIS, ANTITHESIS, SYNTHESIS)},
        (),
        evaluation=EvalReport(task_id="a", findings=(finding,)),
        timings=JobTimings(),
    )
    assert ("> - “The sky is blue.”" in result.answer) == told


def test_without_a_synthesis_both_sides_are_delivered() -> None:
    result = result_of(THESIS, ANTITHESIS, NO_SYNTHESIS)
    assert [c.id for c in result.claims] == ["t1", "a1"]


def test_a_failed_job_delivers_no_claim() -> None:
    result = result_of(NO_THESIS, NO_ANTITHESIS)
    assert result.claims == ()
    assert [o.step for o in result.outputs] == ["thesis", "antithesis_standalone"]


def test_every_cited_passage_comes_along_and_no_other() -> None:
    assert [p.id for p in result_of(THESIS, ANTITHESIS, SYNTHESIS).passages] == ["p1"]


def test_what_it_cost_and_who_answered_is_told() -> None:
    result = result_of(THESIS, ANTITHESIS, SYNTHESIS)
    assert result.usage == Usage(input_tokens=30, output_tokens=3, calls=3)
    assert result.provenance.models == ("openai:m",)
    assert result.provenance.llm_used


def test_an_endpoint_that_refused_every_call_made_nothing_of_the_result() -> None:
    refused = NO_THESIS.model_copy(update={"usage": Usage(), "model": "other"})
    result = result_of(refused, ANTITHESIS, SYNTHESIS)
    assert result.provenance.models == ("openai:m",)
    nobody = result_of(refused, NO_ANTITHESIS.model_copy(update={"usage": Usage()}))
    assert (nobody.provenance.models, nobody.provenance.llm_used) == ((), False)
    # The extractive engine did not answer either, so it is not named.
    assert "No language model was used" not in nobody.answer
