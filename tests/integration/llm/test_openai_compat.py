"""What servers that call themselves OpenAI-compatible really send, byte by byte."""

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr

from orchestrator.errors import InvalidSettings, ModelError, RetryableModelError
from tests.integration.llm.asking import (
    HASTY,
    IMPATIENT,
    PATIENCE_S,
    QUESTION,
    REQUEST,
    complete,
    openai,
    streamed,
    uncounted,
    usage,
)
from tests.integration.llm.wire import END, STREAM, chunk, document, event, events
from workers.llm.answer import Limits
from workers.llm.http import MAX_ERROR_BYTES
from workers.llm.openai_compat import Dialect, OpenAICompatible, adapted
from workers.llm.protocol import ChatTurn, Delta, Finish, Spent

pytestmark = pytest.mark.integration


def delta(content, finish=None, **more):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **more}


STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
COUNTS = {"prompt_tokens": 7, "completion_tokens": 2}
USAGE = {"choices": [], "usage": COUNTS}
NOTHING = usage(0, 0)
"""The endpoint counted nothing."""
CACHED = {"choices": [], "usage": {**COUNTS, "prompt_tokens_details": {"cached_tokens": 5}}}


@pytest.mark.parametrize(
    ("payloads", "text", "counted"),
    [
        ([delta("Yes"), delta("."), STOP, USAGE, "[DONE]"], "Yes.", usage(7, 2)),
        (
            [{"choices": [{"delta": {"role": "assistant"}}]}, delta("Yes."), STOP, "[DONE]"],
            "Yes.",
            NOTHING,
        ),
        ([delta("Yes."), STOP], "Yes.", NOTHING),
        ([delta("Yes."), "[DONE]"], "Yes.", NOTHING),
        ([delta("Yes.", "stop", usage=COUNTS), "[DONE]"], "Yes.", usage(7, 2)),
        (
            [{"choices": []}, {"choices": None}, {}, delta("Yes."), STOP, CACHED, "[DONE]"],
            "Yes.",
            usage(7, 2, 5),
        ),
        (
            [delta(None), delta(""), delta("Yes."), {"choices": [{"delta": None, "finish_reason": "stop"}]}],
            "Yes.",
            NOTHING,
        ),
        ([{"choices": [{"delta": {"reasoning_content": "Hm."}}]}, delta("Yes."), STOP], "Yes.", NOTHING),
        (
            [delta([{"type": "thinking", "thinking": []}, {"type": "text", "text": "Yes."}]), STOP],
            "Yes.",
            NOTHING,
        ),
        (
            [{"choices": [{"index": 1, "delta": {"content": "No."}}]}, delta("Yes."), STOP],
            "Yes.",
            NOTHING,
        ),
        ([delta("네, "), delta("그렇습니다."), STOP], "네, 그렇습니다.", NOTHING),
        ([STOP], "", NOTHING),
    ],
    ids=[
        "OpenAI",
        "role first, no usage",
        "no [DONE]",
        "no finish reason",
        "usage with the last text",
        "empty choices, cached tokens",
        "nulls",
        "reasoning",
        "content in parts",
        "a second choice",
        "Korean",
        "an empty answer",
    ],
)
def test_a_well_meant_stream_is_an_answer(wire, payloads, text, counted):
    wire.reply(*events(*payloads))
    completion = complete(openai(wire.url))
    assert (completion.text, completion.finish_reason) == (text, "stop")
    assert completion.usage == (uncounted(text) if counted is NOTHING else counted)


def test_line_ends_comments_and_data_in_several_lines_are_the_protocols_not_the_answers(wire):
    spread = json.dumps(delta("Yes.", "stop"), indent=1).replace("\n", "\r\ndata: ")
    wire.reply(
        STREAM, chunk(b": processing\r\n\r\n"), chunk(f"event: x\r\ndata: {spread}\r\n\r\n".encode()), END
    )
    assert complete(openai(wire.url)).text == "Yes."


