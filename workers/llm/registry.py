"""Which provider answers for ``provider:model``: one instance per process, to keep its connections warm."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

from orchestrator.errors import InvalidSettings
from orchestrator.settings import Settings
from workers.llm import loop
from workers.llm.address import base_address, credential
from workers.llm.anthropic import ANTHROPIC_HOST, Anthropic
from workers.llm.openai_compat import OPENAI_HOST, OpenAICompatible
from workers.llm.protocol import Provider

PERSONAS = ("thesis", "antithesis", "synthesis")

_CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class _Remote:
    """How one provider's settings become an instance."""

    make: Callable[[str, str, SecretStr | None], Provider]
    prefix: str
    host_with_keys: str

    def address_and_key(self, settings: Settings) -> tuple[str, SecretStr | None]:
        base_url: str = getattr(settings, f"{self.prefix}_base_url")
        key_setting, url_setting = f"{self.prefix.upper()}_API_KEY", f"{self.prefix.upper()}_BASE_URL"
        key = credential(getattr(settings, f"{self.prefix}_api_key"), key_setting)
        host = base_address(base_url, url_setting).host
        if key is None and host == self.host_with_keys:
            raise InvalidSettings(
                key_setting,
                f"is not set, and {host} needs it; set it, or point {url_setting} at another server",
            )
        return base_url, key


_REMOTES = {
    "openai": _Remote(OpenAICompatible, "openai", OPENAI_HOST),
    "anthropic": _Remote(Anthropic, "anthropic", ANTHROPIC_HOST),
}

_Identity = tuple[str, str, SecretStr | None]

_lock = threading.Lock()
_providers: dict[_Identity, Provider] = {}
# Kept on purpose: collecting them in a child after a fork would close the parent's connections.
_inherited: list[Provider] = []


def provider_for(spec: str, settings: Settings) -> Provider:
    """The provider that ``spec`` names: ``openai:MODEL``, ``anthropic:MODEL`` or ``extractive``.

    The same instance for the same spec, address and key, for the life of the process. Raises
    ``InvalidSettings`` naming the variable that is missing or wrong.
    """
    kind, identity = _identity(spec, settings)
    with _lock:
        provider = _providers.get(identity)
        if provider is None:
            provider = _providers[identity] = (
                _extractive() if kind is None else kind.make(*_arguments(identity))
            )
        return provider


def check_model(settings: Settings) -> None:
    """Raise ``InvalidSettings`` where a setting is missing that a persona's model needs. Calls nothing."""
    for persona in PERSONAS:
        _identity(settings.model_for(persona), settings)


def close() -> None:
    """Close all connections and the event loop. May be called twice; later calls start anew."""
    with _lock:
        providers = tuple(_providers.values())
        _providers.clear()
    if providers:
        closing = [loop.submit(provider.aclose()) for provider in providers]
        concurrent.futures.wait(closing, timeout=_CLOSE_TIMEOUT_S)
    loop.close()


def _identity(spec: str, settings: Settings) -> tuple[_Remote | None, _Identity]:
    prefix, _, model = spec.partition(":")
    if spec == "extractive":
        return None, (spec, "", None)
    if prefix not in _REMOTES or not model:
        raise InvalidSettings(
            "TRIPTYCH_MODEL", f"{spec!r} names no model; write openai:MODEL, anthropic:MODEL or extractive"
        )
    remote = _REMOTES[prefix]
    return remote, (spec, *remote.address_and_key(settings))


def _arguments(identity: _Identity) -> _Identity:
    spec, base_url, key = identity
    return spec.partition(":")[2], base_url, key


def _extractive() -> Provider:
    from workers.llm.extractive import Extractive  # noqa: PLC0415 - only a worker without a model pays for it

    return Extractive()


def _forget_the_parents() -> None:
    global _lock  # noqa: PLW0603 - the lock may have been held by a thread that is not here
    _lock = threading.Lock()
    _inherited.extend(_providers.values())
    _providers.clear()


os.register_at_fork(after_in_child=_forget_the_parents)
