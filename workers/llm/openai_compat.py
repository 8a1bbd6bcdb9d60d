"""OpenAI's chat completions, as spoken by OpenAI, vLLM, Ollama, llama.cpp and most gateways.

The wire models below take what these servers are known to send. An answer is whole once its finish reason, or
``[DONE]``, is in; some servers send only one of them. Reasoning is not part of the answer and is left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from orchestrator.contracts import Usage
from orchestrator.errors import ModelError
from workers.llm.address import base_address, credential, identity
from workers.llm.answer import Answer, Limits
from workers.llm.failures import Target, complaint_in, failure_of
from workers.llm.http import Body, Endpoint
from workers.llm.protocol import Delta, Finish, FinishReason, ModelRequest, Spent

KEY_SETTING = "OPENAI_API_KEY"
URL_SETTING = "OPENAI_BASE_URL"
OPENAI_HOST = "api.openai.com"

_DONE = b"[DONE]"
_LENGTH = frozenset({"length", "max_tokens", "model_length"})
_REFUSED = frozenset({"content_filter", "refusal"})
_UNKNOWN_FIELD = re.compile(
    r"unsupported|not supported|unrecognized|unknown|unexpected|extra|not permitted|not allowed",
    re.IGNORECASE,
)

Tokens = Annotated[int, Field(ge=0)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Part(_Wire):
    type: str = "text"
    text: str | None = None


class _Message(_Wire):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Choice(_Wire):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Details(_Wire):
    cached_tokens: Tokens | None = None


class _Usage(_Wire):
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    prompt_tokens_details: _Details | None = None


class _Chunk(_Wire):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    object: str | None = None
    error: Any = None


@dataclass(frozen=True)
class Dialect:
    """How a server wants to be asked, as far as servers differ."""

    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    asks_for_usage: bool = True
    names_cache: bool = False


def adapted(dialect: Dialect, words: str) -> Dialect | None:
    """The dialect to try after a refusal in these words, or ``None`` where they are about something else."""
    if dialect.limit_field == "max_tokens" and "max_completion_tokens" in words:
        return replace(dialect, limit_field="max_completion_tokens")
    if not _UNKNOWN_FIELD.search(words):
        return None
    if dialect.asks_for_usage and "stream_options" in words:
        return replace(dialect, asks_for_usage=False)
    if dialect.names_cache and "prompt_cache_key" in words:
        return replace(dialect, names_cache=False)
    if dialect.limit_field == "max_completion_tokens" and "max_completion_tokens" in words:
        return replace(dialect, limit_field="max_tokens")
    return None


def cache_key(request: ModelRequest) -> str:
    """One key for the prompts of a job: OpenAI sends what carries the same key to the machine whose cache has it.

    By itself it goes by the first words of a prompt, which are the same for all jobs: more than one machine can take.
    """
    return hashlib.sha256(f"{request.system}\n{request.shared}".encode("utf-8", "replace")).hexdigest()[:32]


class OpenAICompatible:
    """A model behind ``POST {base_url}/chat/completions``. ``InvalidSettings`` for what cannot be called."""

    name = "openai"

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
            base_url=base_url,
            target=self._target,
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            key=key,
            limits=limits or Limits(),
        )
        # OpenAI's newer models refuse max_tokens; many other servers know nothing else.
        openai = address.host == OPENAI_HOST
        self._dialect = Dialect("max_completion_tokens" if openai else "max_tokens", names_cache=openai)

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta | Spent | Finish]:
        """See ``Provider.stream``."""
        dialect = self._dialect

        def reword(words: str) -> Body | None:
            nonlocal dialect
            better = adapted(dialect, words)
            if better is None:
                return None
            # Learned once for all later calls; calls under way learn it each for themselves.
            dialect = self._dialect = better
            return self._body(request, dialect)

        reading = _Reading(self.model, self._target)
        prompt = (request.system, *(turn.text for turn in request.turns))
        body = self._body(request, dialect)
        async with self._endpoint.post("chat/completions", body, prompt=prompt, reword=reword) as answer:
            yield Spent(reading.usage)
            while events := await answer.read():
                for event in events:
                    if event.data == _DONE:
                        reading.done = True
                        answer.whole(terminated=True)
                    elif text := reading.take(event.data, answer):
                        answer.speaks()
                        yield Delta(text)
            if not reading.done and reading.finish_reason is None:
                raise answer.cut()
        yield Spent(reading.usage)
        yield reading.finish()

    async def aclose(self) -> None:
        """Close kept connections."""
        await self._endpoint.aclose()

    def _body(self, request: ModelRequest, dialect: Dialect) -> Body:
        system = [{"role": "system", "content": request.system}] if request.system else []
        return {
            "model": self.model,
            "messages": [*system, *({"role": turn.role, "content": turn.text} for turn in request.turns)],
            dialect.limit_field: request.max_output_tokens,
            "stream": True,
            **({"stream_options": {"include_usage": True}} if dialect.asks_for_usage else {}),
            **(
                {"prompt_cache_key": cache_key(request)}
                if dialect.names_cache and request.shared_chars
                else {}
            ),
        }


class _Reading:
    """What is known of an answer while it is read."""

    def __init__(self, model: str, target: Target) -> None:
        self.usage = Usage(calls=1)
        self.finish_reason: str | None = None
        self.done = False
        self._refused = False
        self._model = model
        self._target = target

    def take(self, data: bytes, answer: Answer) -> str:
        """One chunk in; its text out. Raises what the chunk says went wrong."""
        try:
            chunk = _Chunk.model_validate_json(data)
        except ValidationError:
            raise answer.malformed() from None
        if chunk.error is not None or chunk.object == "error":
            complaint = complaint_in(data)
            raise answer.failed(failure_of(complaint.status or 500, complaint, self._target))
        if chunk.model:
            self._model = chunk.model
        if chunk.usage is not None:
            details = chunk.usage.prompt_tokens_details
            self.usage = Usage(
                input_tokens=chunk.usage.prompt_tokens or 0,
                output_tokens=chunk.usage.completion_tokens or 0,
                cached_tokens=(details and details.cached_tokens) or 0,
                calls=1,
            )
        return "".join(self._choice(choice, answer) for choice in chunk.choices or () if choice.index == 0)

    def finish(self) -> Finish:
        """The end. Raises ``ModelError`` where the model or its server declined."""
        if self._refused or self.finish_reason in _REFUSED:
            raise ModelError("model_refused", f"{self._model} declined to answer; rephrase the question")
        if self.finish_reason == "error":
            raise ModelError("provider", f"{self._target.host} reported an error at the end of its answer")
        reason: FinishReason = "length" if self.finish_reason in _LENGTH else "stop"
        return Finish(reason, self.usage, self._model)

    def _choice(self, choice: _Choice, answer: Answer) -> str:
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason
            answer.whole(terminated=False)
        message = choice.delta or choice.message
        if message is None:
            return ""
        if message.refusal:
            self._refused = True
        content = message.content
        if isinstance(content, list):
            return "".join(part.text or "" for part in content if part.type == "text")
        return content or ""
