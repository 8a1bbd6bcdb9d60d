"""What each persona does with small evidence: one rule at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.contracts import Passage, Persona, PersonaOutput
from tests.unit.extractive.briefs import (
    RETRIEVE,
    asked,
    brief,
    claims,
    debate,
    lines,
    passages,
    position,
    said,
)
from workers.brief import Form, Section
from workers.llm.extractive import answer

GOAL = "Should the depot replace the diesel vans with electric vans?"
FOR = "We recommend electric vans for the depot, because electric vans are reliable."
OTHER = "The depot stores parcels in two halls near the harbour."


def outcome(persona: Persona, form: Form, *found: object) -> PersonaOutput:
    return PersonaOutput.model_validate(
        {"task_id": "job", "persona": persona, "step": form, "claims": tuple(found)}
    )


def antithesis_on(evidence: tuple[Passage, ...]) -> str:
    thesis = outcome("thesis", "thesis", position("t1", FOR, evidence[0]))
    return answer(replace(brief("antithesis", GOAL, evidence), thesis=thesis))


def settle(first: str, second: str, evidence: tuple[Passage, ...]) -> str:
    """The synthesis of a claim from p1 and an objection to it from p2."""
    return answer(
        replace(
            brief("synthesis", GOAL, evidence),
            thesis=outcome("thesis", "thesis", position("t1", first, evidence[0])),
            antithesis=outcome(
                "antithesis", "antithesis", position("a1", second, evidence[1], "objection", ("t1",))
            ),
        )
    )


def test_a_section_settles_its_own_claims_as_the_whole_synthesis_would() -> None:
    evidence = passages(("a.md", FOR), ("b.md", f"The electric vans are not reliable. {OTHER}"))
    told = replace(
        brief("section", GOAL, evidence),
        thesis=outcome(
            "thesis", "thesis", position("t1", FOR, evidence[0]), position("t2", OTHER, evidence[1])
        ),
        antithesis=outcome(
            "antithesis",
            "antithesis_standalone",
            position("a1", "The electric vans are not reliable.", evidence[1], "objection"),
        ),
    )
    whole = {(c.text, tuple(c.about)) for c in claims(answer(replace(told, form="synthesis")))}
    parts = [
        claims(answer(replace(told, section=Section(number, mine))))
        for number, mine in enumerate([("t1", "a1"), ("t2",)], start=1)
    ]
    assert [{name for c in part for name in c.about} for part in parts] == [{"t1", "a1"}, {"t2"}]
    assert {(c.text, tuple(c.about)) for part in parts for c in part} == whole


def test_the_thesis_takes_the_side_of_what_is_proposed() -> None:
    evidence = passages(("a.md", f"The depot finds electric vans expensive and slow. {FOR}"))
    assert claims(answer(brief("thesis", GOAL, evidence)))[0].text == FOR


def test_documents_that_argue_against_are_not_quoted_for_it() -> None:
    evidence = passages(
        (
            "a.md",
            "Electric vans fail in the cold at the depot. Electric vans are expensive for the depot to insure.",
        ),
        ("b.md", "The risk of fire makes electric vans dangerous at the depot."),
    )
    (summary,) = said(answer(brief("thesis", GOAL, evidence)), "summary")
    assert summary.startswith("The documents speak against it.")


def test_the_thesis_does_not_say_one_thing_twice() -> None:
    again = "The depot should buy reliable electric vans, because electric vans are reliable, we recommend."
    evidence = passages(
        ("a.md", FOR), ("b.md", again), ("c.md", "Diesel vans fail often at the depot in winter.")
    )
    chosen = said(answer(brief("thesis", GOAL, evidence)), "position")
    assert any("Diesel vans fail" in text for text in chosen[:2])


@pytest.mark.parametrize(
    "limit",
    [
        "However, the electric vans reach only half of the depot's customers.",
        "Electric vans are not reliable for the depot.",
        "Electric vans cost the depot much more to insure.",
    ],
    ids=["limit", "denial", "cost"],
)
def test_the_antithesis_attacks_the_claim_by_its_id(limit: str) -> None:
    found = claims(antithesis_on(passages(("a.md", FOR), ("b.md", f"{OTHER} {limit}"))))
    assert found[0].about == ("t1",)
    assert found[0].citations[0].quote == limit


def test_what_the_thesis_leaves_out_is_raised_without_attacking_a_claim() -> None:
    goal, gap = (
        "Which vans and which chargers should the depot buy?",
        "The chargers stand in the second hall.",
    )
    evidence = passages(("a.md", FOR), ("b.md", gap))
    thesis = outcome("thesis", "thesis", position("t1", FOR, evidence[0]))
    (found,) = claims(answer(replace(brief("antithesis", goal, evidence), thesis=thesis)))
    assert (found.text, found.about) == (gap, ())


def test_standing_alone_the_antithesis_opposes_without_naming_claims() -> None:
    evidence = passages(
        ("a.md", FOR), ("b.md", "However, electric vans at the depot reach only half of the customers.")
    )
    found = claims(answer(brief("antithesis_standalone", GOAL, evidence)))
    assert [c.text for c in found] == ["Electric vans at the depot reach only half of the customers."]
    assert found[0].about == ()


def test_with_too_little_opposition_the_antithesis_asks_once_for_more() -> None:
    evidence = passages(("a.md", FOR))
    first = replace(brief("antithesis_standalone", GOAL, evidence), tools=RETRIEVE, tool_rounds_left=1)
    (call,) = asked(answer(first))
    assert call.name == "retrieve"
    assert {"electric", "vans", "however"} <= set(str(call.input["query"]).split())
    more = passages(("b.md", "However, electric vans at the depot reach only half of the customers."))
    brought = more[0].model_copy(update={"id": "p9"})
    second = answer(replace(first, new_passages=(brought,)))
    assert not asked(second)
    assert claims(second)[0].citations[0].passage == "p9"


@pytest.mark.parametrize(("rounds", "tools"), [(0, RETRIEVE), (1, ())], ids=["no rounds left", "no tool"])
def test_without_a_tool_it_says_that_nothing_opposes(rounds: int, tools: tuple[tuple[str, str], ...]) -> None:
    base = brief("antithesis_standalone", GOAL, passages(("a.md", FOR)))
    text = answer(replace(base, tools=tools, tool_rounds_left=rounds))
    assert not asked(text)
    assert not claims(text)
    assert said(text, "summary") == ["The documents hold nothing that limits or contradicts this position."]


RANGE = "The electric vans drive {} kilometres on one charge at the depot."


@pytest.mark.parametrize(
    ("first", "second", "sources", "kept", "why"),
    [
        (RANGE.format(300), RANGE.format(200), ("plan 2024-01.md", "test 2025-03.md"), 200, "more recent"),
        (RANGE.format(300), RANGE.format(200), ("plan 2025-03.md", "test 2024-01.md"), 300, "more recent"),
        (
            "We expect that the electric vans drive 300 kilometres on one charge at the depot.",
            RANGE.format(200),
            ("a.md", "b.md"),
            200,
            "states it as a fact",
        ),
        (RANGE.format(300), RANGE.format(200), ("a.md", "b.md"), None, "neither is better founded"),
    ],
    ids=["newer objection", "newer thesis", "fact over estimate", "no criterion"],
)
def test_figures_that_disagree_are_resolved_by_a_stated_criterion_or_stay_open(
    first: str, second: str, sources: tuple[str, str], kept: int | None, why: str
) -> None:
    text = settle(first, second, passages((sources[0], first), (sources[1], second)))
    (point,) = claims(text)
    assert point.about == ("t1", "a1")
    assert why in said(text, "rationale")[0]
    if kept is None:
        assert point.kind == "open"
        assert ("300" in point.text, "200" in point.text) == (True, True)
        assert said(text, "action")
    else:
        assert (point.kind, point.text) == ("resolution", first if kept == 300 else second)


def test_more_documents_decide_where_nothing_else_does() -> None:
    third = "At the depot the electric vans drive 200 kilometres on one charge."
    evidence = passages(("a.md", RANGE.format(300)), ("b.md", RANGE.format(200)), ("c.md", third))
    text = settle(RANGE.format(300), RANGE.format(200), evidence)
    assert [(c.kind, c.text) for c in claims(text)] == [("resolution", RANGE.format(200))]
    assert "more documents agree with b.md" in said(text, "rationale")[0]


def test_a_claim_and_its_limit_both_stand() -> None:
    limit = "Electric vans reach only half of the depot's customers."
    (point,) = claims(settle(FOR, limit, passages(("a.md", FOR), ("b.md", limit))))
    assert (point.kind, point.about) == ("resolution", ("t1", "a1"))
    assert point.text == f"{FOR} But: {limit}"
    assert {c.quote for c in point.citations} == {FOR, limit}


def test_an_objection_that_two_parts_raised_is_said_once_and_settled_twice() -> None:
    """Of a pipelined job: the rebuttal and the critic found the same sentence."""
    limit = "Electric vans reach only half of the depot's customers."
    evidence = passages(("a.md", FOR), ("b.md", limit))
    twice = [position(name, limit, evidence[1], "objection", ("t1",)) for name in ("a11", "a1")]
    (point,) = claims(
        answer(
            replace(
                brief("synthesis", GOAL, evidence),
                thesis=outcome("thesis", "thesis", position("t1", FOR, evidence[0])),
                antithesis=outcome("antithesis", "antithesis", *twice),
            )
        )
    )
    assert (point.text, point.about) == (f"{FOR} But: {limit}", ("t1", "a11", "a1"))


def test_an_objection_to_two_claims_leaves_neither_uncontested() -> None:
    second, limit = (
        "Electric vans are quiet at the depot.",
        "Electric vans reach only half of the depot's customers.",
    )
    evidence = passages(("a.md", f"{FOR} {second}"), ("b.md", limit))
    text = answer(
        replace(
            brief("synthesis", GOAL, evidence),
            thesis=outcome(
                "thesis", "thesis", position("t1", FOR, evidence[0]), position("t2", second, evidence[0])
            ),
            antithesis=outcome(
                "antithesis", "antithesis", position("a1", limit, evidence[1], "objection", ("t1", "t2"))
            ),
        )
    )
    assert [c.kind for c in claims(text)] == ["resolution", "resolution"]


def test_with_the_thesis_lost_the_objections_stay_open_and_the_loss_is_said() -> None:
    evidence = passages(("a.md", FOR))
    kept = outcome("antithesis", "antithesis", position("a1", FOR, evidence[0], "objection"))
    text = answer(replace(brief("synthesis", GOAL, evidence), antithesis=kept))
    assert [(c.kind, c.about) for c in claims(text)] == [("open", ("a1",))]
    assert said(text, "summary")[0].startswith("The thesis was lost")


def test_with_the_antithesis_lost_the_position_stays_open_and_the_loss_is_said() -> None:
    evidence = passages(("a.md", FOR))
    kept = outcome("thesis", "thesis", position("t1", FOR, evidence[0]))
    text = answer(replace(brief("synthesis", GOAL, evidence), thesis=kept))
    assert [(c.kind, c.about) for c in claims(text)] == [("open", ("t1",))]
    assert said(text, "summary")[0].startswith("The antithesis was lost")


def test_with_both_lost_nothing_is_claimed() -> None:
    text = answer(brief("synthesis", GOAL, passages(("a.md", FOR))))
    assert not claims(text)
    assert lines(text)[-1].kind == "done"


def test_a_long_thesis_of_another_model_still_fits_into_one_answer() -> None:
    many = [f"Electric van number {n} is reliable at the depot of the town." for n in range(40)]
    evidence = passages(("a.md", " ".join(many)))
    thesis = outcome(
        "thesis", "thesis", *(position(f"t{n}", text, evidence[0]) for n, text in enumerate(many))
    )
    against = outcome(
        "antithesis",
        "antithesis",
        *(position(f"a{n}", text, evidence[0], "objection", ("t0",)) for n, text in enumerate(many)),
    )
    text = answer(replace(brief("synthesis", GOAL, evidence), thesis=thesis, antithesis=against))
    points = claims(text)
    assert len(points) <= 40
    assert {a for p in points for a in p.about} == {f"{side}{n}" for side in "ta" for n in range(40)}
    assert all(len(p.text) <= 2_000 and len(p.citations) <= 12 for p in points)


def test_a_debate_without_any_contrast_still_ends_in_a_conclusion() -> None:
    _, _, synthesis = debate(GOAL, passages(("a.md", FOR), ("b.md", OTHER)))
    assert FOR in said(synthesis, "summary")[0]


def test_where_nothing_opposes_it_raises_the_nearest_thing_left_out() -> None:
    plain = "The depot parks every van in the yard behind the second hall."
    (found,) = claims(antithesis_on(passages(("a.md", FOR), ("b.md", plain))))
    assert (found.text, found.about) == (plain, ())
