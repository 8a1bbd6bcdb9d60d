"""Ledger events: known ones are typed, unknown ones are kept whole."""

import json

import pytest
from pydantic import ValidationError

from orchestrator.contracts.events import (
    StepEnd,
    StepStart,
    UnknownEvent,
    event_json,
    event_names,
    parse_event,
)

BASE = {"event_id": "0" * 32, "task_id": "a"}


def test_a_known_event_is_stamped_with_its_stores_time():
    event = parse_event(json.dumps({**BASE, "event": "thesis_start", "step": "thesis", "at_ms": 5}), at_ms=77)
    assert isinstance(event, StepStart)
    assert event.at_ms == 77


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "rebuttal_start", "step": "rebuttal:2", "deep": {"er": [1, None]}},
        {"event": "thesis_end", "status": "a later status", "duration_ms": 1},
        {"not": "even a name"},
    ],
)
def test_an_unknown_event_is_kept_whole(fields):
    raw = {**BASE, **fields}
    event = parse_event(json.dumps(raw), at_ms=9)
    assert isinstance(event, UnknownEvent)
    assert {**event.model_dump(exclude_unset=True), "at_ms": 9} == {**raw, "at_ms": 9}
    assert parse_event(event.model_dump_json(), at_ms=9) == event


def test_a_known_event_with_a_field_of_a_later_version_is_known_and_loses_nothing():
    raw = {
        **BASE,
        "event": "thesis_end",
        "step": "thesis",
        "status": "ok",
        "duration_ms": 3,
        "later": [1, {"a": None}],
    }
    event = parse_event(json.dumps(raw), at_ms=9)
    assert isinstance(event, StepEnd)
    assert raw.items() <= json.loads(event_json(event)).items()
    assert parse_event(event_json(event), at_ms=9) == event


def test_an_event_in_json_is_json_whatever_a_later_version_wrote():
    event = parse_event(json.dumps({**BASE, "event": "task_start", "later": float("inf")}), at_ms=9)
    assert "Infinity" not in event_json(event)


@pytest.mark.parametrize("raw", ["", "[]", "null", "{", '{"event": 5}', '{"task_id": null}', b"\xff"])
def test_what_is_no_event_at_all_is_an_error(raw):
    with pytest.raises(ValidationError):
        parse_event(raw, at_ms=0)


def test_the_names_of_the_pipeline_before_are_kept():
    assert {"task_start", "thesis_start", "thesis_end", "antithesis_start", "antithesis_end", "synthesis_start",
            "synthesis_end", "parallel_execution_start", "eval"} <= set(event_names())  # fmt: skip


def test_an_event_survives_the_ledger():
    event = StepEnd(
        event_id="0" * 32,
        task_id="a",
        event="synthesis_end",
        step="synthesis",
        status="ok",
        duration_ms=3,
        at_ms=4,
    )
    assert parse_event(event.model_dump_json(), at_ms=4) == event
