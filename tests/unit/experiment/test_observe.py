"""From a result to a trial: what the argument was worth, and whether the run was whole."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.contracts import (
    Citation,
    Claim,
    EvalReport,
    Passage,
    PersonaOutput,
    Provenance,
    Reason,
    Result,
)
from orchestrator.experiment import fingerprint_of, trial_of
from orchestrator.experiment.observe import debate_of
from tests.unit.experiment.runs import REFERENCE

PASSAGES = (Passage(id="p1", source="memo", text="The queue costs 840 EUR a month."),)


def claim(name: str, text: str, *about: str, kind: Any = "objection", quote: str = "") -> Claim:
    citations = (Citation(passage_id="p1", quote=quote),) if quote else ()
    return Claim(id=name, text=text, about=about, kind=kind, citations=citations)


def output(persona: Any, *claims: Claim, status: Any = "ok") -> PersonaOutput:
    return PersonaOutput(task_id="job", persona=persona, step=persona, claims=claims, status=status)


def result(*outputs: PersonaOutput, status: Any = "complete", reasons: Any = (), ok: bool = True) -> Result:
    return Result(
        task_id="job", status=status, reasons=tuple(Reason(code=code) for code in reasons), goal="Why?",
        language="en", answer="Because.", outputs=outputs, eval=EvalReport(task_id="job", evidence_ok=ok),
        provenance=Provenance(triptych="0", llm_used=False),
    )  # fmt: skip


THESIS = output(
    "thesis",
    claim(
        "t1", "The queue costs 840 EUR in every month of the year.", kind="position", quote="costs 840 EUR"
    ),
    claim("t2", "Duplicates have not been seen.", kind="position"),
)


@pytest.mark.parametrize(
    ("objections", "naming", "quoting", "distinct"),
    [
        ([claim("a1", "That is beside the point.")], 0, 0, 1),
        ([claim("a1", "That is beside the point.", "t1")], 1, 0, 1),
        ([claim("a1", "That the queue costs 840 EUR in a month leaves out on-call pay.", "t1")], 1, 1, 1),
        ([claim("a1", "It will cost more.", "t1", quote="costs  840 EUR")], 1, 1, 1),
        # words of a claim that it does not name
        ([claim("a1", "That the queue costs 840 EUR in a month is wrong.", "t2")], 1, 0, 1),
        ([claim("a1", "It will cost far more.", "t9")], 0, 0, 1),
        ([claim("a1", "On-call pay is left out."), claim("a2", "The on-call pay was left out.")], 0, 0, 1),
        ([claim("a1", "On-call pay is left out."), claim("a2", "Nobody tested twelve shops.")], 0, 0, 2),
    ],
)
def test_objections_are_counted_by_what_they_attack(objections, naming, quoting, distinct):
    found = debate_of(result(THESIS, output("antithesis", *objections)))
    assert (found.naming, found.quoting, found.distinct) == (naming, quoting, distinct)
    assert (found.positions, found.objections) == (2, len(objections))


def test_a_claim_is_settled_where_the_synthesis_takes_it_up_and_does_not_leave_it_open():
    synthesis = output(
        "synthesis",
        claim("s1", "So it is.", "t1", "a1", kind="resolution"),
        claim("s2", "Who knows?", "t2", kind="open"),
    )
    assert debate_of(result(THESIS, synthesis)).settled == 1


def test_a_lost_persona_has_said_nothing():
    lost = output("antithesis", claim("a1", "No."), status="failed")
    assert debate_of(result(THESIS, lost)).objections == 0


@pytest.mark.parametrize(
    ("status", "reasons", "ok", "whole", "holds"),
    [
        ("complete", (), True, True, True),
        ("degraded", ("evidence_failed",), False, True, False),
        ("degraded", ("persona_lost",), True, False, True),
        ("degraded", ("fallback_model",), True, False, True),
        ("failed", ("no_evidence",), True, False, False),
    ],
)
def test_a_run_that_lost_something_is_not_whole_and_a_failed_one_passes_nothing(
    status, reasons, ok, whole, holds
):
    found = trial_of(
        "g1", REFERENCE, result(status=status, reasons=reasons, ok=ok), PASSAGES, fingerprint="e"
    )
    assert (found.whole, found.evidence_ok, found.reasons) == (whole, holds, reasons)
    assert (found.evidence_language, found.arm) == ("en", "sequential")


def test_evidence_is_the_same_only_in_the_same_order_and_words():
    other = Passage(id="p2", source="memo", text="Yes.")
    reworded = PASSAGES[0].model_copy(update={"text": "No."})
    sets = [(), PASSAGES, (*PASSAGES, other), (other, *PASSAGES), (reworded,)]
    assert len({fingerprint_of(passages) for passages in sets}) == 5
