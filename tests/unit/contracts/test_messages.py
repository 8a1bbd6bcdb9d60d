"""What every message promises: old ones parse for ever, newer ones are refused clearly, everything is bounded."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.contracts import (
    Citation,
    Claim,
    EvalReport,
    Failure,
    Finding,
    Inputs,
    Passage,
    PersonaOutput,
    Plan,
    Result,
    TaskSpec,
    Turn,
    Usage,
)
from orchestrator.contracts.schemas import NAMES, schema

SAMPLES = Path(__file__).parent / "samples"
PASSAGE = {"id": "p1", "source": "memo", "text": "It costs 3 euros."}
MESSAGES = {cls.__name__: cls for cls in (TaskSpec, Plan, PersonaOutput, EvalReport, Result)}


def sample(version: str, name: str) -> str:
    return (SAMPLES / version / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("v*/*.json")), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_frozen_sample_parses_and_survives_the_way_back(path):
    message = MESSAGES[path.stem].from_wire(path.read_text(encoding="utf-8"))
    assert message.v == 2
    assert MESSAGES[path.stem].from_wire(message.to_wire()) == message


@pytest.mark.parametrize("name", MESSAGES)
def test_todays_samples_lose_nothing(name):
    raw = json.loads(sample("v2", name))
    today = json.loads(MESSAGES[name].from_wire(json.dumps(raw)).to_wire())

    def kept(old: Any, new: Any) -> bool:
        if isinstance(old, dict):
            return all(key in new and kept(value, new[key]) for key, value in old.items())
        if isinstance(old, list):
            return len(old) == len(new) and all(map(kept, old, new))
        return bool(old == new)

    assert kept(raw, today)


def test_a_task_of_version_1_keeps_its_inputs_as_passages_and_only_the_right_to_read():
    task = TaskSpec.from_wire(sample("v1", "TaskSpec"))
    assert task.goal == "Should the order sync move to an event queue?"
    assert [(p.id, p.source) for p in task.inputs.passages] == [("input1", "notes.md"), ("input2", "metrics")]
    assert task.inputs.passages[1].text == '{"late_orders": 118}'
    assert task.permissions == ("retrieve",)
    assert task.constraints == ("no new vendor", "decide by March")


def test_version_1_without_read_grants_nothing():
    old = json.loads(sample("v1", "TaskSpec"))
    assert TaskSpec.from_wire(json.dumps({**old, "permissions": ["WRITE", "EXEC"]})).permissions == ()


def test_an_output_of_version_1_keeps_citations_that_have_a_quote_and_tool_calls_as_words():
    output = PersonaOutput.from_wire(sample("v1", "PersonaOutput"))
    assert [(c.passage_id, c.quote) for c in output.citations] == [
        ("notes.md#L1", "ran 41 minutes late"),
        ("my_notes.md", "in May"),
    ]
    assert output.actions == ("retrieve: {'query': 'consumer lag'}",)
    assert (output.step, output.status) == ("antithesis", "ok")


def test_a_pass_of_version_1s_gate_is_not_one_of_ours():
    report = EvalReport.from_wire(sample("v1", "EvalReport"))
    assert not report.evidence_ok
    assert report.verdict == "fail"
    assert "version 1" in report.notes


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("version", [3, 99, "2", None, [2]])
def test_a_message_of_another_version_is_refused_with_what_to_do(name, version):
    raw = json.dumps({**json.loads(sample("v2", name)), "v": version})
    with pytest.raises(ValidationError, match=rf"{name} of version .* cannot be read .*upgrade this process"):
        MESSAGES[name].from_wire(raw)


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize(
    "raw",
    ["", "{", "null", "[]", "7", '"x"', "[" * 100_000, '{"a":' * 5_000, "1" * 5_000, b"\xff", '{"v":1}', "{}",
     '{"task_id":"a","goal":"g","inputs":"x"}', '{"task_id":"a","goal":"g","inputs":[1]}',
     '{"task_id":"a","goal":"g","permissions":5}', '{"task_id":"a","persona":"thesis","citations":[5]}',
     '{"task_id":"a","persona":"thesis","actions":5}', '{"task_id":"a","notes":5}'],
    ids=lambda raw: str(raw)[:40],
)  # fmt: skip
def test_what_is_no_message_is_a_validation_error_and_nothing_else(name, raw):
    with pytest.raises(ValidationError):
        MESSAGES[name].from_wire(raw)


TASK = {"task_id": "a", "goal": "Why?"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"goal": ""}, "goal"),
        ({"goal": " \n\t"}, "goal"),
        ({"goal": "x" * 100_000}, "goal"),
        ({"goal": 5}, "goal"),
        ({"task_id": "../etc"}, "task_id"),
        ({"task_id": ""}, "task_id"),
        ({"task_id": "a" * 65}, "task_id"),
        ({"mode": "fastest"}, "mode"),
        ({"sections": 0}, "sections"),
        ({"sections": 5}, "sections"),
        ({"sections": "3"}, "sections"),
        ({"sections": True}, "sections"),
        ({"mode": "pipelined", "sections": 2}, "sections"),
        ({"on_partial": "maybe"}, "on_partial"),
        ({"title": "x" * 201}, "title"),
        ({"constraints": ["x"] * 33}, "constraints"),
        ({"constraints": [""]}, "constraints"),
        ({"constraints": "one"}, "constraints"),
        ({"permissions": ["rm -rf"]}, "permissions"),
        ({"complexity": 10.1}, "complexity"),
        ({"complexity": float("nan")}, "complexity"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"deadline_s": 3_601}, "deadline_s"),
        ({"deadline_s": float("inf")}, "deadline_s"),
        ({"merge_after_s": 0}, "merge_after_s"),
        ({"merge_after_s": 2_701}, "merge_after_s"),
        ({"merge_after_s": 45.1, "deadline_s": 60}, "merge_after_s"),  # a slow merge has to end, too
        ({"token_budget": 999}, "token_budget"),
        ({"priority": 10}, "priority"),
        ({"priority": True}, "priority"),
        ({"evidence_required": "yes"}, "evidence_required"),
        ({"tenant": "Team A"}, "tenant"),
        ({"language": "Korean"}, "language"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"conversation_context": [{"role": "system", "text": "x"}]}, "conversation_context"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_task_out_of_bounds_names_its_field(change, field):
    with pytest.raises(ValidationError) as caught:
        TaskSpec.model_validate({**TASK, **change})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


def test_the_longest_goal_is_accepted_and_one_more_character_is_not():
    assert len(TaskSpec(task_id="a", goal="x" * 8_000).goal) == 8_000
    with pytest.raises(ValidationError, match="8000 characters"):
        TaskSpec(task_id="a", goal="x" * 8_001)


def test_a_conversation_is_bounded_as_a_whole():
    turn = Turn(role="user", text="x" * 9_000)
    with pytest.raises(ValidationError, match="drop the oldest turns"):
        TaskSpec(task_id="a", goal="Why?", conversation_context=(turn, turn))


def test_passages_that_share_an_id_are_refused():
    passage = {"id": "p", "source": "s", "text": "t"}
    with pytest.raises(ValidationError, match="share an id"):
        TaskSpec.model_validate({**TASK, "inputs": {"passages": [passage, passage]}})


@pytest.mark.parametrize(("mode", "flag"), [("auto", None), ("parallel", True), ("sequential", False)])
def test_one_flag_tells_the_modes_apart(mode, flag):
    assert TaskSpec(task_id="a", goal="Why?", mode=mode).parallel_mode is flag


@pytest.mark.parametrize("mode", ["auto", "parallel"])
def test_a_job_that_may_run_parallel_may_be_written_in_sections(mode):
    assert TaskSpec(task_id="a", goal="Why?", mode=mode, sections=4).sections == 4


@pytest.mark.parametrize("mode", ["sequential", "pipelined", "single"])
def test_sections_are_no_part_of_another_mode(mode):
    with pytest.raises(ValidationError, match=f"run parallel, and this one asks for {mode}"):
        TaskSpec(task_id="a", goal="Why?", mode=mode, sections=2)
    assert TaskSpec(task_id="a", goal="Why?", mode=mode, sections=1).sections == 1


def test_messages_are_frozen_and_closed():
    task = TaskSpec(task_id="a", goal="Why?")
    with pytest.raises(ValidationError, match="frozen"):
        task.goal = "Because."  # type: ignore[misc]  # the point of the test
    with pytest.raises(ValidationError, match="Extra inputs"):
        Usage.model_validate({"tokens": 1})


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
passage_ids = st.from_regex(r"[a-z][a-z0-9#:._-]{0,20}", fullmatch=True)
claim_ids = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True)
counts = st.integers(0, 10**9)
citations = st.builds(Citation, passage_id=passage_ids, quote=text)
claims = st.builds(
    Claim,
    id=claim_ids,
    text=text,
    citations=st.lists(citations, max_size=3),
    depends_on=st.lists(claim_ids, max_size=3),
    about=st.lists(claim_ids, max_size=3),
    kind=st.sampled_from(["position", "objection", "consensus", "resolution", "open"]),
)
usages = st.builds(Usage, input_tokens=counts, output_tokens=counts, cached_tokens=counts, calls=counts)
passages = st.builds(
    Passage, id=passage_ids, source=text, text=text, heading=st.text(max_size=9), start=counts
)
outputs = st.builds(
    PersonaOutput,
    task_id=st.just("a"),
    persona=st.sampled_from(["thesis", "antithesis", "synthesis"]),
    step=st.sampled_from(["thesis", "rebuttal:12"]),
    status=st.sampled_from(["ok", "failed", "timeout"]),
    failure=st.none() | st.builds(Failure, kind=st.sampled_from(["auth", "deadline"]), message=text),
    summary=text,
    claims=st.lists(claims, max_size=3),
    citations=st.lists(citations, max_size=3),
    usage=usages,
)
tasks = st.builds(
    TaskSpec,
    task_id=st.just("a"),
    goal=text.filter(str.strip),
    constraints=st.lists(text, max_size=3),
    complexity=st.none() | st.floats(0, 10),
    mode=st.sampled_from(["auto", "sequential", "parallel"]),
    deadline_s=st.none() | st.floats(0.001, 3_600),
    evidence_required=st.booleans(),
)
findings = st.builds(Finding, level=st.integers(0, 4), reason=st.just("r"), detail=text, judged=st.booleans())
reports = st.builds(
    EvalReport, task_id=st.just("a"), quality=st.floats(0, 1), findings=st.lists(findings, max_size=3)
)


@given(st.one_of(outputs, tasks, reports))
def test_any_message_comes_back_from_the_wire_as_it_was(message):
    assert type(message).from_wire(message.to_wire()) == message
    assert type(message).from_wire(message.to_wire().encode()) == message


@given(passages)
def test_any_passage_survives_json(passage):
    assert Passage.model_validate_json(passage.model_dump_json()) == passage


@given(usages, usages, usages)
def test_usage_adds_up_in_any_order(one, two, three):
    assert (one + two) + three == three + (two + one)
    assert one + Usage() == one


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_names_itself_and_closes_its_objects(name):
    body = schema(name)
    assert body["title"] == name
    assert body["$id"] == f"urn:triptych:v2:{name}"
    json.dumps(body)
    if name != "Event":
        assert body["additionalProperties"] is False


@pytest.mark.parametrize(
    "inputs", [{"as_given": True}, {"as_given": True, "corpus": "handbook", "passages": [PASSAGE]}]
)
def test_what_is_given_as_it_stands_is_passages_and_no_corpus(inputs):
    with pytest.raises(ValidationError, match="as_given takes passages and no corpus"):
        Inputs.model_validate(inputs)
