"""Addresses and keys, checked before anything is sent. Pure, but for the environment that names a proxy."""

from __future__ import annotations

import ipaddress
import urllib.request

from pydantic import SecretStr
from yarl import URL

from orchestrator.errors import InvalidSettings


def base_address(text: str, setting: str) -> URL:
    """``text`` as an address. Raises ``InvalidSettings`` naming ``setting``."""
    try:
        url = URL(text.strip().rstrip("/"))
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidSettings(setting, "is not an http or https address; write it like https://host/v1")
    if url.user or url.password:
        raise InvalidSettings(setting, "holds a user name or password; give the key in its own variable")
    return url


def identity(url: URL) -> str:
    """What tells one endpoint from another: scheme, host, port and path, and no query, which may hold a key."""
    return f"{url.scheme}://{url.host}:{url.port}{url.path.rstrip('/')}"


def credential(key: SecretStr | None, setting: str) -> SecretStr | None:
    """``key`` fit for a header; an empty one is none. Raises ``InvalidSettings`` naming ``setting``."""
    text = key.get_secret_value().strip() if key else ""
    if not text:
        return None
    if not (text.isascii() and text.isprintable()):
        raise InvalidSettings(setting, "holds characters that no key has; copy it again")
    return SecretStr(text)


def is_loopback(url: URL) -> bool:
    """Whether the address is this machine's own."""
    host = url.host or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(url: URL) -> str | None:
    """The proxy that the environment names for this address; never one towards this machine itself."""
    if is_loopback(url):
        return None
    if url.host is None or urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get(url.scheme)
