"""The URL of a Redis behind sentinels: ``sentinel://HOST:26379;HOST:26379/0?master_name=NAME``. Pure.

As in Celery's URLs user and password are those of Redis, and semicolons part the sentinels; each may repeat
the whole address, as Celery has it. What Celery wants in options of its own is in the query here: ``master_name``, and
``sentinel_username`` and ``sentinel_password`` where the sentinels have a login too. ``sentinels://`` is TLS, to both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote

from orchestrator.settings.addresses import (
    TLS_OPTIONS,
    check_server_url,
    is_sentinels,
    pieces,
    query_of,
    split_url,
)

PORT = 26_379
EXAMPLE = "sentinel://HOST:26379;HOST:26379/0?master_name=NAME"
_OWN = ("master_name", "sentinel_username", "sentinel_password")


@dataclass(frozen=True)
class Sentinels:
    """Where to ask for the primary called ``master_name``, and how to talk to it and to its sentinels.

    ``login`` and ``sentinel_login`` hold ``username`` and ``password``, where there are any; ``tls`` the ``ssl_``
    options of redis-py, or is ``None`` without TLS.
    """

    hosts: tuple[tuple[str, int], ...]
    master_name: str
    database: int = 0
    login: dict[str, str] = field(default_factory=dict, repr=False)
    sentinel_login: dict[str, str] = field(default_factory=dict, repr=False)
    tls: dict[str, str] | None = None


def check_redis_url(url: str) -> None:
    """Raise ``ValueError`` unless the URL is one that we can connect to, a server's or sentinels'; never quotes it."""
    if is_sentinels(url):
        parse_sentinels(url)
    else:
        check_server_url(url)


def parse_sentinels(url: str) -> Sentinels:
    """Read such a URL. Raises ``ValueError``, whose text never quotes it."""
    scheme = url.partition("://")[0]
    parts = [split_url(piece) for piece in pieces(url)]
    if not all(part.hostname and part.scheme == scheme for part in parts):
        raise ValueError(f"names a sentinel without a host, or of another kind; write {EXAMPLE}")
    options = query_of(parts, known=(*_OWN, *TLS_OPTIONS) if scheme == "sentinels" else _OWN)
    name = options.pop("master_name", "")
    if not name:
        raise ValueError(f"does not say which primary the sentinels watch; write {EXAMPLE}")
    asked = {key.removeprefix("sentinel_"): options.pop(key) for key in _OWN if key in options}
    return Sentinels(
        hosts=tuple((part.hostname or "", part.port or PORT) for part in parts),
        master_name=name,
        database=_database(parts),
        login=_login(parts),
        sentinel_login=asked,
        tls={"ssl_cert_reqs": "required", **options} if scheme == "sentinels" else None,
    )


def _database(parts: list[SplitResult]) -> int:
    database = next((part.path.strip("/") for part in parts if part.path.strip("/")), "0")
    if not (database.isascii() and database.isdigit()):
        raise ValueError(f"names a database that is not a number; write {EXAMPLE}")
    return int(database)


def _login(parts: list[SplitResult]) -> dict[str, str]:
    """Celery repeats it with every sentinel; it is the same server's."""
    first = next((part for part in parts if "@" in part.netloc), None)
    if first is None:
        return {}
    given = {"username": first.username, "password": first.password}
    return {key: unquote(value) for key, value in given.items() if value}
