"""A pipelined job on a real worker with a model: what starts when, what each part sees, what becomes of what fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.contracts import Result
from orchestrator.contracts.events import ClaimClosed, LeaseLost, StepEnd, StepRecovered
from orchestrator.store import JobRef, keys
from orchestrator.timeline import timeline
from tests.integration.conftest import question
from tests.integration.jobs.conftest import House, why
from tests.integration.llm.wire import Step
from tests.model_server import (
    OBJECTIONS,
    POSITIONS,
    Asked,
    Line,
    ModelServer,
    Reply,
    cut,
    refuses,
    says,
    stall,
    through,
    written,
)
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

PARTS = ["rebuttal:1", "rebuttal:2", "resolution:1", "resolution:2"]
SUMMARY: Line = {"kind": "summary", "text": "So it is."}
DONE: Line = {"kind": "done"}


def thesis(*lines: Line) -> Reply:
    """A thesis of these lines, each cited."""

    def reply(asked: Asked) -> Sequence[Step]:
        cited = [{"citations": [asked.cite(line["text"])], **line} for line in lines]
        return asked.stream(written([*cited, SUMMARY, DONE]))

    return reply


def position(number: int, **more: object) -> Line:
    return {"kind": "position", "id": f"t{number}", "text": POSITIONS[number - 1], **more}


def record(house: House, result: Result) -> Any:
    return house.client.redis.hgetall(JobRef(result.tenant, result.task_id).job)


def test_a_claim_is_argued_with_while_the_thesis_is_being_written(house: House, model: ModelServer) -> None:
    gate = model.gate()
    model.script("thesis", through(gate))
    ref = house.client.submit(question(mode="pipelined")).ref
    wait_for("the first claim's resolution", lambda: "resolution:1" in house.client.store.load(ref).outputs)
    assert "thesis" not in house.client.store.load(ref).outputs
    gate.open()
    result = house.client.wait(ref)

    assert result.status == "complete", result.reasons
    assert result.mode == "pipelined"
    assert [o.step for o in result.outputs] == ["thesis", "critic", *PARTS, "synthesis"]
    assert [c.id for c in result.claims] == ["s11", "s21", "s101", "s102"]
    ended = [e.step for e in house.events(result) if isinstance(e, StepEnd)]
    assert sorted(s for s in ended if s) == sorted(["plan", "thesis", "critic", *PARTS, "synthesis"])
    claims = [e.claim_id for e in house.events(result) if isinstance(e, ClaimClosed)]
    assert claims == ["t1", "t2"]


def test_a_clean_job_is_joined_by_its_chord_alone(house: House) -> None:
    of_others = set(house.client.redis.scan_iter("celery-taskset-meta-*"))  # jobs that were cancelled, say
    result = house.answer(mode="pipelined")
    assert result.status == "complete", result.reasons
    fields = record(house, result)
    assert "loose" not in fields
    assert "sent:synthesis" not in fields  # nobody but the chord sent it
    assert {o.attempt for o in result.outputs} == {1}
    assert not any(isinstance(e, StepRecovered) for e in house.events(result))
    assert set(house.client.redis.scan_iter("celery-taskset-meta-*")) <= of_others


def test_each_part_sees_its_claim_what_it_rests_on_and_nothing_else(house: House, model: ModelServer) -> None:
    model.script("thesis", thesis(position(1), position(2, depends_on=["t1"])))
    house.answer(mode="pipelined")
    first, second = sorted(model.of("rebuttal"), key=lambda asked: len(asked.argued))
    assert (first.argued, second.argued) == (["t1"], ["t1", "t2"])
    settled = sorted(asked.argued for asked in model.of("resolution"))
    assert settled == [["t1", "a11"], ["t1", "t2", "a21"]]
    (merge,) = model.of("merge")
    assert merge.argued == ["t1", "t2", "a11", "a21", "a1", "a2"]
    assert "not settled by any of the points: a1, a2." in merge.prompt
    limits = {asked.form: asked.request.body.get("max_tokens") for asked in model.asked}
    whole = limits["thesis"]
    assert limits["antithesis_standalone"] == round(0.6 * whole)
    assert limits["merge"] < limits["rebuttal"] < whole


def test_a_thesis_of_one_claim_is_settled_in_sequence(house: House, model: ModelServer) -> None:
    gate = model.gate()
    model.script("rebuttal", through(gate))
    model.script("thesis", thesis(position(1)))
    ref = house.client.submit(question(mode="pipelined")).ref
    wait_for("the thesis", lambda: "thesis" in house.client.store.load(ref).outputs)
    gate.open()
    result = house.client.wait(ref)
    assert result.status == "complete", result.reasons
    assert [note.code for note in result.notes] == ["one_claim"]
    assert {asked.form for asked in model.asked} == {
        "thesis", "antithesis_standalone", "rebuttal", "synthesis",
    }  # fmt: skip
    assert "loose" not in record(house, result)


def test_a_late_critic_is_left_out_named_and_cut(house: House, model: ModelServer) -> None:
    model.script("antithesis_standalone", stall)
    result = house.answer(mode="pipelined")
    assert result.status == "complete", result.reasons
    assert [note.code for note in result.notes] == ["critic_late"]
    assert [c.id for c in result.claims] == ["s11", "s21"]
    (critic,) = model.of("antithesis_standalone")
    assert critic.request.hung_up.wait(10), "its call goes on although nobody wants it"
    wait_for("what it cost", lambda: any(isinstance(e, LeaseLost) for e in house.events(result)))
    assert result.timings.total_ms < 30_000, "it was left out before the merge was due"
    drawn = {row.step: row.status for row in timeline(house.events(result)).rows}
    assert drawn.pop("critic") == "late"
    assert set(drawn.values()) == {"ok"}


@pytest.mark.parametrize(
    ("form", "replies", "reasons", "open_claims"),
    [
        ("rebuttal", [refuses(400)], [("rebuttal_lost", "antithesis", "provider")], set()),
        ("resolution", [refuses(400)], [("unresolved", None, None)], {"s19", "s29"}),
        ("merge", [refuses(400)], [("persona_cut", "synthesis", "provider")], set()),
        ("antithesis_standalone", [refuses(400)], [], set()),
    ],
)
def test_a_part_that_fails_costs_its_part_and_is_named(
    house: House,
    model: ModelServer,
    form: str,
    replies: list[Reply],
    reasons: list[tuple[str, str | None, str | None]],
    open_claims: set[str],
) -> None:
    model.script(form, *replies)
    result = house.answer(mode="pipelined")
    assert why(result) == reasons
    assert result.status == ("degraded" if reasons else "complete")
    left = {c.id for c in result.claims if c.kind == "open"} & {"s19", "s29"}
    assert len(left) == bool(open_claims)
    assert left <= open_claims
    settled = {name for c in result.claims for name in c.about}
    made = {c.id for o in result.outputs if o.persona != "synthesis" and o.status == "ok" for c in o.claims}
    assert settled == made
    if form == "antithesis_standalone":
        assert [note.code for note in result.notes] == ["critic_lost"]


def test_a_job_whose_merge_is_due_names_what_was_not_settled(house: House, model: ModelServer) -> None:
    """One resolution hangs; the merge goes ahead at half of the deadline."""
    model.script("resolution", stall)
    result = house.answer(mode="pipelined", deadline_s=10.0)
    assert result.status == "degraded"
    (reason,) = result.reasons
    assert (reason.code, reason.detail in ("t1", "t2")) == ("unresolved", True)
    assert 5_000 <= result.timings.total_ms < 10_000
    (left,) = (c for c in result.claims if c.id in ("s19", "s29"))
    assert left.kind == "open"
    assert left.text in POSITIONS
    stalled = next(asked for asked in model.of("resolution") if asked.request.hung_up.wait(10))
    assert stalled.argued[0] in left.about


def test_without_a_thesis_the_critic_is_the_antithesis(house: House, model: ModelServer) -> None:
    gate = model.gate()
    model.script("antithesis_standalone", through(gate))
    model.script("thesis", refuses(400))
    ref = house.client.submit(question(mode="pipelined")).ref
    wait_for("the lost thesis", lambda: "thesis" in house.client.store.load(ref).outputs)
    gate.open()
    result = house.client.wait(ref)
    assert (result.status, why(result)) == ("degraded", [("persona_lost", "thesis", "provider")])
    assert {name for c in result.claims for name in c.about} == {"a1", "a2"}
    assert "rebuttal" not in {asked.form for asked in model.asked}


def test_a_thesis_that_breaks_off_goes_on_from_its_last_claim(house: House, model: ModelServer) -> None:
    """Its stream ends after the first claim; a second call is given that claim as written."""
    model.script("thesis", cut, thesis({"kind": "position", "id": "t1", "text": POSITIONS[1]}))
    result = house.answer(mode="pipelined")
    assert result.status == "complete", result.reasons
    first, second = model.of("thesis")
    assert POSITIONS[0] not in first.prompt.partition("# Your role")[2]
    assert f'"text": "{POSITIONS[0]}"' in second.prompt.partition("# Your claims so far")[2]
    assert "numbered upwards from t2, at most 5" in second.prompt
    said = next(o for o in result.outputs if o.step == "thesis")
    assert [(c.id, c.text) for c in said.claims] == [("t1", POSITIONS[0]), ("t2", POSITIONS[1])]
    assert said.usage.calls == 2
    assert len(model.of("rebuttal")) == 2


def test_a_thesis_that_breaks_off_for_good_is_argued_as_far_as_it_went(
    house: House, model: ModelServer
) -> None:
    model.script("thesis", cut, refuses(400))
    result = house.answer(mode="pipelined")
    assert why(result) == [("persona_cut", "thesis", "provider")]
    assert result.status == "degraded"
    assert [c.id for o in result.outputs if o.step == "thesis" for c in o.claims] == ["t1"]


def test_more_claims_than_the_deployment_allows_are_left_out(house: House, model: ModelServer) -> None:
    lines = [{"kind": "position", "id": f"t{n}", "text": POSITIONS[n % 2]} for n in range(1, 9)]
    model.script("thesis", thesis(*lines))
    result = house.answer(mode="pipelined")
    assert [o.step for o in result.outputs].count("rebuttal:6") == 1
    assert "rebuttal:7" not in [o.step for o in result.outputs]


def test_a_rebuttal_that_finds_nothing_is_one(house: House, model: ModelServer) -> None:
    silent = says(written([{"kind": "summary", "text": "Nothing speaks against it."}, DONE]))
    model.script("rebuttal", silent, silent)
    result = house.answer(mode="pipelined")
    assert result.status == "complete", result.reasons
    assert all("found nothing in the evidence" in asked.prompt for asked in model.of("resolution"))


def test_the_answer_shows_claims_rebuttals_and_resolutions(house: House) -> None:
    answer = house.answer(mode="pipelined").answer
    for text in (POSITIONS[0], *OBJECTIONS):
        assert text in answer


def test_the_job_leaves_no_key_without_an_end(house: House) -> None:
    result = house.answer(mode="pipelined")
    redis = house.client.redis
    ref = JobRef(result.tenant, result.task_id)
    wait_for("the last acknowledgement", lambda: redis.hlen("unacked") == 0)
    endless = [key for key in redis.scan_iter("celery-*") if redis.ttl(key) < 0]
    assert endless == []
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter(f"{ref.job}*"))
    assert redis.zscore(keys.ACTIVE, str(ref)) is None