def test_a_body_that_only_ends_with_its_connection_is_read(wire):
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    wire.reply(head + f"data: {json.dumps(delta('Yes.', 'stop'))}\n\n".encode())
    assert complete(openai(wire.url)).text == "Yes."


def test_a_gateway_that_does_not_stream_is_understood(wire):
    choice = {"index": 0, "message": {"content": "Yes."}, "finish_reason": "length"}
    wire.reply(document({"model": "m", "choices": [choice], "usage": COUNTS}))
    completion = complete(openai(wire.url))
    assert (completion.text, completion.finish_reason, completion.usage) == ("Yes.", "length", usage(7, 2))


@pytest.mark.parametrize(
    ("reason", "finish"), [("stop", "stop"), ("length", "length"), ("tool_calls", "stop"), ("eos", "stop")]
)
def test_finish_reasons(wire, reason, finish):
    wire.reply(*events(delta("Yes.", reason, model="m-2"), USAGE, "[DONE]"))
    *pieces, last = streamed(openai(wire.url))
    assert last == Finish(finish, usage(7, 2), "m-2")
    assert pieces == [Spent(usage(0, 0)), Delta("Yes."), Spent(usage(7, 2))]


REFUSAL = {"choices": [{"index": 0, "delta": {"refusal": "I cannot."}, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("payloads", "kind"),
    [
        ([REFUSAL, STOP, "[DONE]"], "model_refused"),
        ([delta("Well", "content_filter"), "[DONE]"], "model_refused"),
        ([delta("Well", "error"), "[DONE]"], "provider"),
        ([delta("Well")], "truncated"),
        ([delta("Well"), {"error": {"message": "engine died", "code": 500}}, "[DONE]"], "overloaded"),
        (
            [delta("Well"), {"object": "error", "message": "maximum context length", "code": 400}],
            "context_length",
        ),
        ([delta("Well"), '{"choices": [{"delta"'], "provider"),
        ([delta("Well"), '{"choices": 7}'], "provider"),
        (["[1, 2]"], "provider"),
        (["[" * 5000], "provider"),
        ([{"error": {"type": "invalid_api_key", "code": 401}}], "auth"),
    ],
)
def test_what_is_no_answer_is_an_error_for_good(wire, payloads, kind):
    wire.reply(*events(*payloads))
    with pytest.raises(ModelError) as caught:
        streamed(openai(wire.url))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (events(), "truncated"),
        (events({"choices": [{"delta": {"role": "assistant"}}]}), "truncated"),
        ([STREAM, "abort"], "truncated"),
        ([STREAM, "hold"], "truncated"),
        (["abort"], "unreachable"),
        (["hold"], "overloaded"),
        (events({"error": {"message": "busy", "code": 503}}), "overloaded"),
        ([document({}, status=503)], "overloaded"),
    ],
    ids=[
        "empty",
        "role only",
        "cut",
        "stalled",
        "cut before headers",
        "stalled before headers",
        "error event",
        "503",
    ],
)
def test_what_fails_before_the_first_text_may_be_tried_again(wire, steps, kind):
    wire.reply(*steps)
    with pytest.raises(RetryableModelError) as caught:
        streamed(openai(wire.url, limits=HASTY if "hold" in steps else None))
    assert caught.value.kind == kind


@pytest.mark.parametrize("steps", [["abort"], ["hold"], [END], [event({"error": {"code": 503}}), END]])
def test_what_fails_after_the_first_text_is_final(wire, steps):
    wire.reply(STREAM, event(delta("Well")), *steps)
    with pytest.raises(ModelError):
        streamed(openai(wire.url, limits=IMPATIENT))
    assert len(wire.requests) == 1


def test_silence_after_the_first_text_is_borne_for_less_long_than_before_it(wire):
    wire.reply(STREAM, event(delta("Well")), "hold")
    with pytest.raises(ModelError, match=r"nothing for 0\.1 s"):
        streamed(openai(wire.url, limits=Limits(first_text_s=600, idle_s=0.1)))


