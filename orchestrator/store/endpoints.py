"""What the workers of a fleet share about models' endpoints: who may call now, who waits, who is cooling or broken.

A call passes two scopes, the endpoint's and that of the deployment (one model there), and takes a permit of each.
Permits are leases: they run out by themselves when a worker dies. What counts as success or failure is decided by
the caller; here it is only counted. Ids are hashes of addresses, so that no key or value holds one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import redis

from orchestrator.settings.limits import Limit
from orchestrator.store import endpoint_scripts, keys
from orchestrator.store.connection import translated

PERMIT_MS = 6_000
"""How long a permit, a place in line or a probe outlives its last renewal."""
MOST_COOLING_S = 3_600.0
"""Longest pause that an endpoint can impose on the fleet: no job lives longer."""
MAX_NAME_CHARS = 120

Obstacle = Literal["cooling", "open", "probing", "full", "rate"]
Said = Literal["ok", "failed", "nothing"]
Change = Literal["cooled", "opened", "closed"]


@dataclass(frozen=True)
class BreakerPolicy:
    """When a breaker opens, and for how long (ms): doubled with every probe that fails, up to ``most_ms``.

    It opens at ``failures`` within ``window_ms`` where they are at least this ``share`` of the calls.
    """

    window_ms: int = 30_000
    failures: int = 5
    share: float = 0.5
    open_ms: int = 5_000
    most_ms: int = 60_000


@dataclass(frozen=True)
class Scope:
    """An endpoint, or one deployment on it; ``name`` is what people see of it, and holds no address."""

    id: str
    name: str
    limit: Limit

    @classmethod
    def of(cls, address: str, name: str, limit: Limit) -> Scope:
        """The scope of ``name`` at an address (no credentials, no query)."""
        digest = hashlib.sha256(f"{address} {name}".encode()).hexdigest()
        return cls(digest[:24], name[:MAX_NAME_CHARS], limit)

    @property
    def key(self) -> str:
        """Its hash."""
        return keys.ENDPOINT + self.id

    def as_json(self) -> dict[str, Any]:
        """As the scripts read it."""
        limit = self.limit
        return {
            "id": self.id, "name": self.name,
            "concurrency": limit.concurrency, "rpm": limit.rpm, "tpm": limit.tpm,
        }  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """The answer to asking for permits: ``obstacle`` is ``None`` where they were given.

    Else ``name`` is the scope in whose line the call waits, and ``at_least_s`` for how long it certainly has to.
    ``holds`` says that what was given has to be kept.
    """

    obstacle: Obstacle | None = None
    holds: bool = False
    at_least_s: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class EndpointState:
    """An endpoint or deployment that is, or lately was, in trouble; times in s from now."""

    name: str
    cooling_s: float
    is_open: bool
    open_s: float
    opens: int


class EndpointStore:
    """Blocking; safe to share between threads. Every method raises ``StoreUnavailable`` when Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._ask = client.register_script(endpoint_scripts.ASK)
        self._keep = client.register_script(endpoint_scripts.KEEP)
        self._settle = client.register_script(endpoint_scripts.SETTLE)
        self._look = client.register_script(endpoint_scripts.LOOK)

    def ask(
        self, token: str, scopes: Sequence[Scope], *, order: int, tokens: int, at_once: bool = False
    ) -> Turn:
        """Ask for a permit of every scope, or for a place in line; ask again within ``PERMIT_MS`` to keep the place.

        ``token`` is ``process/number``. A lower ``order`` is served first, within it who came first. ``tokens`` are
        reserved until ``settle``. With ``at_once`` nothing is kept of a call that may not pass now: it takes no place
        in line, passes nobody who has one, and probes no breaker.
        """
        call = {
            "token": token, "wake_root": keys.TURN, "lease_ms": PERMIT_MS, "order": order, "tokens": tokens,
            "at_once": at_once, "scopes": [scope.as_json() for scope in scopes],
        }  # fmt: skip
        with translated():
            status, why, wait_ms, name = self._ask(keys=[s.key for s in scopes], args=[json.dumps(call)])
        if status == "granted":
            return Turn(holds=bool(wait_ms))
        return Turn(cast("Obstacle", why), at_least_s=int(wait_ms) / 1_000, name=name)

    def keep(self, calls: Sequence[tuple[str, Sequence[Scope]]]) -> None:
        """Renew the permits of running calls, in one round trip."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            for token, scopes in calls:
                args = [json.dumps({"token": token, "lease_ms": PERMIT_MS})]
                self._keep(keys=[scope.key for scope in scopes], args=args, client=pipeline)
            pipeline.execute()

    def settle(
        self,
        token: str,
        scopes: Sequence[Scope],
        said: Sequence[Said],
        *,
        cool_s: float = 0.0,
        tokens: int = 0,
        used: int = 0,
        policy: BreakerPolicy,
    ) -> list[tuple[Change, str]]:
        """Give the permits back, or the place in line; returns what this changed, each with the scope's name.

        ``said`` is what the call says of each scope. ``cool_s`` lets the last scope rest. ``tokens`` were
        reserved and ``used`` were spent.
        """
        call = {
            "token": token, "wake_root": keys.TURN, "cool_ms": round(min(cool_s, MOST_COOLING_S) * 1_000),
            "tokens": tokens, "used": used, "breaker": asdict(policy),
            "scopes": [{**scope.as_json(), "said": each} for scope, each in zip(scopes, said, strict=True)],
        }  # fmt: skip
        with translated():
            changes = self._settle(keys=[*(s.key for s in scopes), keys.ENDPOINTS], args=[json.dumps(call)])
        return [(change, name) for change, name in changes]

    def woken(self, process: str, *, timeout_s: float) -> list[str]:
        """The tokens of this process's calls that are to ask again; blocks until there are some, or for so long."""
        key = keys.TURN + process
        with translated():
            first = cast("tuple[str, str] | None", self._client.blpop([key], timeout=timeout_s))
            if first is None:
                return []
            more = cast("list[str] | None", self._client.lpop(key, 1_000))
        return [first[1], *(more or ())]

    def look(self) -> tuple[EndpointState, ...]:
        """Every endpoint and deployment that something happened to in the last two hours, by name."""
        with translated():
            found = self._look(keys=[keys.ENDPOINTS], args=[json.dumps({"root": keys.ENDPOINT})])
        states = (
            EndpointState(name, int(cooling) / 1_000, bool(is_open), int(left) / 1_000, int(opens))
            for name, cooling, is_open, left, opens in found
        )
        return tuple(sorted(states, key=lambda state: state.name))
