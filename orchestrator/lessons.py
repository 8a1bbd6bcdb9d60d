"""What ``auto`` was taught, in Redis: a lesson per mode and models, and a line in the ledger for who, when and why.

A lesson holds for every job whose plan is still to be made, on every worker whose models it is about.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import cast, get_args

import redis
from pydantic import ValidationError

from orchestrator.contracts import Lesson
from orchestrator.contracts.events import RouteTaught
from orchestrator.contracts.lesson import TaughtMode
from orchestrator.errors import InvalidInput
from orchestrator.settings import Settings
from orchestrator.settings.places import PERSONAS
from orchestrator.store import keys
from orchestrator.store.connection import time_ms, translated

MODES: tuple[TaughtMode, ...] = get_args(TaughtMode)
MOST_CHARS = 4_096
"""A longer one is none of ours."""


def models_of(settings: Settings) -> tuple[str, ...]:
    """The models of thesis, antithesis and synthesis, as configured: what lessons are about."""
    return tuple(settings.model_for(persona) for persona in PERSONAS)


def lessons(client: redis.Redis, models: tuple[str, ...]) -> Mapping[TaughtMode, Lesson]:
    """What was taught of these models. What cannot be read was not. Raises ``StoreUnavailable``."""
    with translated():
        found = cast(
            "list[str | None]",
            client.hmget(keys.LESSONS, [keys.lesson(mode, models) for mode in MODES]),
        )
    read = {mode: _read(raw) for mode, raw in zip(MODES, found, strict=True)}
    return {
        mode: lesson
        for mode, lesson in read.items()
        if lesson is not None and (lesson.mode, lesson.models) == (mode, models)
    }


def teach(client: redis.Redis, lesson: Lesson) -> Lesson:
    """Keep a lesson, in the place of the one before. Raises ``InvalidInput`` and ``StoreUnavailable``."""
    if not lesson.why.strip():
        raise InvalidInput("--why", "is empty; say why, for whoever finds jobs in another mode than expected")
    kept = lesson.model_copy(update={"since_ms": time_ms(client)})
    with translated():
        event = RouteTaught(
            event_id=uuid.uuid4().hex,
            mode=kept.mode,
            models=kept.models,
            lesson=kept,
            who=kept.who,
            why=kept.why,
        )
        transaction = client.pipeline(transaction=True)
        transaction.hset(keys.LESSONS, keys.lesson(kept.mode, kept.models), kept.model_dump_json())
        transaction.xadd(keys.LEDGER, {"e": event.model_dump_json()})
        transaction.execute()
    return kept


def forget(client: redis.Redis, mode: TaughtMode, models: tuple[str, ...], *, who: str, why: str) -> bool:
    """Let the settings decide again; False where nothing was taught. Raises ``StoreUnavailable``."""
    field = keys.lesson(mode, models)
    with translated():
        if not client.hexists(keys.LESSONS, field):
            return False
        event = RouteTaught(
            event_id=uuid.uuid4().hex, mode=mode, models=models, who=who[:200], why=why.strip()[:500]
        )
        transaction = client.pipeline(transaction=True)
        transaction.hdel(keys.LESSONS, field)
        transaction.xadd(keys.LEDGER, {"e": event.model_dump_json()})
        transaction.execute()
    return True


def _read(raw: str | None) -> Lesson | None:
    if raw is None or len(raw) > MOST_CHARS:
        return None
    try:
        return Lesson.model_validate_json(raw, extra="ignore")
    except ValidationError:
        return None
