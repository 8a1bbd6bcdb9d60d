"""The official SDKs as oracles, against llmock: same server, same question, the same answer."""

import json
from typing import Any

import anthropic as anthropic_sdk
import openai as openai_sdk
import pytest
from pydantic import SecretStr

from orchestrator.errors import ModelError
from tests.integration.llm.asking import (
    HASTY,
    IMPATIENT,
    ONCE,
    QUESTION,
    QUICK,
    REQUEST,
    anthropic,
    complete,
    openai,
    usage,
)
from tests.integration.llm.wire import END, STREAM, chunk, events
from workers.llm.anthropic import Anthropic
from workers.llm.openai_compat import OpenAICompatible

pytestmark = pytest.mark.integration

MODEL = "some-model"
KEY = "llmock-test-key"
TURNS: list[Any] = [{"role": turn.role, "content": turn.text} for turn in REQUEST.turns]


def by_openai(base_url):
    client = openai_sdk.OpenAI(base_url=base_url, api_key=KEY, max_retries=0)
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "system", "content": REQUEST.system}, *TURNS],
            max_tokens=REQUEST.max_output_tokens,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    client.close()
    choices = [choice for chunk in chunks for choice in chunk.choices]
    counts = next(chunk.usage for chunk in reversed(chunks) if chunk.usage)
    details = counts.prompt_tokens_details
    cached = (details.cached_tokens or 0) if details else 0
    return (
        "".join(choice.delta.content or "" for choice in choices),
        next(choice.finish_reason for choice in reversed(choices) if choice.finish_reason),
        usage(counts.prompt_tokens, counts.completion_tokens, cached),
    )


def by_anthropic(base_url):
    client = anthropic_sdk.Anthropic(base_url=base_url, api_key=KEY, max_retries=0)
    with client.messages.stream(
        model=MODEL, max_tokens=REQUEST.max_output_tokens, system=REQUEST.system, messages=TURNS
    ) as stream:
        message = stream.get_final_message()
    client.close()
    counts = message.usage
    cached = counts.cache_read_input_tokens or 0
    total = counts.input_tokens + (counts.cache_creation_input_tokens or 0) + cached
    finish = {"end_turn": "stop", "max_tokens": "length"}[str(message.stop_reason)]
    text = "".join(block.text for block in message.content if block.type == "text")
    return text, finish, usage(total, counts.output_tokens, cached)


def ours(provider, **how):
    completion = complete(provider, **how)
    return completion.text, completion.finish_reason, completion.usage


ORACLES = {
    "openai": (
        by_openai,
        lambda url, limits=IMPATIENT: OpenAICompatible(MODEL, url, SecretStr(KEY), limits=limits),
    ),
    "anthropic": (
        by_anthropic,
        lambda url, limits=IMPATIENT: Anthropic(MODEL, url, SecretStr(KEY), limits=limits),
    ),
}


@pytest.fixture(params=sorted(ORACLES))
def provider(request):
    return request.param


@pytest.mark.parametrize(
    "text", ["Yes, because of the ice.", "항구는 겨울에 닫아야 한다.\n\n끝.", '{"kind": "done"}\n']
)
def test_the_answer_is_what_the_sdk_reads_and_the_request_what_it_sends(llmock, provider, text):
    by_sdk, adapter = ORACLES[provider]
    url = llmock.base_url(provider)
    llmock.reply(text, times=2)
    assert ours(adapter(url)) == by_sdk(url)
    mine, theirs = llmock.requests
    assert (mine.path, mine.body) == (theirs.path, theirs.body)
    assert mine.status == 200


