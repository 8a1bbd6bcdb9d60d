"""One persona's run against a scripted double of the model."""

from __future__ import annotations

import pytest

from orchestrator.contracts import Usage
from orchestrator.errors import JobCancelled, LeaseLost, ModelError, RetryableModelError
from tests.unit.personas.cases import (
    ASKS,
    EXTRA,
    GOOD,
    PASSAGES,
    SUMMARY,
    TASK,
    THESIS,
    Cut,
    ScriptedAnswers,
    brief,
    toolbox,
    written,
)
from tests.unit.personas.cases import claim as claim_line
from workers.brief import PERSONA_OF, Form
from workers.personas.lengths import longest_answer
from workers.personas.persona import Persona
from workers.personas.prompting import prompt_hash


@pytest.mark.parametrize("form", GOOD)
def test_every_form_turns_an_answer_into_its_output(form: Form) -> None:
    model = ScriptedAnswers([GOOD[form]])
    run = Persona(max_output_tokens=900).run(brief(form), toolbox(), model)
    output = run.output
    assert (output.status, output.step, output.task_id) == ("ok", form, "job-1")
    assert output.persona == PERSONA_OF[form]
    assert len(output.claims) == (0 if form == "merge" else 1)
    assert output.summary == ("" if form in ("rebuttal", "resolution", "section") else "So.")
    assert output.usage == Usage(input_tokens=100, output_tokens=10, calls=1)
    assert (output.timings.first_token_ms, output.timings.model_ms) == (7, 50)
    assert (output.provider, output.model, output.prompt_hash) == ("double", "double-1", prompt_hash(form))
    assert model.requests[0].max_output_tokens == longest_answer(brief(form), 900)
    assert model.requests[0].brief == brief(form)


def test_tools_bring_passages_and_a_second_call_answers() -> None:
    model = ScriptedAnswers([ASKS, GOOD["thesis"]])
    told = brief(tools=(("retrieve", "Search."),), tool_rounds_left=1)
    run = Persona().run(told, toolbox(PASSAGES[0], EXTRA), model)
    assert run.output.status == "ok"
    assert run.passages == (EXTRA,), "p1 was there before"
    assert [(use.tool, use.ok, use.passages) for use in run.tool_calls] == [("retrieve", True, 2)]
    assert run.output.usage.calls == 2
    assert (run.output.timings.first_token_ms, run.output.timings.model_ms) == (7, 100)
    first, second = model.requests
    assert second.turns[:1] == first.turns
    assert second.system == first.system
    assert [turn.role for turn in second.turns] == ["user", "assistant", "user"]
    assert EXTRA.text in second.turns[-1].text
    assert PASSAGES[0].text not in second.turns[-1].text
    assert second.brief is not None
    assert second.brief.passages == (*PASSAGES, EXTRA)
    assert second.brief.new_passages == (EXTRA,)
    assert second.brief.tool_rounds_left == 0


def test_a_tool_that_is_not_there_is_an_answer_and_not_an_error() -> None:
    model = ScriptedAnswers(['{"kind": "tool", "name": "shell", "input": {"run": "ls"}}', GOOD["thesis"]])
    run = Persona().run(brief(tool_rounds_left=1), toolbox(EXTRA), model)
    assert run.output.status == "ok"
    assert run.passages == ()
    assert [(use.tool, use.ok) for use in run.tool_calls] == [("unknown", False)]
    assert "not permitted" in model.requests[1].turns[-1].text


def test_who_asks_for_tools_again_is_told_once_that_there_are_none() -> None:
    model = ScriptedAnswers([ASKS, ASKS, GOOD["thesis"]])
    run = Persona().run(brief(tool_rounds_left=1), toolbox(EXTRA), model)
    assert run.output.status == "ok"
    assert len(run.tool_calls) == 1
    assert "no tool can be called any more" in model.requests[2].turns[-1].text


def test_a_tool_line_beside_a_whole_answer_is_ignored_where_no_round_is_left() -> None:
    run = Persona().run(brief(), toolbox(EXTRA), ScriptedAnswers([ASKS + "\n" + GOOD["thesis"]]))
    assert run.output.status == "ok"
    assert run.tool_calls == ()


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("I would rather talk about it.", "no line of kind position"),
        ("", "no line of kind position"),
        ('{"kind": "position", "text": }', "line 1: is not valid JSON"),
        (written({"kind": "objection", "text": "x"}), "line 1: a kind that this answer cannot have"),
        (Cut(GOOD["thesis"].removesuffix('{"kind": "done"}')), "ended before its last line"),
    ],
)
def test_an_unusable_answer_gets_one_repair_that_says_what_was_wrong(first: str | Cut, said: str) -> None:
    model = ScriptedAnswers([first, GOOD["thesis"]])
    run = Persona().run(brief(), toolbox(), model)
    assert run.output.status == "ok"
    assert run.output.usage.calls == 2
    request = model.requests[1]
    assert [turn.role for turn in request.turns] == ["user", "assistant", "user"]
    assert all(turn.text for turn in request.turns)
    assert said in request.turns[-1].text