@pytest.mark.parametrize("after", [["abort"], ["hold"]])
def test_what_breaks_after_the_finish_reason_costs_the_usage_but_not_the_answer(wire, after):
    wire.reply(STREAM, event(delta("Yes.")), event(STOP), *after)
    completion = complete(openai(wire.url, limits=IMPATIENT))
    assert (completion.text, completion.usage) == ("Yes.", uncounted("Yes."))


def test_a_connection_is_kept_warm_between_calls(wire):
    provider = openai(wire.url)
    for _ in range(3):
        wire.reply(*events(delta("Yes."), STOP, "[DONE]"))
    from workers.llm import loop

    async def thrice():
        for _ in range(3):
            async for _item in provider.stream(REQUEST):
                pass
        await provider.aclose()

    loop.submit(thrice()).result(10)
    assert (len(wire.requests), wire.connections) == (3, 1)


# -- how the server wants to be asked


MAX_TOKENS_REFUSED = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize(
    ("dialect", "words", "then"),
    [
        (Dialect("max_tokens"), MAX_TOKENS_REFUSED, Dialect("max_completion_tokens")),
        (Dialect("max_completion_tokens"), "Unrecognized field max_completion_tokens", Dialect("max_tokens")),
        (Dialect(), "Extra inputs are not permitted: stream_options", Dialect(asks_for_usage=False)),
        (Dialect(asks_for_usage=False), "Extra inputs are not permitted: stream_options", None),
        (
            Dialect("max_completion_tokens"),
            "max_completion_tokens is too large: this model allows 4096",
            None,
        ),
        (Dialect(names_cache=True), "Unrecognized request argument: prompt_cache_key", Dialect()),
        (Dialect(), "messages: at least one is required", None),
    ],
)
def test_a_refusal_may_teach_the_dialect(dialect, words, then):
    assert adapted(dialect, words) == then


