"""URLs in settings: what they have to look like, and how people may see them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def check_redis_url(url: str) -> None:
    """Raise ``ValueError`` unless the URL is one that we can connect to; its text never quotes the URL."""
    parts = split_url(url)
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("names no socket; write unix:///path/to/redis.sock")
        return
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("must start with redis://, rediss:// (TLS) or unix:// (a socket)")
    if not parts.hostname:
        raise ValueError("names no host; write redis://HOST:6379/0")
    database = parts.path.removeprefix("/")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError("names a database that is not a number; write redis://HOST:6379/0")


def check_ledger_url(url: str) -> None:
    """Raise ``ValueError`` unless the URL is a Postgres'; its text never quotes the URL."""
    parts = split_url(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("must start with postgresql://; unset it to keep the ledger in TRIPTYCH_HOME")
    if not parts.hostname and "host=" not in parts.query:
        raise ValueError("names no host; write postgresql://USER:PASSWORD@HOST:5432/DATABASE")


def split_url(url: str) -> SplitResult:
    """Split a URL, port included; urllib's own messages would quote it, password and all."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or url != url.strip() or not url.isprintable():
        raise ValueError(
            "is not a URL that can be read; look at its port (1 to 65535), and write special characters of a "
            "password as %XX"
        )
    return parts


def masked_url(url: str) -> str:
    """Write a URL for people: user, host and path, but neither password nor query values."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "***"
    user = "" if "@" not in parts.netloc else f"{parts.username or ''}:***@"
    return f"{parts.scheme}://{user}{host}{parts.path}{'?***' if parts.query else ''}"
