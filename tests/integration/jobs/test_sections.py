"""A parallel job whose synthesis is in sections, on a real worker with a model: what each sees, what fails is named."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.contracts import Result
from orchestrator.contracts.events import LeaseLost, PlanReady, StepEnd, StepRecovered
from orchestrator.store import JobRef, keys
from tests.integration.conftest import question
from tests.integration.jobs.conftest import House, why
from tests.model_server import (
    POSITIONS,
    Line,
    ModelServer,
    Reply,
    refuses,
    says,
    stall,
    through,
    written,
)
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

SIDES = ("thesis", "antithesis_standalone")
TWO = ("section:1", "section:2")
NOTHING: list[Line] = [{"kind": "summary", "text": "Nothing speaks against it."}, {"kind": "done"}]


def answered(house: House, **fields: object) -> Result:
    return house.answer(mode="parallel", **{"sections": 2, **fields})


def stand_open(result: Result) -> set[str]:
    """Claims that stand in the answer as nobody settled them."""
    return {name for c in result.claims if c.id.startswith("s10") for name in c.about}


def test_sections_settle_their_shares_side_by_side_and_a_merge_concludes(
    house: House, model: ModelServer
) -> None:
    gate = model.gate()
    model.script("section", through(gate), through(gate))
    ref = house.client.submit(question(mode="parallel", sections=2)).ref
    wait_for("both sections under way", lambda: len(model.of("section")) == 2)
    gate.open()
    result = house.client.wait(ref)

    assert (result.status, result.reasons, result.notes) == ("complete", (), ())
    assert [o.step for o in result.outputs] == [*SIDES, *TWO, "synthesis"]
    assert [c.id for c in result.claims] == ["s11", "s12", "s21", "s22"]
    assert result.plan is not None
    assert result.plan.sections == 2
    (planned,) = (e for e in house.events(result) if isinstance(e, PlanReady))
    assert planned.sections == 2
    ended = Counter(e.step for e in house.events(result) if isinstance(e, StepEnd))
    assert ended == Counter(["plan", *SIDES, *TWO, "synthesis"])
    assert {t.step for t in result.timings.steps if t.critical} >= {"plan", "synthesis"}

    first, second = sorted(model.of("section"), key=lambda asked: asked.mine)
    assert {*first.mine, *second.mine} == {"t1", "t2", "a1", "a2"}
    assert not {*first.mine} & {*second.mine}
    assert first.argued == second.argued == ["t1", "t2", "a1", "a2"], "each sees the whole argument"
    (merge,) = model.of("merge")
    assert "not settled by any of the points: none." in merge.prompt
    assert {asked.case for asked in model.asked} == {merge.case}
    settled = {name for c in result.claims for name in c.about}
    assert settled == {"t1", "t2", "a1", "a2"}
    assert result.eval.evidence_ok, result.eval.findings


def test_a_clean_job_is_joined_by_its_chord_alone(house: House) -> None:
    of_others = set(house.client.redis.scan_iter("celery-taskset-meta-*"))
    result = answered(house, sections=4)
    assert result.status == "complete", result.reasons
    fields = house.client.redis.hgetall(JobRef(result.tenant, result.task_id).job)
    assert "loose" not in fields
    assert "sent:synthesis" not in fields  # nobody but the chord sent it
    assert fields["joined"] in SIDES
    assert {o.attempt for o in result.outputs} == {1}
    assert not any(isinstance(e, StepRecovered) for e in house.events(result))
    assert set(house.client.redis.scan_iter("celery-taskset-meta-*")) <= of_others


@pytest.mark.parametrize(
    ("form", "replies", "reasons", "note"),
    [
        (
            "section",
            [refuses(400)],
            [("section_lost", "synthesis", "provider"), ("unresolved", None, None)],
            None,
        ),
        ("section", [refuses(400), refuses(400)], [], "undivided"),
        ("merge", [refuses(400)], [("persona_cut", "synthesis", "provider")], None),
        ("antithesis_standalone", [refuses(400)], [("persona_lost", "antithesis", "provider")], None),
        ("thesis", [refuses(400)], [("persona_lost", "thesis", "provider")], None),
    ],
)
def test_what_fails_costs_its_part_and_is_named(
    house: House,
    model: ModelServer,
    form: str,
    replies: list[Reply],
    reasons: list[tuple[str, str | None, str | None]],
    note: str | None,
) -> None:
    model.script(form, *replies)
    result = answered(house)
    assert why(result) == reasons
    assert result.status == ("degraded" if reasons else "complete")
    assert [n.code for n in result.notes] == ([note] if note else [])
    settled = {name for c in result.claims for name in c.about}
    made = {c.id for o in result.outputs if o.persona != "synthesis" and o.status == "ok" for c in o.claims}
    assert settled == made, "no claim is lost, and none invented"
    assert bool(stand_open(result)) == ("unresolved" in {r.code for r in result.reasons})
    written_whole = {asked.form for asked in model.asked} >= {"synthesis"}
    assert written_whole == (note == "undivided")


def test_a_merge_that_is_due_goes_ahead_with_the_sections_that_are_there(
    house: House, model: ModelServer
) -> None:
    """One section hangs; the merge goes ahead at half of the deadline."""
    # A worker that was started a moment ago does not sweep yet.
    wait_for("a sweep", lambda: house.client.redis.exists(keys.SWEEP_LOCK), 20)
    model.script("section", stall)
    result = answered(house, deadline_s=10.0)
    assert why(result) == [("section_lost", "synthesis", "deadline"), ("unresolved", None, None)]
    assert result.status == "degraded"
    assert 5_000 <= result.timings.total_ms < 10_000
    stalled = next(asked for asked in model.of("section") if asked.request.hung_up.wait(10))
    assert stand_open(result) == {*stalled.mine}
    assert POSITIONS[0] in result.answer


def test_too_little_to_divide_is_written_in_one_piece(house: House, model: ModelServer) -> None:
    model.script("antithesis_standalone", says(written(NOTHING)))
    model.script("thesis", lambda asked: asked.stream(written([asked.argument()[0], *asked.argument()[2:]])))
    result = answered(house, sections=3)
    assert result.status == "complete", result.reasons
    assert [n.code for n in result.notes] == ["undivided"]
    assert "section" not in {asked.form for asked in model.asked}
    assert len([o for o in result.outputs if o.step.startswith("section:")]) == 3


def test_a_section_that_does_not_follow_the_contract_is_asked_again(house: House, model: ModelServer) -> None:
    model.script("section", says("I think that both have a point."))
    result = answered(house)
    assert result.status == "complete", result.reasons
    assert len(model.of("section")) == 3


def test_a_cancelled_job_cuts_its_sections(house: House, model: ModelServer) -> None:
    model.script("section", stall, stall)
    ref = house.client.submit(question(mode="parallel", sections=2)).ref
    wait_for("both sections under way", lambda: len(model.of("section")) == 2)
    house.client.cancel(ref, who="a test")
    assert [asked.request.hung_up.wait(10) for asked in model.of("section")] == [True, True]
    result = house.client.wait(ref)
    assert (result.status, why(result)) == ("failed", [("cancelled", None, None)])
    wait_for(
        "what they cost", lambda: {e.step for e in house.events(result) if isinstance(e, LeaseLost)} == {*TWO}
    )
