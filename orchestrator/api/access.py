"""Who may do what. Decided from a request's method, path and headers, and from nothing else.

Operators come with a login (HTTP Basic) and see every tenant; programs come with a key (Bearer) and see their own. A
browser sends the login by itself, also at the wish of somebody else's page: so what carries a login, or nothing, has to
come from a page of ours, or from no page at all. A key is never sent by itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.api.problems import Problem
from orchestrator.errors import InvalidInput, InvalidSettings
from orchestrator.settings import Settings
from orchestrator.settings.secrets import parse_keys

OPEN = ("/healthz", "/readyz")
"""Probes: they come under the pod's address and with no credentials, and learn a yes or a no."""
PROGRAMS = "/api/"
"""Where a key is good for anything; everything else is the operators' page."""
_SAFE = ("GET", "HEAD")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="triptych", charset="UTF-8"'}


@dataclass(frozen=True)
class Caller:
    """Who asks. ``tenant`` of ``None`` is an operator, who sees all of them. ``name`` is for the ledger."""

    name: str
    tenant: str | None = None


@dataclass(frozen=True)
class Access:
    """What is let in: by ``logins`` (USER:PASSWORD), by ``keys`` (tenant, key), under ``hosts``; ``open`` is to all."""

    logins: tuple[str, ...] = field(default=(), repr=False)
    keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    hosts: frozenset[str] = frozenset(_LOOPBACK_NAMES)
    open: bool = False

    def decide(self, method: str, path: str, headers: Mapping[str, str]) -> Caller | Problem | None:
        """Say who asks, or why not; ``None`` is a probe. ``headers`` have their names in small letters."""
        if path in OPEN and method in _SAFE:
            return None
        if (host := host_of(headers.get("host", ""))) not in self.hosts:
            detail = f"this server is not {host[:80]!r}; start it with --allow-host and that name"
            return Problem(421, "unknown_host", detail)
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._program(path, credentials.strip())
        caller = self._operator(scheme, credentials.strip())
        if isinstance(caller, Problem):
            return caller
        if not _from_here(method, headers):
            return Problem(
                403, "cross_site", "another site's page asked for this; use a page of this server, or a key"
            )
        return caller

    def _program(self, path: str, key: str) -> Caller | Problem:
        tenant = _match(key, [(known, tenant) for tenant, known in self.keys])
        if tenant is None:
            detail = "this key is not known; see TRIPTYCH_API_KEYS"
            return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})
        if not path.startswith(PROGRAMS):
            return Problem(403, "forbidden", f"a key is good for {PROGRAMS} alone; the page wants a login")
        return Caller(f"the key of {tenant}", tenant)

    def _operator(self, scheme: str, credentials: str) -> Caller | Problem:
        if self.open:
            return Caller("an operator")
        login = _decoded(credentials) if scheme.lower() == "basic" else None
        user = _match(login or "", [(known, known.partition(":")[0]) for known in self.logins])
        if user is None:
            detail = "a login (HTTP Basic) or a key (Authorization: Bearer KEY) is needed"
            return Problem(401, "unauthorized", detail, headers=_CHALLENGE if self.logins else {})
        return Caller(user)


def access_for(settings: Settings, *, host: str, login: bool, names: Iterable[str] = ()) -> Access:
    """Say who is let in by these settings on this address. Raises ``InvalidSettings`` and ``InvalidInput``.

    ``names`` are further names that it is served under, beside the loopback's and ``host``.
    """
    if not login and not is_loopback(host):
        raise InvalidInput("--no-login", f"opens this machine's own address alone, not {host!r}")
    secret = settings.api_login.get_secret_value() if settings.api_login else ""
    keys = parse_keys(settings.api_keys)
    if login and not (secret or keys):
        raise InvalidSettings(
            "TRIPTYCH_API_LOGIN",
            "is not set, nor is TRIPTYCH_API_KEYS; put USER:PASSWORD there, or say --no-login to have the page on this "
            "machine alone without one",
        )
    return Access(
        logins=tuple(secret.split(",")) if secret and login else (),
        keys=keys,
        hosts=frozenset(host_of(name) for name in (*_LOOPBACK_NAMES, host, *names)),
        open=not login,
    )


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own alone."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The name in a ``Host`` header, without its port, in small letters; brackets of an IPv6 address go."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0].removesuffix(".")


def _match(offered: str, known: Iterable[tuple[str, str]]) -> str | None:
    """What belongs to the secret that was offered. Takes as long for a wrong one as for a right one."""
    digest, found = hashlib.sha256(offered.encode()).digest(), None
    for secret, belongs in known:
        if hmac.compare_digest(digest, hashlib.sha256(secret.encode()).digest()):
            found = belongs
    return found


def _decoded(credentials: str) -> str | None:
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _from_here(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request comes from one of our pages, or from no page: typed by a person, or sent by a program.

    Browsers say where a request comes from: in ``Sec-Fetch-Site`` where they trust the connection (TLS, this machine),
    else in the ``Origin`` of everything that may change something. A link on another site may be followed.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        followed = method in _SAFE and headers.get("sec-fetch-mode") == "navigate"
        return site in ("same-origin", "none") or followed
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == headers.get("host", "").strip().lower()