@pytest.mark.parametrize(
    ("second", "kind"),
    [("prose again", "unparseable"), (Cut('{"kind": "position", "text": "x"}\n'), "truncated")],
)
def test_a_second_unusable_answer_is_a_failure(second: str | Cut, kind: str) -> None:
    run = Persona().run(brief(), toolbox(), ScriptedAnswers(["prose about PLANTED", second]))
    assert run.output.status == "failed"
    assert run.output.claims == ()
    assert run.output.usage.calls == 2
    assert run.output.failure is not None
    assert run.output.failure.kind == kind
    assert "PLANTED" not in run.output.failure.message


def test_a_line_lost_among_good_ones_is_no_reason_to_pay_again() -> None:
    text = "\n".join(['{"kind": "position", "text": }', GOOD["thesis"], ""])
    run = Persona().run(brief(), toolbox(), ScriptedAnswers([text]))
    assert run.output.status == "ok"
    assert [problem.code for problem in run.problems] == ["broken_line"]


@pytest.mark.parametrize(
    ("form", "status"), [("thesis", "failed"), ("antithesis", "ok"), ("antithesis_standalone", "ok")]
)
def test_nothing_to_object_is_an_answer_and_nothing_to_hold_is_none(form: Form, status: str) -> None:
    run = Persona().run(brief(form), toolbox(), ScriptedAnswers([written(SUMMARY)]))
    assert run.output.status == status
    assert run.output.usage.calls == 1
    if status == "failed":
        assert run.output.failure is not None
        assert run.output.failure.kind == "no_evidence"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ModelError("auth", "refused"), "failed", "auth"),
        (ModelError("deadline", "late"), "timeout", "deadline"),
        (RetryableModelError("overloaded", "busy", 3.0), "failed", "overloaded"),
        (RetryableModelError("deadline", "late"), "timeout", "deadline"),
        (ModelError("context_length", "long\x1b[31m " * 900), "failed", "context_length"),
    ],
)
def test_model_errors_become_data(error: Exception, status: str, kind: str) -> None:
    output = Persona().run(brief(), toolbox(), ScriptedAnswers([error])).output
    assert output.status == status
    assert output.failure is not None
    assert output.failure.kind == kind
    assert "\x1b" not in output.failure.message
    assert len(output.failure.message) <= 1_000


def test_a_failed_call_names_whom_it_asked() -> None:
    error = ModelError("auth", "refused")
    error.asked = ("openai", "gpt-x")
    output = Persona().run(brief(), toolbox(), ScriptedAnswers([error])).output
    assert (output.provider, output.model) == ("openai", "gpt-x")


def test_what_was_paid_before_and_in_a_failing_call_is_counted() -> None:
    error = ModelError("truncated", "cut")
    error.usage = Usage(input_tokens=30, calls=1)
    run = Persona().run(brief(tool_rounds_left=1), toolbox(EXTRA), ScriptedAnswers([ASKS, error]))
    assert run.output.usage == Usage(input_tokens=130, output_tokens=10, calls=2)
    assert run.passages == (EXTRA,)
    assert len(run.tool_calls) == 1


@pytest.mark.parametrize("error", [JobCancelled("gone"), LeaseLost("taken")])
def test_losing_the_step_is_raised_with_the_whole_bill(error: JobCancelled | LeaseLost) -> None:
    error.usage = Usage(calls=1, estimated_tokens=7)
    with pytest.raises(type(error)) as caught:
        Persona().run(brief(tool_rounds_left=1), toolbox(EXTRA), ScriptedAnswers([ASKS, error]))
    assert caught.value.usage == Usage(input_tokens=100, output_tokens=10, calls=2, estimated_tokens=7)


LOST = THESIS.model_copy(update={"status": "failed"})


@pytest.mark.parametrize(
    ("form", "changed", "kind"),
    [
        ("synthesis", {"thesis": None, "antithesis": None}, "no_inputs"),
        ("synthesis", {"thesis": LOST, "antithesis": None}, "no_inputs"),
        ("antithesis", {"thesis": None}, "no_inputs"),
        ("thesis", {"passages": ()}, "no_evidence"),
    ],
)
def test_what_cannot_be_done_costs_no_call(form: Form, changed: dict[str, object], kind: str) -> None:
    run = Persona().run(brief(form, **changed), toolbox(), ScriptedAnswers([]))
    assert run.output.status == "failed"
    assert run.output.failure is not None
    assert run.output.failure.kind == kind


def test_without_evidence_a_persona_argues_where_none_is_required() -> None:
    task = TASK.model_copy(update={"evidence_required": False})
    run = Persona().run(brief(passages=(), task=task), toolbox(), ScriptedAnswers([GOOD["thesis"]]))
    assert run.output.status == "ok"


def test_a_synthesis_of_one_side_knows_only_that_sides_claims() -> None:
    answer = written(claim_line("open", about=["t1", "a1"]), SUMMARY)
    run = Persona().run(brief("synthesis", antithesis=None), toolbox(), ScriptedAnswers([answer]))
    assert run.output.status == "ok"
    assert [problem.code for problem in run.problems] == ["unknown_claim"]


def test_live_text_of_several_calls_stays_apart() -> None:
    pieces: list[str] = []
    Persona().run(brief(), toolbox(), ScriptedAnswers(["prose", GOOD["thesis"]]), pieces.append)
    assert pieces == ["prose", "\n", GOOD["thesis"]]
