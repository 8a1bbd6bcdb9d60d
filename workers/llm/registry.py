"""Which provider answers for ``provider:model``: one instance per process, to keep its connections warm."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.errors import InvalidSettings
from orchestrator.settings import Settings
from orchestrator.settings.chain import Choice
from orchestrator.settings.places import Place, choices, lacks_key, place_of
from workers.llm import loop
from workers.llm.address import base_address, credential
from workers.llm.anthropic import Anthropic
from workers.llm.openai_compat import OpenAICompatible
from workers.llm.protocol import Provider

_CLOSE_TIMEOUT_S = 5.0

_ADAPTERS: Mapping[str, type[OpenAICompatible | Anthropic]] = {
    "openai": OpenAICompatible,
    "anthropic": Anthropic,
}

_Identity = tuple[str, Place | None]

_lock = threading.Lock()
_providers: dict[_Identity, Provider] = {}
# Kept on purpose: collecting them in a child after a fork would close the parent's connections.
_inherited: list[Provider] = []


def provider_for(choice: Choice, settings: Settings) -> Provider:
    """The provider of a model: ``openai:MODEL``, ``anthropic:MODEL`` or ``extractive``.

    The same instance for the same model, address and key, for the life of the process. Raises
    ``InvalidSettings`` naming the variable that is missing or wrong.
    """
    identity = _checked(choice, settings)
    with _lock:
        provider = _providers.get(identity)
        if provider is None:
            provider = _providers[identity] = _made(choice, identity[1])
        return provider


def check_model(settings: Settings) -> None:
    """Raise ``InvalidSettings`` where a setting is missing that some model needs. Calls nothing."""
    for choice in choices(settings):
        _checked(choice, settings)


def close() -> None:
    """Close all connections and the event loop. May be called twice; later calls start anew."""
    with _lock:
        providers = tuple(_providers.values())
        _providers.clear()
    if providers:
        closing = [loop.submit(provider.aclose()) for provider in providers]
        concurrent.futures.wait(closing, timeout=_CLOSE_TIMEOUT_S)
    loop.close()


def _checked(choice: Choice, settings: Settings) -> _Identity:
    if choice.name != "extractive" and (choice.provider not in _ADAPTERS or choice.model == choice.name):
        raise InvalidSettings(
            "TRIPTYCH_MODEL",
            f"{choice.name!r} names no model; write openai:MODEL, anthropic:MODEL or extractive",
        )
    place = place_of(settings, choice)
    if place is not None:
        base_address(place.base_url, place.url_setting)
        place = replace(place, api_key=credential(place.api_key, place.key_setting))
        if problem := lacks_key(place):
            raise problem
    return choice.name, place


def _made(choice: Choice, place: Place | None) -> Provider:
    if place is None:
        return _extractive()
    return _ADAPTERS[choice.provider](
        choice.model,
        place.base_url,
        place.api_key,
        url_setting=place.url_setting,
        key_setting=place.key_setting,
    )


def _extractive() -> Provider:
    from workers.llm.extractive import Extractive  # noqa: PLC0415 - only a worker without a model pays for it

    return Extractive()


def _forget_the_parents() -> None:
    global _lock  # noqa: PLW0603 - the lock may have been held by a thread that is not here
    _lock = threading.Lock()
    _inherited.extend(_providers.values())
    _providers.clear()


os.register_at_fork(after_in_child=_forget_the_parents)
