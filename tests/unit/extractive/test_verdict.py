"""The conclusion: a verdict only where it is known, both sides elsewhere, and what the caller asked to hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.contracts import Passage
from orchestrator.evidence.gate import judge
from tests.unit.extractive.briefs import brief, claims, debate, output, passages, said
from workers.llm.extractive import answer

GOAL = "Should we migrate the stored procedures to dbt?"
PROPOSAL = (
    "proposal.md",
    (
        "We should move the 214 nightly stored procedures to dbt, starting with the finance mart. Every stored "
        "procedure is deployed by hand, and eleven of our nineteen incidents came from one that was edited.\n\n"
        "We estimate 40 engineer-weeks for the migration. dbt Core is free; we do not need dbt Cloud."
    ),
)
OBJECTION = (
    "objection.txt",
    (
        "I do not think we should migrate all procedures to dbt.\n\nThe estimate of 40 engineer-weeks is far too low. "
        "My own count is 85 engineer-weeks, because 61 procedures use cursors and SQL that dbt cannot express.\n\n"
        "In our pilot the finance mart took 94 minutes with dbt, against 52 minutes with the stored procedures."
    ),
)
SECURITY = (
    "security.md",
    "Security approves the migration of the stored procedures of the finance mart to dbt.",
)
PILOT = ("pilot.md", "The nightly build took 38 minutes, against 52 minutes for the stored procedures.")


def concluded(*documents: tuple[str, str], goal: str = GOAL, blind: bool = False) -> list[str]:
    """The paragraphs of the conclusion."""
    return said(debate(goal, passages(*documents), blind=blind)[2], "summary")[0].split("\n\n")


@pytest.mark.parametrize("blind", [False, True], ids=["with thesis", "standalone"])
def test_where_documents_disagree_there_is_no_verdict_and_both_sides_are_heard(blind: bool) -> None:
    verdict, supporting, opposing, *_ = concluded(PROPOSAL, OBJECTION, blind=blind)
    assert verdict == "The documents disagree: proposal.md for it, objection.txt against it."
    assert supporting.startswith("For: We should move the 214 nightly stored procedures")
    assert opposing.startswith("Against: I do not think we should migrate all procedures to dbt.")


def test_one_document_is_no_consensus() -> None:
    assert concluded(PROPOSAL)[0] == "Only proposal.md says yes or no outright: it is for it."
    quota = concluded(
        ("b.txt", "We oppose a fixed office quota."), goal="Is a fixed office quota a good idea?"
    )
    assert quota == [
        "Only b.txt says yes or no outright: it is against it.",
        "Against: We oppose a fixed office quota.",
    ]


def test_two_documents_that_say_yes_and_none_that_says_no_are_a_yes() -> None:
    assert concluded(PROPOSAL, SECURITY)[0] in {"Yes.", "Yes, under conditions."}


def test_without_a_yes_or_no_there_is_no_verdict() -> None:
    assert concluded(PILOT)[0] == "No document says yes or no outright."


@pytest.mark.parametrize(
    ("documents", "figures"),
    [
        ((PROPOSAL, OBJECTION), ("40 engineer-weeks", "85 engineer-weeks")),
        ((PROPOSAL, OBJECTION, PILOT), ("94", "38")),
    ],
)
def test_figures_that_two_documents_give_differently_stay_open(
    documents: tuple[tuple[str, str], ...], figures: tuple[str, str]
) -> None:
    _, _, synthesis = debate(GOAL, passages(*documents))
    assert any(all(figure in text for figure in figures) for text in said(synthesis, "open"))
    assert not any(figure in text for text in said(synthesis, "consensus") for figure in figures)


def test_numbered_subjects_are_not_held_against_one_another() -> None:
    teams = [(f"n{n}.txt", f"Team {n} moved {n} procedures to dbt in week {n}.") for n in (1, 10, 21)]
    _, _, synthesis = debate("Should we migrate procedures to dbt?", passages(*teams))
    assert not said(synthesis, "open")
    assert not said(synthesis, "action")


def test_titles_and_sentences_that_hang_on_another_are_no_claims() -> None:
    text = (
        "Note from the CFO on the dbt migration of the stored procedures\n\nWe accept this only if the "
        "stored procedures are moved to dbt one by one. Correcting them recovered 310,000 euros for the dbt move."
    )
    assert not claims(answer(brief("thesis", GOAL, passages(("note.txt", text)))))


def settled_with(constraints: tuple[str, ...], scope: str, *documents: tuple[str, str]) -> list[str]:
    evidence: tuple[Passage, ...] = passages(*documents)
    thesis, antithesis, _ = debate(GOAL, evidence)
    asks = brief("synthesis", GOAL, evidence)
    task = asks.task.model_copy(update={"constraints": constraints, "scope": scope})
    text = answer(
        replace(
            asks,
            task=task,
            thesis=output(thesis, "thesis", "thesis"),
            antithesis=output(antithesis, "antithesis", "antithesis"),
        )
    )
    return said(text, "summary")[0].split("\n\n")


def test_every_constraint_and_the_scope_are_set_against_the_documents() -> None:
    asked = ("no more than 45 engineer-weeks", "data stays in Switzerland")
    *_, weeks, data, scope = settled_with(asked, "finance mart", PROPOSAL, OBJECTION)
    assert weeks.startswith("Constraint “no more than 45 engineer-weeks”:")
    assert "40 engineer-weeks" in weeks
    assert data == "Constraint “data stays in Switzerland”: The documents do not say."
    assert scope.startswith("Scope “finance mart”:")
    assert "finance mart" in scope.partition(":")[2]


def test_the_engine_speaks_the_language_of_the_plan_whatever_the_documents_language() -> None:
    evidence = passages(PROPOSAL, OBJECTION)
    asks = brief("thesis", GOAL, evidence)
    korean = replace(asks, plan=asks.plan.model_copy(update={"language": "ko"}))
    thesis = answer(korean)
    antithesis = answer(replace(korean, form="antithesis_standalone"))
    synthesis = answer(
        replace(
            korean,
            form="synthesis",
            thesis=output(thesis, "thesis", "thesis"),
            antithesis=output(antithesis, "antithesis", "antithesis_standalone"),
        )
    )
    own = " ".join(said(synthesis, "summary") + said(synthesis, "action") + said(synthesis, "rationale"))
    assert "문서의 의견이 갈립니다" in own
    for english in ("For:", "Against:", "But:", "The documents", "Find out", "Check this"):
        assert english not in own
    outputs = (
        output(thesis, "thesis", "thesis"),
        output(antithesis, "antithesis", "antithesis_standalone"),
        output(synthesis, "synthesis", "synthesis"),
    )
    assert judge("job", evidence, outputs, evidence_required=True).evidence_ok
