"""OpenAI's and Anthropic's answers on the wire, as bytes. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

STREAM: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
END: Final = b"0\r\n\r\n"
MODEL: Final = "simulated"


@dataclass(frozen=True)
class Tokens:
    """What a call's usage says."""

    prompt: int
    cached: int
    written: int


@dataclass(frozen=True)
class Dialect:
    """How one API words a streamed answer: what opens it, a piece of text, and what ends it."""

    opened: Callable[[Tokens], bytes]
    said: Callable[[str], bytes]
    ended: Callable[[Tokens], bytes]


def document(body: Mapping[str, Any], status: str = "200 OK") -> bytes:
    """A whole answer as JSON."""
    payload = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
    return head.encode() + payload


def completion(text: str, tokens: Tokens) -> bytes:
    """OpenAI's answer to those who do not stream."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return document(
        {"object": "chat.completion", "model": MODEL, "choices": [choice], "usage": _usage(tokens)}
    )


def _event(payload: str, name: str = "") -> bytes:
    data = (f"event: {name}\n" if name else "") + f"data: {payload}\n\n"
    raw = data.encode()
    return b"%x\r\n%s\r\n" % (len(raw), raw)


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.written,
        "total_tokens": tokens.prompt + tokens.written,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
    }


_HEAD = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": MODEL}


def _chunk(delta: Mapping[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _event(json.dumps({**_HEAD, "choices": [choice]}))


def _openai_ended(tokens: Tokens) -> bytes:
    usage = json.dumps({**_HEAD, "choices": [], "usage": _usage(tokens)})
    return _chunk({}, "stop") + _event(usage) + _event("[DONE]")


def _named(body: Mapping[str, Any]) -> bytes:
    return _event(json.dumps(body), str(body["type"]))


def _anthropic_opened(tokens: Tokens) -> bytes:
    usage = {
        "input_tokens": tokens.prompt - tokens.cached,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": 1,
    }
    message: dict[str, Any] = {
        "id": "msg_0", "type": "message", "role": "assistant", "model": MODEL, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return _named({"type": "message_start", "message": message}) + _named(block)


def _anthropic_said(text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return _named({"type": "content_block_delta", "index": 0, "delta": delta})


def _anthropic_ended(tokens: Tokens) -> bytes:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    usage = {"output_tokens": tokens.written}
    return (
        _named({"type": "content_block_stop", "index": 0})
        + _named({"type": "message_delta", "delta": delta, "usage": usage})
        + _named({"type": "message_stop"})
    )


OPENAI: Final = Dialect(
    lambda _: _chunk({"role": "assistant", "content": ""}),
    lambda text: _chunk({"content": text}),
    _openai_ended,
)
ANTHROPIC: Final = Dialect(_anthropic_opened, _anthropic_said, _anthropic_ended)
