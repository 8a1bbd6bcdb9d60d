"""Limits of models' endpoints as one line of settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

_NAME = re.compile(r"(openai|anthropic)(:[^\s:;][^\s;]*)?")
_FORM = "write it like: openai concurrency=64; openai:gpt-5-mini rpm=500 tpm=200000"


@dataclass(frozen=True)
class Limit:
    """What an endpoint or a deployment takes: calls at a time, and requests and tokens a minute; 0 is no limit."""

    concurrency: int = 0
    rpm: int = 0
    tpm: int = 0


def parse_limits(text: str) -> Mapping[str, Limit]:
    """Read ``openai concurrency=64; openai:gpt-5-mini rpm=500``; a provider alone stands for its whole endpoint.

    Raises ``ValueError`` that says what to write.
    """
    limits: dict[str, Limit] = {}
    for entry in filter(None, (part.split() for part in text.split(";"))):
        name, *pairs = entry
        if not _NAME.fullmatch(name):
            raise ValueError(f"names {name!r}, which is no provider and no provider:model; {_FORM}")
        if not pairs:
            raise ValueError(f"says no limit for {name!r}; {_FORM}")
        for pair in pairs:
            key, _, value = pair.partition("=")
            if key not in (field.name for field in fields(Limit)):
                raise ValueError(f"has {pair!r}, which is no limit; {_FORM}")
            if not (value.isascii() and value.isdecimal() and 0 < int(value) <= 10**9):
                raise ValueError(f"has {pair!r}, which is no number above 0; {_FORM}")
            limits[name] = replace(limits.get(name, Limit()), **{key: int(value)})
    return limits


def readable_limits(text: str) -> str:
    """The same text. Raises ``ValueError`` as ``parse_limits`` does."""
    parse_limits(text)
    return text
