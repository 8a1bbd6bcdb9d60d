"""Secrets as they can be used: a login that can be typed, a key that fits a header."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr


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


Login = Annotated[SecretStr | None, AfterValidator(_login)]
Key = Annotated[SecretStr | None, AfterValidator(_key)]
"""One of blanks is none."""
