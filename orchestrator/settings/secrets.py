"""Secrets as they can be used: a login that can be typed, a key that fits a header."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from orchestrator.contracts.base import TENANT_PATTERN

SHORTEST_KEY = 16
"""Of a program's key, in characters: nobody limits how often one may be guessed at."""


def _login(login: SecretStr | None) -> SecretStr | None:
    for each in login.get_secret_value().split(",") if login is not None else ():
        user, _, password = each.partition(":")
        if not (user and password and each.isascii() and each.isprintable() and each == each.strip()):
            raise ValueError("must be USER:PASSWORD in ASCII; several are separated by commas")
    return login


def _key(key: SecretStr | None) -> SecretStr | None:
    if key is None:
        return None
    value = key.get_secret_value().strip()
    if not value:
        return None
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ValueError("holds spaces, line breaks or letters outside ASCII; copy the key again")
    return SecretStr(value)


def _keys(keys: SecretStr | None) -> SecretStr | None:
    pairs = parse_keys(keys)
    for tenant, key in pairs:
        readable = key.isascii() and key.isprintable() and " " not in key
        if not (re.fullmatch(TENANT_PATTERN, tenant) and key and readable):
            raise ValueError(
                "must be TENANT=KEY, the key in ASCII without spaces; several are separated by commas"
            )
        if len(key) < SHORTEST_KEY:
            raise ValueError(
                f"holds a key of fewer than {SHORTEST_KEY} characters; openssl rand -hex 32 makes one"
            )
    if len({key for _, key in pairs}) < len(pairs):
        raise ValueError("gives the same key twice; give each tenant its own")
    return keys


def parse_keys(keys: SecretStr | None) -> tuple[tuple[str, str], ...]:
    """The (tenant, key) pairs of ``TRIPTYCH_API_KEYS``; a tenant may have several keys."""
    found = []
    for each in keys.get_secret_value().split(",") if keys is not None else ():
        tenant, _, key = each.strip().partition("=")
        found.append((tenant, key))
    return tuple(found)


Login = Annotated[SecretStr | None, AfterValidator(_login)]
Key = Annotated[SecretStr | None, AfterValidator(_key)]
"""One of blanks is none."""
ApiKeys = Annotated[SecretStr | None, AfterValidator(_keys)]
