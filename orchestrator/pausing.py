"""Pausing queues: a durable flag in Redis that every worker looks at, and a line in the ledger for who, when and why.

The flag is the wish; workers make it so within ``WORKERS_LOOK_EVERY_S``. Nothing is broadcast: a worker that was
starting, or cut off from Redis, at the moment of the command obeys it all the same. What is running goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, cast

import redis
from pydantic import Field, ValidationError

from orchestrator.broker import ALL_QUEUES
from orchestrator.contracts.base import Frozen
from orchestrator.contracts.events import QueuePaused, QueueResumed
from orchestrator.errors import InvalidInput
from orchestrator.store import keys
from orchestrator.store.connection import time_ms, translated

WORKERS_LOOK_EVERY_S = 2.0
PAUSED = f"{keys.ROOT}:paused"
"""Hash: a queue's short name (``thesis``) to its ``Pause``."""


class Pause(Frozen):
    """Why a queue is paused. ``since_ms`` is Redis TIME, epoch."""

    who: Annotated[str, Field(max_length=200)]
    why: Annotated[str, Field(max_length=500)]
    since_ms: int


def paused(client: redis.Redis) -> dict[str, Pause]:
    """Read which queues are paused. Raises ``StoreUnavailable``.

    A flag that cannot be read is a pause all the same: going on would be the wrong guess.
    """
    with translated():
        flags = cast("dict[str, str]", client.hgetall(PAUSED))
    return {queue: _read(raw) for queue, raw in sorted(flags.items()) if queue in ALL_QUEUES}


def pause(client: redis.Redis, queues: Sequence[str], *, who: str, why: str) -> tuple[str, ...]:
    """Pause queues; returns those that were not paused before. Raises ``InvalidInput`` and ``StoreUnavailable``."""
    wanted = _checked(queues)
    if not why.strip():
        raise InvalidInput("--why", "is empty; say why, for whoever finds the queue standing still")
    already = paused(client)
    flag = Pause(who=who[:200], why=why.strip()[:500], since_ms=time_ms(client))
    with translated():
        for queue in (new := tuple(q for q in wanted if q not in already)):
            event = QueuePaused(event_id=uuid.uuid4().hex, queue=queue, who=flag.who, why=flag.why)
            transaction = client.pipeline(transaction=True)
            transaction.hset(PAUSED, queue, flag.model_dump_json())
            transaction.xadd(keys.LEDGER, {"e": event.model_dump_json()})
            transaction.execute()
    return new


def resume(client: redis.Redis, queues: Sequence[str], *, who: str, why: str = "") -> tuple[str, ...]:
    """Let queues go on; returns those that were paused. Raises ``InvalidInput`` and ``StoreUnavailable``."""
    wanted = _checked(queues)
    already = paused(client)
    with translated():
        for queue in (ended := tuple(q for q in wanted if q in already)):
            event = QueueResumed(event_id=uuid.uuid4().hex, queue=queue, who=who[:200], why=why.strip()[:500])
            transaction = client.pipeline(transaction=True)
            transaction.hdel(PAUSED, queue)
            transaction.xadd(keys.LEDGER, {"e": event.model_dump_json()})
            transaction.execute()
    return ended


def _checked(queues: Sequence[str]) -> tuple[str, ...]:
    for queue in queues:
        if queue not in ALL_QUEUES:
            raise InvalidInput(
                "QUEUE", f"{queue!r} is no queue; choose from {', '.join(ALL_QUEUES)}, or --all"
            )
    return tuple(dict.fromkeys(queues))


def _read(raw: str) -> Pause:
    try:
        return Pause.model_validate_json(raw)
    except ValidationError:
        return Pause(who="unknown", why="the flag in Redis cannot be read", since_ms=0)
