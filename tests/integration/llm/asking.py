"""What all these tests ask, and how long they are willing to wait for it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any, cast

from orchestrator.contracts import Usage
from tests.unit.personas.cases import brief
from workers.llm import loop
from workers.llm.answer import Limits
from workers.llm.anthropic import Anthropic
from workers.llm.client import Completion, Model
from workers.llm.exchange import prompt_tokens
from workers.llm.openai_compat import OpenAICompatible
from workers.llm.protocol import ChatTurn, Delta, Finish, ModelRequest, Provider, Spent, estimated
from workers.llm.retry import RetryPolicy

QUICK = RetryPolicy(base_s=0.02, cap_s=0.1, least_s=0.0)
ONCE = RetryPolicy(max_attempts=1)
IMPATIENT = Limits(idle_s=0.3, tail_s=0.3)
"""For streams that fall silent after text."""
HASTY = Limits(first_text_s=0.3)
"""For endpoints that never say a word; on a busy machine others may be slower than this."""
PATIENCE_S = 20.0

QUESTION = "Should the harbour be closed in winter?"
REQUEST = ModelRequest(
    system="You are the thesis.",
    turns=(ChatTurn("user", QUESTION), ChatTurn("assistant", "Yes,"), ChatTurn("user", "Go on.")),
    brief=brief(),
    max_output_tokens=256,
)


def openai(url: str, **settings: Any) -> OpenAICompatible:
    return OpenAICompatible("some-model", f"{url}/v1", **settings)


def anthropic(url: str, **settings: Any) -> Anthropic:
    return Anthropic("some-model", url, **settings)


def complete(
    provider: Provider, *, policy: RetryPolicy = ONCE, within_s: float = PATIENCE_S, **how: Any
) -> Completion:
    model = Model(provider, policy=policy)
    try:
        return model.complete(REQUEST, deadline=time.monotonic() + within_s, **how)
    finally:
        loop.submit(provider.aclose()).result(PATIENCE_S)


def streamed(provider: Provider) -> list[Delta | Spent | Finish]:
    """All that the provider itself yields, without the client around it; its error is raised."""

    async def collect() -> list[Delta | Spent | Finish]:
        stream = cast("AsyncGenerator[Delta | Spent | Finish]", provider.stream(REQUEST))
        try:
            return [item async for item in stream]
        finally:
            await provider.aclose()

    return loop.submit(collect()).result(PATIENCE_S)


def uncounted(said: str, calls: int = 1) -> Usage:
    """What calls cost whose endpoint counted nothing, and that said this (each of them)."""
    tokens = (prompt_tokens(REQUEST) + estimated(said)) * calls
    return Usage(calls=calls, estimated_tokens=tokens)


def usage(input_tokens: int, output_tokens: int, cached_tokens: int = 0, calls: int = 1) -> Usage:
    return Usage(
        input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached_tokens, calls=calls
    )