def test_the_openai_sdk_reads_a_hand_made_stream_the_same_way(wire):
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    counts: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    counts |= {"prompt_tokens_details": {"cached_tokens": 4}}
    payloads: list[Any] = [
        {
            **base,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
        },
        {**base, "choices": [{"index": 0, "delta": {"content": "Yes"}, "finish_reason": None}]},
        {**base, "choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "length"}]},
        {**base, "choices": [], "usage": counts},
        "[DONE]",
    ]
    wire.reply(*events(*payloads))
    wire.reply(*events(*payloads))
    assert ours(openai(wire.url)) == by_openai(f"{wire.url}/v1") == ("Yes.", "length", usage(9, 2, 4))


def test_the_anthropic_sdk_reads_a_hand_made_stream_the_same_way(wire):
    counts = {
        "input_tokens": 9,
        "output_tokens": 1,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
    }
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": MODEL,
        "usage": counts,
    }
    payloads: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes."}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "max_tokens"},
            "usage": {"output_tokens": 6, "input_tokens": 10},
        },
        {"type": "message_stop"},
    ]
    named = [f"event: {p['type']}\ndata: " for p in payloads]
    stream = [
        STREAM,
        *(chunk(f"{n}{json.dumps(p)}\n\n".encode()) for n, p in zip(named, payloads, strict=True)),
        END,
    ]
    wire.reply(*stream)
    wire.reply(*stream)
    assert ours(anthropic(wire.url)) == by_anthropic(wire.url) == ("Yes.", "length", usage(16, 6, 4))


# -- llmock's faults, and its verdict on how we took them


def test_given_rate_limits_then_we_wait_as_long_as_asked(llmock, provider):
    llmock.rate_limit(times=2, retry_after=0.1).reply("Yes.")
    text, _, bill = ours(ORACLES[provider][1](llmock.base_url(provider)), policy=QUICK)
    assert (text, bill.calls, len(llmock.requests)) == ("Yes.", 1, 3)
    llmock.assert_resilient(strict=True)


def test_given_an_overload_then_we_back_off_and_go_on(llmock, provider):
    llmock.fail(529 if provider == "anthropic" else 503, times=2, retry_after=0.01).reply("Yes.")
    assert ours(ORACLES[provider][1](llmock.base_url(provider)), policy=QUICK)[0] == "Yes."
    llmock.assert_resilient()


def test_given_an_outage_then_we_give_up_after_a_few_attempts(llmock, provider):
    llmock.fail(503, times=None, retry_after=0.01)
    with pytest.raises(ModelError) as caught:
        ours(ORACLES[provider][1](llmock.base_url(provider)), policy=QUICK)
    assert (caught.value.kind, len(llmock.requests)) == ("overloaded", QUICK.max_attempts)
    llmock.assert_resilient()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_given_a_refusal_for_good_then_we_ask_once(llmock, provider, status):
    llmock.fail(status, times=None)
    with pytest.raises(ModelError):
        ours(ORACLES[provider][1](llmock.base_url(provider)), policy=QUICK)
    assert len(llmock.requests) == 1
    llmock.assert_resilient()


def test_given_a_prompt_that_does_not_fit_then_that_is_what_we_say(llmock, provider):
    llmock.limits(context_window=5)
    with pytest.raises(ModelError) as caught:
        ours(ORACLES[provider][1](llmock.base_url(provider)), policy=QUICK)
    assert caught.value.kind == "context_length"
    assert QUESTION not in str(caught.value)


FAULTS = {"disconnect": "truncated", "truncate": "truncated", "corrupt": "provider", "stall": "truncated"}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items())
def test_given_a_stream_that_breaks_after_text_then_half_an_answer_is_no_answer(
    llmock, provider, fault, kind
):
    llmock.reply("Yes, because of the ice and of the wind and of the dark.", times=None)
    getattr(llmock, fault)(after_chunks=6)
    with pytest.raises(ModelError) as caught:
        ours(ORACLES[provider][1](llmock.base_url(provider)), policy=QUICK)
    assert caught.value.kind == kind
    assert len(llmock.requests) == 1


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "stall"])
def test_given_a_stream_that_breaks_before_text_then_it_is_asked_again(llmock, provider, fault):
    llmock.reply("Yes.", times=None)
    getattr(llmock, fault)(after_chunks=1)
    limits = HASTY if fault == "stall" else IMPATIENT
    adapter = ORACLES[provider][1](llmock.base_url(provider), limits)
    assert ours(adapter, policy=QUICK)[0] == "Yes."
    llmock.assert_resilient(strict=True)


def test_given_no_retries_then_a_rate_limit_is_final(llmock, provider):
    llmock.rate_limit()
    with pytest.raises(ModelError):
        ours(ORACLES[provider][1](llmock.base_url(provider)), policy=ONCE)
    assert len(llmock.requests) == 1