def test_what_was_learned_is_remembered_for_the_next_call(wire):
    provider = openai(wire.url)
    wire.reply(document({"error": {"message": MAX_TOKENS_REFUSED}}, status=400))
    wire.reply(document({"error": {"message": "stream_options: Extra inputs are not permitted"}}, status=422))
    wire.reply(*events(delta("Yes."), STOP))
    wire.reply(*events(delta("Yes."), STOP))
    assert complete(provider).text == complete(provider).text == "Yes."
    asked = [
        (sorted(set(r.body) & {"max_tokens", "max_completion_tokens", "stream_options"}))
        for r in wire.requests
    ]
    assert asked == [
        ["max_tokens", "stream_options"],
        ["max_completion_tokens", "stream_options"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


def test_a_server_that_is_never_content_is_asked_three_times_at_most(wire):
    for _ in range(9):
        words = "unsupported: max_completion_tokens, stream_options"
        wire.reply(document({"error": {"message": words}}, status=400))
    with pytest.raises(ModelError):
        complete(openai(wire.url))
    assert len(wire.requests) == 3


def test_openai_itself_is_asked_in_its_newer_words():
    provider = OpenAICompatible("m", "https://api.openai.com/v1")
    assert provider._dialect == Dialect("max_completion_tokens", names_cache=True)


def test_prompts_of_one_job_name_the_same_cache_to_openai_and_none_to_others(wire):
    provider = openai(wire.url)
    ours = replace(REQUEST, shared_chars=20)
    theirs = replace(ours, system="Another job.")
    later = replace(ours, turns=(ChatTurn("user", QUESTION[:20] + " And then?"),))
    keys = [
        provider._body(each, Dialect(names_cache=True)).get("prompt_cache_key")
        for each in (ours, later, theirs)
    ]
    assert keys[0] == keys[1] != keys[2]
    assert "prompt_cache_key" not in provider._body(REQUEST, Dialect(names_cache=True))
    wire.reply(*events(delta("Yes."), STOP))
    provider._dialect = Dialect()
    complete(provider)
    assert "prompt_cache_key" not in wire.requests[0].body


# -- what leaves this machine, and what comes back


KEY = "sk-very-secret-0123456789"


@pytest.mark.parametrize("status", [400, 401, 404, 418, 429, 500])
def test_no_message_holds_the_key_or_the_prompt(wire, status):
    echo = f"Bearer {KEY} may not ask {QUESTION!r}"
    wire.reply(document({"error": {"message": echo, "code": "x"}}, status=status))
    with pytest.raises(ModelError) as caught:
        complete(openai(wire.url, api_key=SecretStr(KEY)))
    shown = f"{caught.value} {caught.value.args}"
    assert wire.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "secret" not in shown
    assert "harbour" not in shown


def test_a_harmless_explanation_is_passed_on(wire):
    wire.reply(document({"error": {"message": "temperature is out of range"}}, status=400))
    with pytest.raises(ModelError, match="temperature is out of range"):
        complete(openai(wire.url, api_key=SecretStr(KEY)))


def test_without_a_key_no_authorization_is_sent(wire):
    wire.reply(*events(delta("Yes."), STOP))
    complete(openai(wire.url, api_key=SecretStr("  ")))
    assert "authorization" not in wire.requests[0].headers


def test_an_error_body_without_end_is_not_read_to_it(wire):
    endless = [chunk(b"x" * MAX_ERROR_BYTES)] * 8
    wire.reply(STREAM.replace(b"200 OK", b"500 Oh"), *endless, "hold")
    with pytest.raises(RetryableModelError):
        streamed(openai(wire.url, limits=Limits(tail_s=600)))
    assert wire.hung_up.wait(PATIENCE_S)


def test_a_redirect_is_not_followed(wire):
    wire.reply(document({}, status=307, location=f"{wire.url}/v2/chat/completions"))
    wire.reply(*events(delta("Yes."), STOP))
    with pytest.raises(ModelError, match=r"redirect.*OPENAI_BASE_URL"):
        complete(openai(wire.url))
    assert len(wire.requests) == 1


def test_a_web_page_is_not_an_answer(wire):
    wire.reply(document("<html>Welcome</html>", kind="text/html"))
    with pytest.raises(ModelError, match="web page"):
        complete(openai(wire.url))


def test_a_server_that_is_not_there_is_named(wire):
    wire.close()
    with pytest.raises(ModelError, match=f"127.0.0.1:{wire.port}.*OPENAI_BASE_URL") as caught:
        complete(openai(wire.url))
    assert caught.value.kind == "unreachable"


def test_a_proxy_is_not_asked_for_a_server_on_this_machine(wire, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    wire.reply(*events(delta("Yes."), STOP))
    assert complete(openai(wire.url)).text == "Yes."


def test_a_proxy_is_asked_for_other_machines(wire, monkeypatch):
    monkeypatch.setenv("http_proxy", wire.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_REMOTE_MODELS")  # .invalid cannot resolve: RFC 2606
    wire.reply(*events(delta("Yes."), STOP))
    assert complete(openai("http://models.invalid")).text == "Yes."
    assert wire.requests[0].path == "http://models.invalid/v1/chat/completions"


def test_no_other_machine_is_called_from_the_tests(wire):
    with pytest.raises(ModelError, match="NO_REMOTE_MODELS"):
        complete(openai("https://api.openai.com"))


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://user:word@host/v1", "http://[::1/v1"]
)
def test_an_address_that_cannot_be_called_is_refused_by_name(url):
    with pytest.raises(InvalidSettings, match="OPENAI_BASE_URL"):
        OpenAICompatible("m", url)


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "schlüssel", "a\x00b"])
def test_a_key_that_is_no_key_is_refused_by_name(key):
    with pytest.raises(InvalidSettings, match="OPENAI_API_KEY"):
        OpenAICompatible("m", "http://127.0.0.1/v1", SecretStr(key))


def test_a_query_in_the_address_is_kept(wire):
    wire.reply(*events(delta("Yes."), STOP))
    complete(OpenAICompatible("m", f"{wire.url}/v1?api-version=7"))
    assert wire.requests[0].path == "/v1/chat/completions?api-version=7"
