"""Which models a persona may run on, and where each of them is called with which key."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from orchestrator.errors import InvalidSettings
from orchestrator.settings.addresses import split_url
from orchestrator.settings.chain import Choice, parse_fallbacks
from orchestrator.settings.model import Settings, variables

PERSONAS = ("thesis", "antithesis", "synthesis")
JUDGE = "judge"
"""Who gives a second opinion; it is no persona, and has no fallbacks."""
_HOSTS_WITH_KEYS = ("api.openai.com", "api.anthropic.com")


@dataclass(frozen=True)
class Place:
    """Where a model is called and with which key; the ``_setting`` fields name the variables to look at."""

    base_url: str
    api_key: SecretStr | None
    url_setting: str
    key_setting: str


def chain_for(settings: Settings, persona: str) -> tuple[Choice, ...]:
    """The models that a persona may run on, its own first. The extractive engine never needs another."""
    own = Choice(settings.model_for(persona))
    if own.provider == "extractive":
        return (own,)
    fallbacks = parse_fallbacks(settings.fallback, elsewhere=settings.fallback_base_url is not None)
    return (own, *(choice for choice in fallbacks if not choice.is_same(own)))


def choices(settings: Settings) -> tuple[Choice, ...]:
    """Every model that any persona or the judge may run on, once per place."""
    found: list[Choice] = []
    judge = (Choice(settings.model_judge),) if settings.model_judge else ()
    for each in (*(chain_for(settings, persona) for persona in PERSONAS), judge):
        found += [c for c in each if not any(c.is_same(known) for known in found)]
    return tuple(found)


def place_of(settings: Settings, choice: Choice) -> Place | None:
    """Where a model is called; ``None`` for the extractive engine."""
    if choice.provider == "extractive":
        return None
    field = "fallback" if choice.elsewhere else choice.provider
    (url_setting, *_), (key_setting, *_) = variables(f"{field}_base_url"), variables(f"{field}_api_key")
    base_url, key = getattr(settings, f"{field}_base_url"), getattr(settings, f"{field}_api_key")
    return Place(base_url, key, url_setting, key_setting)


def missing_keys(settings: Settings) -> tuple[InvalidSettings, ...]:
    """What keeps models from being called: public endpoints that take no call without a key, one problem a key."""
    places = (place_of(settings, choice) for choice in choices(settings))
    problems = {place.key_setting: lacks_key(place) for place in places if place is not None}
    return tuple(problem for problem in problems.values() if problem is not None)


def require_keys(settings: Settings) -> None:
    """Raise the first of ``missing_keys``."""
    for problem in missing_keys(settings):
        raise problem


def lacks_key(place: Place) -> InvalidSettings | None:
    """The problem of a place that takes no call without a key and has none."""
    host = split_url(place.base_url).hostname
    if place.api_key is not None or host not in _HOSTS_WITH_KEYS:
        return None
    return InvalidSettings(
        place.key_setting,
        f"is not set, and {host} needs it; set it, or point {place.url_setting} at another server",
    )
