"""Parts of a pipelined job as three personas, and what a merge makes of them: nothing lost, nothing invented."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchestrator.contracts import (
    Claim,
    ClaimKind,
    Complexity,
    EvalReport,
    Failure,
    JobTimings,
    PersonaOutput,
    Plan,
    TaskSpec,
)
from orchestrator.evidence import judge
from orchestrator.outcome import assemble
from orchestrator.parts import Merge, antithesis_of, in_order, merged, personas, unresolved
from orchestrator.routing.flow import name_of, persona_of

FAILED = Failure(kind="overloaded", message="no")
KINDS: dict[str, ClaimKind] = {"t": "position", "a": "objection", "s": "resolution"}


def claim(name: str, *about: str) -> Claim:
    return Claim(id=name, text=f"{name} holds.", about=about, kind=KINDS[name[0]])


def said(step: str, *claims: Claim, failed: bool = False) -> PersonaOutput:
    return PersonaOutput(
        task_id="a",
        persona=persona_of(step),
        step=step,
        status="failed" if failed else "ok",
        failure=FAILED if failed else None,
        summary=f"{step} concludes." if name_of(step) in ("thesis", "critic", "synthesis") else "",
        claims=claims,
    )


def job(*outputs: PersonaOutput) -> dict[str, PersonaOutput]:
    return {output.step: output for output in outputs}


THESIS = said("thesis", claim("t1"), claim("t2"))
CRITIC = said("critic", claim("a1"))
FIRST = said("rebuttal:1", claim("a11", "t1"))
SECOND = said("rebuttal:2", claim("a21", "t2"), claim("a22", "t2"))
SETTLED = (
    said("resolution:1", claim("s11", "t1", "a11")),
    said("resolution:2", claim("s21", "t2", "a21", "a22")),
)


def points(
    outputs: dict[str, PersonaOutput], merge: Merge | None = None
) -> list[tuple[str, str, Sequence[str]]]:
    return [(c.id, c.kind, c.about) for c in merged(outputs, merge or Merge())]


@pytest.mark.parametrize(
    ("outputs", "merge", "expected", "why"),
    [
        (
            (THESIS, FIRST, SECOND, *SETTLED),
            Merge(),
            [("s11", "resolution", ("t1", "a11")), ("s21", "resolution", ("t2", "a21", "a22"))],
            "resolutions stand as they were written",
        ),
        (
            (THESIS, CRITIC, FIRST, SECOND, *SETTLED),
            Merge(),
            [
                ("s11", "resolution", ("t1", "a11")),
                ("s21", "resolution", ("t2", "a21", "a22")),
                ("s101", "open", ("a1",)),
            ],
            "what the critic raised and nobody settled stays open",
        ),
        (
            (THESIS, CRITIC, FIRST, SECOND, *SETTLED),
            Merge(covers=[("s21", ["a1", "a9"]), ("s99", ["t1"])]),
            [("s11", "resolution", ("t1", "a11")), ("s21", "resolution", ("t2", "a21", "a22", "a1"))],
            "a resolution may settle it as well; unknown ids are nobody's",
        ),
        (
            (THESIS, CRITIC, FIRST, SECOND, *SETTLED),
            Merge(own=[claim("s1", "a1", "a7"), claim("s2", "a7")]),
            [
                ("s11", "resolution", ("t1", "a11")),
                ("s21", "resolution", ("t2", "a21", "a22")),
                ("s1", "resolution", ("a1",)),
            ],
            "a point of its own is about claims that were made",
        ),
        (
            (THESIS, FIRST, SECOND, SETTLED[0]),
            Merge(),
            [("s11", "resolution", ("t1", "a11")), ("s29", "open", ("t2", "a21", "a22"))],
            "an unresolved claim stays open with all that was raised against it",
        ),
        (
            (THESIS, FIRST, SECOND, SETTLED[0], said("resolution:2", claim("s21", "t2", "a21"))),
            Merge(),
            [
                ("s11", "resolution", ("t1", "a11")),
                ("s21", "resolution", ("t2", "a21")),
                ("s28", "open", ("a22",)),
            ],
            "an objection that its resolution forgot stays open",
        ),
        (
            (
                THESIS,
                said("rebuttal:1", failed=True),
                SECOND,
                said("resolution:1", claim("s11", "t1")),
                SETTLED[1],
            ),
            Merge(),
            [("s11", "resolution", ("t1",)), ("s21", "resolution", ("t2", "a21", "a22"))],
            "a claim may be settled without its rebuttal",
        ),
    ],
)
def test_a_merge_loses_no_claim_and_invents_none(
    outputs: tuple[PersonaOutput, ...],
    merge: Merge,
    expected: list[tuple[str, str, Sequence[str]]],
    why: str,
) -> None:
    done = job(*outputs)
    assert points(done, merge) == expected, why
    done["synthesis"] = said("synthesis", *merged(done, merge))
    report = judge("a", (), personas(done), evidence_required=False)
    assert [f.detail for f in report.findings if f.level == 3] == [], why


def test_the_parts_are_one_antithesis() -> None:
    whole = antithesis_of(job(THESIS, CRITIC, said("rebuttal:1", failed=True), SECOND))
    assert whole is not None
    assert (whole.status, whole.step, whole.summary) == ("ok", "antithesis", "critic concludes.")
    assert [c.id for c in whole.claims] == ["a21", "a22", "a1"]


def test_where_all_its_parts_were_lost_the_antithesis_was() -> None:
    lost = antithesis_of(job(THESIS, said("critic", failed=True), said("rebuttal:1", failed=True)))
    assert lost is not None
    assert lost.status == "failed"
    assert antithesis_of(job(THESIS)) is None


def test_a_story_is_told_persona_by_persona_claim_by_claim() -> None:
    steps = ("synthesis", "resolution:2", "rebuttal:10", "rebuttal:2", "critic", "thesis", "resolution:1")
    told = [output.step for output in in_order(job(*map(said, steps)))]
    assert told == [
        "thesis", "critic", "rebuttal:2", "rebuttal:10", "resolution:1", "resolution:2", "synthesis",
    ]  # fmt: skip


def result(*outputs: PersonaOutput):
    plan = Plan(
        task_id="a",
        complexity=Complexity(score=1, source="observed"),
        mode="pipelined",
        mode_reason="asked for",
        language="en",
    )
    done = job(*outputs)
    if "synthesis" not in done:
        done["synthesis"] = said("synthesis", *merged(done, Merge()))
    return assemble(
        TaskSpec(task_id="a", goal="Why?", evidence_required=False),
        plan,
        done,
        (),
        evaluation=EvalReport(task_id="a", evidence_ok=True),
        timings=JobTimings(),
    )


WHOLE = said("synthesis", claim("s1", "t1", "a11", "a1"))
CUT = THESIS.model_copy(update={"failure": FAILED})


@pytest.mark.parametrize(
    ("outputs", "status", "reasons", "notes"),
    [
        ((THESIS, CRITIC, FIRST, SECOND, *SETTLED), "complete", [], []),
        ((THESIS, FIRST, SECOND, *SETTLED), "complete", [], ["critic_late"]),
        ((THESIS, said("critic", failed=True), FIRST, SECOND, *SETTLED), "complete", [], ["critic_lost"]),
        ((said("thesis", claim("t1")), CRITIC, FIRST, WHOLE), "complete", [], ["one_claim"]),
        (
            (THESIS, CRITIC, said("rebuttal:1", failed=True), SECOND, *SETTLED),
            "degraded",
            ["rebuttal_lost"],
            [],
        ),
        ((THESIS, CRITIC, FIRST, SECOND, SETTLED[0]), "degraded", ["unresolved"], []),
        ((CUT, CRITIC, FIRST, SECOND, *SETTLED), "degraded", ["persona_cut"], []),
        ((said("thesis", failed=True), CRITIC, WHOLE), "degraded", ["persona_lost"], []),
        (
            (said("thesis", failed=True), said("critic", failed=True), said("synthesis", failed=True)),
            "failed",
            ["all_personas_lost", "persona_lost", "persona_lost"],
            [],
        ),
    ],
)
def test_what_is_wrong_is_named_and_what_is_not_is_a_note(
    outputs: tuple[PersonaOutput, ...], status: str, reasons: list[str], notes: list[str]
) -> None:
    made = result(*outputs)
    assert (made.status, [r.code for r in made.reasons], [n.code for n in made.notes]) == (
        status,
        reasons,
        notes,
    )


def test_an_unresolved_claim_is_named_with_what_became_of_its_resolution() -> None:
    made = result(THESIS, CRITIC, FIRST, SECOND, SETTLED[0], said("resolution:2", failed=True))
    (reason,) = made.reasons
    assert (reason.code, reason.detail) == ("unresolved", "t2 (overloaded)")
    assert unresolved(job(*made.outputs)) == ("t2",)
