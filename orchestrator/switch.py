"""The mode switch: a flag in Redis that every plan step reads, and a line in the ledger for who, when and why.

It holds for every job whose plan is still to be made, on every worker, from the moment it is set. A job that has its
plan keeps its mode.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal, cast, get_args

import redis
from pydantic import Field, ValidationError

from orchestrator.contracts.base import ArguedMode, Frozen
from orchestrator.contracts.events import ModeSet
from orchestrator.errors import InvalidInput
from orchestrator.store import keys
from orchestrator.store.connection import time_ms, translated

SWITCH = f"{keys.ROOT}:mode"
"""String: the ``Switch``; absent where the deployment's settings decide."""

Switchable = Literal["auto", ArguedMode]
"""What a fleet may be switched to: a single call answers a job that asks for it, and no other."""
MODES: tuple[Switchable, ...] = get_args(Switchable)


class Switch(Frozen):
    """What the operators set. ``force`` has it beat a job's own wish too. ``since_ms`` is Redis TIME, epoch."""

    mode: Switchable
    force: bool = False
    who: Annotated[str, Field(max_length=200)]
    why: Annotated[str, Field(max_length=500)]
    since_ms: int


def current(client: redis.Redis) -> Switch | None:
    """Read the switch; ``None`` where it is not set. Raises ``StoreUnavailable``.

    A flag that cannot be read means sequential, the mode that needs no trust.
    """
    with translated():
        return read_switch(cast("str | None", client.get(SWITCH)))


def read_switch(raw: str | None) -> Switch | None:
    """Read what the key holds."""
    if raw is None:
        return None
    try:
        return Switch.model_validate_json(raw)
    except ValidationError:
        return Switch(mode="sequential", who="unknown", why="the flag in Redis cannot be read", since_ms=0)


def set_mode(client: redis.Redis, mode: Switchable, *, who: str, why: str, force: bool = False) -> Switch:
    """Set the switch; the last one to do so holds. Raises ``InvalidInput`` and ``StoreUnavailable``."""
    if not why.strip():
        raise InvalidInput("--why", "is empty; say why, for whoever finds jobs in another mode than expected")
    if force and mode == "auto":
        raise InvalidInput("--force", "goes with sequential or parallel; auto leaves a job its own wish")
    since_ms = time_ms(client)
    switch = Switch(mode=mode, force=force, who=who[:200], why=why.strip()[:500], since_ms=since_ms)
    with translated():
        event = ModeSet(event_id=uuid.uuid4().hex, mode=mode, force=force, who=switch.who, why=switch.why)
        transaction = client.pipeline(transaction=True)
        transaction.set(SWITCH, switch.model_dump_json())
        transaction.xadd(keys.LEDGER, {"e": event.model_dump_json()})
        transaction.execute()
    return switch


def clear_mode(client: redis.Redis, *, who: str, why: str = "") -> bool:
    """Let the deployment's settings decide again; False where nothing was set. Raises ``StoreUnavailable``."""
    if current(client) is None:
        return False
    event = ModeSet(event_id=uuid.uuid4().hex, mode=None, who=who[:200], why=why.strip()[:500])
    with translated():
        transaction = client.pipeline(transaction=True)
        transaction.delete(SWITCH)
        transaction.xadd(keys.LEDGER, {"e": event.model_dump_json()})
        transaction.execute()
    return True
