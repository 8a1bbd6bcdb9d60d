"""Anthropic's stream, event by event."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from orchestrator.errors import ModelError, RetryableModelError
from tests.integration.llm.asking import HASTY, REQUEST, anthropic, complete, streamed, usage
from tests.integration.llm.wire import STREAM, document, event, events
from workers.llm.protocol import ChatTurn, Finish, Spent

pytestmark = pytest.mark.integration


def start(**counts):
    return {
        "type": "message_start",
        "message": {"model": "m-2", "usage": {"input_tokens": 7, "output_tokens": 1, **counts}},
    }


def text(piece):
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}


def stop(reason="end_turn", **counts):
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason},
        "usage": {"output_tokens": 5, **counts},
    }


THINKING = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}}
END_OF_MESSAGE = {"type": "message_stop"}
PING = {"type": "ping"}


@pytest.mark.parametrize(
    ("payloads", "answer", "counted"),
    [
        ([start(), PING, text("Yes"), text("."), stop(), END_OF_MESSAGE], "Yes.", usage(7, 5)),
        ([start(), text("Yes."), stop()], "Yes.", usage(7, 5)),
        (
            [start(), THINKING, {"type": "future_event"}, text("Yes."), stop(), END_OF_MESSAGE],
            "Yes.",
            usage(7, 5),
        ),
        (
            [start(cache_read_input_tokens=10, cache_creation_input_tokens=3), text("Yes."), stop()],
            "Yes.",
            usage(20, 5, 10),
        ),
        ([start(), text("Yes."), stop(input_tokens=9, cache_read_input_tokens=2)], "Yes.", usage(11, 5, 2)),
        (
            [
                start(),
                {"type": "content_block_start", "content_block": {"type": "text", "text": "Y"}},
                text("es."),
                stop(),
            ],
            "Yes.",
            usage(7, 5),
        ),
    ],
    ids=[
        "Anthropic",
        "no message_stop",
        "thinking, unknown events",
        "cache",
        "counts corrected",
        "text at block start",
    ],
)
def test_a_well_meant_stream_is_an_answer(wire, payloads, answer, counted):
    wire.reply(*events(*payloads))
    completion = complete(anthropic(wire.url))
    assert (completion.text, completion.usage, completion.model) == (answer, counted, "m-2")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
    ],
)
def test_stop_reasons(wire, reason, finish):
    wire.reply(*events(start(), text("Yes."), stop(reason), END_OF_MESSAGE))
    assert streamed(anthropic(wire.url))[-1] == Finish(finish, usage(7, 5), "m-2")


def test_what_was_spent_is_known_before_the_answer_is(wire):
    wire.reply(*events(start(), text("Yes."), stop(), END_OF_MESSAGE))
    spent = [item.usage for item in streamed(anthropic(wire.url)) if isinstance(item, Spent)]
    assert spent == [usage(0, 0), usage(7, 1), usage(7, 5)]


def error(kind):
    return {"type": "error", "error": {"type": kind, "message": "no"}}


@pytest.mark.parametrize(
    ("payloads", "kind"),
    [
        ([start(), stop("refusal"), END_OF_MESSAGE], "model_refused"),
        ([start(), text("Well")], "truncated"),
        ([start(), text("Well"), END_OF_MESSAGE], "truncated"),
        ([start(), text("Well"), error("overloaded_error")], "overloaded"),
        ([start(), error("authentication_error")], "auth"),
        ([start(), text("Well"), '{"type": "content_block_delta", '], "provider"),
    ],
)
def test_what_is_no_answer_is_an_error_for_good(wire, payloads, kind):
    wire.reply(*events(*payloads))
    with pytest.raises(ModelError) as caught:
        streamed(anthropic(wire.url))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (events(start(), error("overloaded_error")), "overloaded"),
        (events(start(), PING), "truncated"),
        ([STREAM, event(start()), "hold"], "truncated"),
        ([document(error("overloaded_error"), status=529)], "overloaded"),
    ],
)
def test_what_fails_before_the_first_text_may_be_tried_again(wire, steps, kind):
    wire.reply(*steps)
    with pytest.raises(RetryableModelError) as caught:
        streamed(anthropic(wire.url, limits=HASTY if "hold" in steps else None))
    assert caught.value.kind == kind


def test_a_gateway_that_does_not_stream_is_understood(wire):
    blocks = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]
    counts = {"input_tokens": 7, "output_tokens": 5}
    wire.reply(
        document(
            {
                "type": "message",
                "model": "m-2",
                "content": blocks,
                "stop_reason": "max_tokens",
                "usage": counts,
            }
        )
    )
    completion = complete(anthropic(wire.url))
    assert (completion.text, completion.finish_reason, completion.usage) == ("Yes.", "length", usage(7, 5))


LONG = "All that every persona is told. " * 200


@pytest.mark.parametrize(
    ("said", "shared", "marked"),
    [
        (LONG, 0, False),
        (LONG[:400], 300, False),  # too short for the API to cache: a plain prompt stays plain
        (LONG, 5_000, True),
        (LONG, len(LONG), True),
    ],
)
def test_the_end_of_what_a_jobs_prompts_share_is_marked_for_the_cache(said, shared, marked):
    turns = (ChatTurn("user", said), ChatTurn("assistant", "Well"), ChatTurn("user", "Go on."))
    body = anthropic("http://localhost")._body(replace(REQUEST, turns=turns, shared_chars=shared))
    first, *others = body["messages"]
    assert others == [{"role": "assistant", "content": "Well"}, {"role": "user", "content": "Go on."}]
    if not marked:
        assert first == {"role": "user", "content": said}
        return
    parts = first["content"]
    assert "".join(part["text"] for part in parts) == said
    assert parts[0] == {"type": "text", "text": said[:shared], "cache_control": {"type": "ephemeral"}}
    assert not any("cache_control" in part for part in parts[1:])


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_address_may_be_written_with_or_without_its_version(wire, suffix):
    wire.reply(*events(start(), text("Yes."), stop(), END_OF_MESSAGE))
    complete(anthropic(f"{wire.url}{suffix}", api_key=SecretStr("sk-ant-1")))
    request = wire.requests[0]
    assert request.path == "/v1/messages"
    assert (request.headers["x-api-key"], request.headers["anthropic-version"]) == ("sk-ant-1", "2023-06-01")
