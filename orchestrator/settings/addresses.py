"""URLs in settings: what they have to look like, and how people may see them."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlsplit

SENTINEL_SCHEMES = ("sentinel", "sentinels")
TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs")
_OPTIONS: dict[str, tuple[str, ...]] = {"redis": (), "rediss": TLS_OPTIONS, "unix": ("db",)}
"""What a URL's query may hold. redis-py would take more there, which kombu and Celery's result backend stumble over."""


def is_sentinels(url: str) -> bool:
    """Whether a URL names sentinels instead of a server; it need not be a good one."""
    return url.partition("://")[0] in SENTINEL_SCHEMES


def pieces(url: str) -> list[str]:
    """Split a URL of several sentinels into one URL each."""
    scheme = url.partition("://")[0]
    return [piece if "://" in piece else f"{scheme}://{piece}" for piece in url.split(";")]


def check_server_url(url: str) -> None:
    """Raise ``ValueError`` unless the URL is one Redis that we can connect to; its text never quotes the URL."""
    parts = split_url(url)
    if parts.scheme not in _OPTIONS:
        raise ValueError("must start with redis://, rediss:// (TLS), unix:// (a socket) or sentinel://")
    query_of([parts], known=_OPTIONS[parts.scheme])
    if ";" in url:
        raise ValueError(
            "holds a semicolon, which parts the URLs of sentinels; in a password write it as %3B"
        )
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("names no socket; write unix:///path/to/redis.sock")
        return
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


def check_base_url(url: str) -> None:
    """Raise ``ValueError`` unless the URL is an HTTP endpoint's, without a key in it; its text never quotes the URL."""
    parts = split_url(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an address; write http://HOST or https://HOST, with its port and path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; give the key in its own variable instead")


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


def query_of(parts: list[SplitResult], *, known: tuple[str, ...]) -> dict[str, str]:
    """Read the options after the question mark. Raises ``ValueError`` for one that is not ``known``."""
    found: dict[str, str] = {}
    for part in parts:
        found |= dict(parse_qsl(part.query, keep_blank_values=True))
    if not set(found) <= set(known):
        allowed = f"none of {', '.join(known)}" if known else "not known: this kind of URL takes none"
        raise ValueError(
            f"has an option after the question mark that is {allowed}; user and password go before the host, "
            "USER:PASSWORD@HOST"
        )
    return found


def masked_url(url: str) -> str:
    """Write a URL for people: user, host and path, but neither password nor query values."""
    return ";".join(_masked(piece) for piece in (pieces(url) if is_sentinels(url) else [url]))


def _masked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "***"
    user = "" if "@" not in parts.netloc else f"{parts.username or ''}:***@"
    return f"{parts.scheme}://{user}{host}{parts.path}{'?***' if parts.query else ''}"
