"""The gate that every call to a model's endpoint passes: pauses, limits and breakers that a whole fleet shares.

A call asks for permits on its way in and gives them back on its way out; in between nothing is done for it but the
renewal of its permits, so a streamed chunk costs no more than without a gate. A call that has to wait holds a place
in line and no permit; it is told when its turn comes, and asks again every ``REASK_S`` all the same.

Without Redis calls go on: each process then keeps to the concurrency limits by itself, to the pauses that it knows
of, and to nothing else. No step begins while Redis is away, so this concerns calls of steps that were running.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog

from orchestrator.contracts import Usage
from orchestrator.errors import ModelError
from orchestrator.settings.limits import Limit
from orchestrator.store.endpoints import BreakerPolicy, Change, EndpointStore, Obstacle, Said, Scope, Turn
from workers.llm.consequences import cooling_s, said
from workers.llm.meters import Meters
from workers.llm.permits import Permits, Settle
from workers.llm.protocol import Provider

REASK_S = 2.0
"""A waiting call asks again at least this often: its place in line is a lease too."""
SPREAD_S = 2.0
"""Calls that waited for the same moment come back spread over so long."""
LEAST_S = 0.5
"""With less than this left, nothing is begun."""

_WHY: Mapping[Obstacle, str] = {
    "cooling": "it asked for a pause",
    "open": "it failed too often, and rests",
    "probing": "it failed too often, and one call is trying it",
    "full": "as many calls as TRIPTYCH_MODEL_LIMITS allows are running",
    "rate": "TRIPTYCH_MODEL_LIMITS allows no more in this minute",
}

log = structlog.get_logger(__name__)


def next_ask(turn: Turn, remaining_s: float, *, jitter: float) -> float | None:
    """Seconds after which a call that was not let through asks again; ``None`` where its time will not do.

    ``jitter`` is uniform in [0, 1): nobody comes back in the same moment as all others.
    """
    if turn.at_least_s + LEAST_S > remaining_s:
        return None
    is_near = 0 < turn.at_least_s <= REASK_S
    wait_s = turn.at_least_s + jitter * SPREAD_S if is_near else REASK_S
    return min(wait_s, remaining_s - LEAST_S)


@dataclass
class Entry:
    """A call that was let through. The caller keeps ``usage`` and ``spoke`` up to date while it runs."""

    since: float = field(default_factory=time.monotonic)
    usage: Usage = field(default_factory=Usage)
    spoke: bool = False
    deployment: Scope | None = None


class Gate:
    """One process's gate. Its coroutines run on the process's loop."""

    def __init__(
        self,
        permits: Permits,
        limits: Mapping[str, Limit] | None = None,
        *,
        meters: Meters | None = None,
        breaker: BreakerPolicy | None = None,
    ) -> None:
        self._permits = permits
        self._limits = limits or {}
        self.meters = meters or Meters()
        self._breaker = breaker or BreakerPolicy()

    @asynccontextmanager
    async def entered(
        self,
        provider: Provider,
        *,
        order: int,
        tokens: int,
        until: float,
        deadline: float,
        at_once: bool = False,
    ) -> AsyncIterator[Entry]:
        """Pass, make the call, and leave, however that ends. A provider without an address passes freely.

        Waits until ``until`` (``time.monotonic()``) at most and fails at once where that cannot be enough, with
        ``ModelError("overloaded")``. A lower ``order`` passes first. ``tokens`` are reserved, and given back as far
        as they were not used. ``deadline`` is when the call itself is cut. One that has to pass ``at_once`` waits for
        nothing: it fails where it would have to.
        """
        entry = Entry()
        if not provider.address:
            yield entry
            return
        visit = _Visit(self._permits, provider.name, self.scopes(provider), order, tokens, at_once=at_once)
        try:
            await self._pass(visit, until)
        except BaseException as error:
            # It made no call, so it says nothing of the endpoint.
            await self._leave(visit, ("nothing", "nothing"), cut=isinstance(error, asyncio.CancelledError))
            raise
        entry.since, entry.deployment = time.monotonic(), visit.scopes[-1]
        try:
            yield entry
        except BaseException as error:
            cut = isinstance(error, asyncio.CancelledError)
            silent_s = 0.0
            if cut and not entry.spoke and time.monotonic() >= deadline:
                silent_s = time.monotonic() - entry.since
            says, cool_s = said(error, silent_s=silent_s), cooling_s(error)
            await self._leave(visit, says, cool_s=cool_s, used=entry.usage.tokens, cut=cut)
            raise
        await self._leave(visit, said(None), used=entry.usage.tokens)

    def close(self) -> None:
        """Give back what is still to be given back. Call it once no call runs any more."""
        self._permits.close()

    def scopes(self, provider: Provider) -> tuple[Scope, Scope]:
        """What a call to it passes: its endpoint, and the deployment there."""
        endpoint, there = (
            Scope.of(provider.address, name, self._limits.get(name, Limit()))
            for name in (provider.name, f"{provider.name}:{provider.model}")
        )
        return endpoint, there

    async def _pass(self, visit: _Visit, until: float) -> None:
        began, jitter = time.monotonic(), random.random()  # noqa: S311 - spreads load, guards nothing
        turn: Turn | None = None
        called, loop = asyncio.Event(), asyncio.get_running_loop()
        while True:
            called.clear()
            before, turn = turn, await visit.ask(lambda: loop.call_soon_threadsafe(called.set))
            if turn.obstacle is None:
                if before is not None and before.obstacle is not None:
                    self.meters.waited(visit.provider, before.obstacle, time.monotonic() - began)
                return
            wait_s = next_ask(turn, until - time.monotonic(), jitter=jitter)
            if visit.at_once:
                raise ModelError("overloaded", _refusal(turn))
            if wait_s is None:
                self.meters.waited(visit.provider, turn.obstacle, time.monotonic() - began)
                raise ModelError("overloaded", _refusal(turn))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await called.wait()

    async def _leave(
        self,
        visit: _Visit,
        says: tuple[Said, Said],
        *,
        cool_s: float = 0.0,
        used: int = 0,
        cut: bool = False,
    ) -> None:
        """Give everything back. A call that was cut does not wait for Redis: its time is up, or its worker stops."""
        if cool_s:
            self._permits.rest(visit.scopes[-1], cool_s)

        def settle(store: EndpointStore) -> list[tuple[Change, str]]:
            return store.settle(
                visit.token, visit.scopes, says,
                cool_s=cool_s, tokens=visit.tokens, used=used, policy=self._breaker,
            )  # fmt: skip

        def tell(changes: list[tuple[Change, str]]) -> None:
            for change, name in changes:
                log.warning("endpoint_changed", name=name, now=change)
                self.meters.changed(visit.provider, change)

        settling = visit.settle(settle)
        settling.add_done_callback(lambda done: tell(done.result()))
        if not cut:
            await asyncio.wrap_future(settling)


class _Visit:
    """One call at the gate."""

    def __init__(
        self,
        permits: Permits,
        provider: str,
        scopes: tuple[Scope, Scope],
        order: int,
        tokens: int,
        *,
        at_once: bool,
    ) -> None:
        self.token = permits.token()
        self.provider = provider
        self.scopes = scopes
        self.tokens = tokens
        self.at_once = at_once
        self._permits = permits
        self._order = order
        self._asking: Future[Turn] = Future()

    async def ask(self, wake: Callable[[], object]) -> Turn:
        """Ask once."""
        self._asking = self._permits.ask(
            self.token, self.scopes, wake, order=self._order, tokens=self.tokens, at_once=self.at_once
        )
        return await asyncio.wrap_future(self._asking)

    def settle(self, settle: Settle) -> Future[list[tuple[Change, str]]]:
        """Give back, once the last ask is through."""
        return self._permits.settle(self.token, settle, after=self._asking)


def _refusal(turn: Turn) -> str:
    wait = f" for {turn.at_least_s:.0f} s more" if turn.at_least_s >= 1 else ""
    return f"no call to {turn.name} was let through in time: {_WHY[turn.obstacle or 'full']}{wait}"
