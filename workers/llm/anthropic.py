"""Anthropic's messages API, streamed. An answer is whole once its stop reason is in. Thinking is left out.

The API caches a prompt's beginning only up to a mark: it is put where the part ends that a job's prompts share.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from orchestrator.contracts import Usage
from orchestrator.errors import ModelError
from workers.llm.address import base_address, credential, identity
from workers.llm.answer import Answer, Limits
from workers.llm.failures import Target, complaint_in, failure_of
from workers.llm.http import Body, Endpoint
from workers.llm.protocol import Delta, Finish, FinishReason, ModelRequest, Spent, estimated

KEY_SETTING = "ANTHROPIC_API_KEY"
URL_SETTING = "ANTHROPIC_BASE_URL"
API_VERSION = "2023-06-01"

LEAST_CACHED_TOKENS = 1_024
"""What the API caches at least, with any of its models; some ask for more, and then ignore the mark."""

_LENGTH = frozenset({"max_tokens", "model_context_window_exceeded"})

Tokens = Annotated[int, Field(ge=0)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Usage(_Wire):
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None


class _Block(_Wire):
    """A content block, a piece of one, or a message's end: the fields never clash."""

    type: str | None = None
    text: str | None = None
    stop_reason: str | None = None


class _Message(_Wire):
    model: str | None = None
    usage: _Usage | None = None


class _Event(_Wire):
    type: str = ""
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Block | None = None
    usage: _Usage | None = None
    error: Any = None
    # A gateway that does not stream sends the message itself.
    content: list[_Block] | None = None
    model: str | None = None
    stop_reason: str | None = None


class Anthropic:
    """A model behind ``POST {base_url}/v1/messages``. ``InvalidSettings`` for what cannot be called."""

    name = "anthropic"

    def __init__(
        self,
        model: str,
        base_url: str,
        api_key: SecretStr | None = None,
        *,
        limits: Limits | None = None,
        url_setting: str = URL_SETTING,
        key_setting: str = KEY_SETTING,
    ) -> None:
        self.model = model
        key = credential(api_key, key_setting)
        address = base_address(base_url, url_setting)
        self.address = identity(address)
        self._target = Target(address.authority, model, key_setting, url_setting)
        self._endpoint = Endpoint(
            base_url=base_url.strip().rstrip("/").removesuffix("/v1"),
            target=self._target,
            headers={
                "anthropic-version": API_VERSION,
                **({"x-api-key": key.get_secret_value()} if key else {}),
            },
            key=key,
            limits=limits or Limits(),
        )

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta | Spent | Finish]:
        """See ``Provider.stream``."""
        reading = _Reading(self.model, self._target)
        prompt = (request.system, *(turn.text for turn in request.turns))
        async with self._endpoint.post("v1/messages", self._body(request), prompt=prompt) as answer:
            spent = reading.usage
            yield Spent(spent)
            while events := await answer.read():
                for event in events:
                    text = reading.take(event.data, answer)
                    if reading.usage is not spent:
                        spent = reading.usage
                        yield Spent(spent)
                    if text:
                        answer.speaks()
                        yield Delta(text)
            if reading.stop_reason is None:
                raise answer.cut()
        yield reading.finish()

    async def aclose(self) -> None:
        """Close kept connections."""
        await self._endpoint.aclose()

    def _body(self, request: ModelRequest) -> Body:
        first, *others = request.turns
        return {
            "model": self.model,
            "max_tokens": request.max_output_tokens,
            **({"system": request.system} if request.system else {}),
            "messages": [
                {"role": first.role, "content": _marked(request)},
                *({"role": turn.role, "content": turn.text} for turn in others),
            ],
            "stream": True,
        }


class _Reading:
    """What is known of an answer while it is read."""

    def __init__(self, model: str, target: Target) -> None:
        self.usage = Usage(calls=1)
        self.stop_reason: str | None = None
        self._counts = _Usage()
        self._model = model
        self._target = target

    def take(self, data: bytes, answer: Answer) -> str:
        """One event in; its text out. Raises what the event says went wrong."""
        try:
            event = _Event.model_validate_json(data)
        except ValidationError:
            raise answer.malformed() from None
        if event.error is not None or event.type == "error":
            complaint = complaint_in(data)
            raise answer.failed(failure_of(complaint.status or 500, complaint, self._target))
        match event.type:
            case "content_block_delta":
                return _text(event.delta, "text_delta")
            case "content_block_start":
                return _text(event.content_block, "text")
            case "message_start" if event.message is not None:
                self._model = event.message.model or self._model
                self._count(event.message.usage)
            case "message_delta":
                self._count(event.usage)
                self._stop(event.delta.stop_reason if event.delta else None, answer)
            case "message_stop":
                answer.whole(terminated=True)
            case "message":
                self._model = event.model or self._model
                self._count(event.usage)
                self._stop(event.stop_reason, answer)
                return "".join(_text(block, "text") for block in event.content or ())
            case _:
                pass  # pings, block ends, and what the API will add: it asks clients to pass over them
        return ""

    def finish(self) -> Finish:
        """The end. Raises ``ModelError`` where the model declined."""
        if self.stop_reason == "refusal":
            raise ModelError("model_refused", f"{self._model} declined to answer; rephrase the question")
        reason: FinishReason = "length" if self.stop_reason in _LENGTH else "stop"
        return Finish(reason, self.usage, self._model)

    def _stop(self, reason: str | None, answer: Answer) -> None:
        if reason:
            self.stop_reason = reason
            answer.whole(terminated=False)

    def _count(self, usage: _Usage | None) -> None:
        """Later counts replace earlier ones, those left out stay: they are totals, not additions."""
        if usage is None:
            return
        known = self._counts = self._counts.model_copy(update=usage.model_dump(exclude_none=True))
        cached = known.cache_read_input_tokens or 0
        self.usage = Usage(
            # Anthropic's input_tokens leaves the cache's reads and writes out; ours is the total.
            input_tokens=(known.input_tokens or 0) + (known.cache_creation_input_tokens or 0) + cached,
            output_tokens=known.output_tokens or 0,
            cached_tokens=cached,
            calls=1,
        )


def _marked(request: ModelRequest) -> str | list[dict[str, Any]]:
    """The first turn; the end of what other calls will begin with is marked where the API would cache it."""
    text, shared = request.turns[0].text, request.shared
    if not shared or estimated(request.system, shared) < LEAST_CACHED_TOKENS:
        return text
    kept = {"type": "text", "text": shared, "cache_control": {"type": "ephemeral"}}
    own = text[len(shared) :]
    return [kept, {"type": "text", "text": own}] if own.strip() else [kept]


def _text(block: _Block | None, kind: str) -> str:
    return (block.text or "") if block is not None and block.type == kind else ""
