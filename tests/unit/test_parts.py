"""A job's parts as three personas, and what a merge makes of them: nothing lost, nothing invented."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchestrator.contracts import (
    Claim,
    ClaimKind,
    Complexity,
    EvalReport,
    Failure,
    Finding,
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


def lost_or_invented(outputs: dict[str, PersonaOutput], merge: Merge) -> list[Finding]:
    """What the gate finds missing once the merge is the synthesis."""
    done = {**outputs, "synthesis": said("synthesis", *merged(outputs, merge))}
    report = judge("a", (), personas(done), evidence_required=False)
    return [finding for finding in report.findings if finding.level == 3]


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
    assert lost_or_invented(done, merge) == [], why


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


def result(*outputs: PersonaOutput, sections: int = 1):
    plan = Plan(
        task_id="a",
        complexity=Complexity(score=1, source="observed"),
        mode="parallel" if sections > 1 else "pipelined",
        sections=sections,
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


BLIND = said("antithesis_standalone", claim("a1"), claim("a2"))
ONE, TWO = (
    said("section:1", claim("s11", "t1", "a1")),
    said("section:2", claim("s21", "t2"), claim("s22", "a2")),
)


@pytest.mark.parametrize(
    ("outputs", "merge", "expected", "why"),
    [
        (
            (THESIS, BLIND, ONE, TWO),
            Merge(),
            [
                ("s11", "resolution", ("t1", "a1")),
                ("s21", "resolution", ("t2",)),
                ("s22", "resolution", ("a2",)),
            ],
            "sections stand as they were written",
        ),
        (
            (THESIS, BLIND, TWO),
            Merge(),
            [
                ("s21", "resolution", ("t2",)),
                ("s22", "resolution", ("a2",)),
                ("s101", "open", ("t1",)),
                ("s102", "open", ("a1",)),
            ],
            "what a lost section had to settle stands open, each claim for itself",
        ),
        (
            (THESIS, BLIND, ONE, said("section:2", failed=True)),
            Merge(own=[claim("s1", "t2")], covers=[("s11", ["a2"])]),
            [("s11", "resolution", ("t1", "a1", "a2")), ("s1", "resolution", ("t2",))],
            "or the merge settles it",
        ),
        (
            (THESIS, BLIND),
            Merge(),
            [(f"s10{n}", "open", (name,)) for n, name in enumerate(("t1", "t2", "a1", "a2"), start=1)],
            "nothing was settled in time",
        ),
        (
            (said("thesis", failed=True), BLIND, said("section:1", claim("s11", "a1"))),
            Merge(),
            [("s11", "resolution", ("a1",)), ("s101", "open", ("a2",))],
            "a persona was lost too",
        ),
    ],
)
def test_a_merge_of_sections_loses_no_claim_and_invents_none(
    outputs: tuple[PersonaOutput, ...],
    merge: Merge,
    expected: list[tuple[str, str, Sequence[str]]],
    why: str,
) -> None:
    done = job(*outputs)
    assert points(done, merge) == expected, why
    missing = [f for f in lost_or_invented(done, merge) if f.reason != "persona_failed"]
    assert missing == [], why


FAILED_TWO = said("section:2", failed=True)
IN_ONE_PIECE = said("synthesis", claim("s1", "t1", "a1"), claim("s101", "t2", "a2"))


@pytest.mark.parametrize(
    ("outputs", "status", "reasons", "notes"),
    [
        ((THESIS, BLIND, ONE, TWO), "complete", [], []),
        (
            (THESIS, BLIND, ONE, FAILED_TWO),
            "degraded",
            [("section_lost", "overloaded", "section:2: no"), ("unresolved", None, "t2, a2")],
            [],
        ),
        (
            (THESIS, BLIND, TWO),
            "degraded",
            [
                ("section_lost", "deadline", "section:1: it was not done when the argument was merged"),
                ("unresolved", None, "t1, a1"),
            ],
            [],
        ),
        (
            (
                THESIS,
                BLIND,
                ONE,
                FAILED_TWO,
                said("synthesis", claim("s11", "t1", "a1"), claim("s1", "t2", "a2")),
            ),
            "degraded",
            [("section_lost", "overloaded", "section:2: no")],
            [],
        ),
        ((THESIS, BLIND, said("section:1"), said("section:2"), IN_ONE_PIECE), "complete", [], ["undivided"]),
        (
            (THESIS, BLIND, said("section:1", failed=True), FAILED_TWO, IN_ONE_PIECE),
            "complete",
            [],
            ["undivided"],
        ),
        (
            (THESIS, BLIND, ONE, TWO, said("synthesis", failed=True)),
            "degraded",
            [("synthesis_lost", "overloaded", "no")],
            [],
        ),
    ],
)
def test_a_section_that_is_missing_is_named(
    outputs: tuple[PersonaOutput, ...],
    status: str,
    reasons: list[tuple[str, str | None, str]],
    notes: list[str],
) -> None:
    made = result(*outputs, sections=2)
    assert made.status == status
    assert [(r.code, r.kind, r.detail) for r in made.reasons] == reasons
    assert [n.code for n in made.notes] == notes


def test_sections_are_told_before_what_is_merged_of_them() -> None:
    steps = ("synthesis", "section:2", "antithesis_standalone", "section:1", "thesis")
    told = [output.step for output in in_order(job(*map(said, steps)))]
    assert told == ["thesis", "antithesis_standalone", "section:1", "section:2", "synthesis"]
