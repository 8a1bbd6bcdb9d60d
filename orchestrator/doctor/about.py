"""What a worker says of itself when it is asked (Celery's remote control, one broadcast for all workers)."""

from __future__ import annotations

import time
from typing import Annotated

from celery import Celery
from kombu.exceptions import OperationalError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.exceptions import RedisError

from orchestrator.contracts.base import Sequence
from orchestrator.errors import StoreUnavailable

COMMAND = "triptych_about"
Words = Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Sequence, Field(max_length=1_000)]


class About(BaseModel):
    """One worker. Fields that a later version adds are passed over.

    ``queues`` it takes from now, by short name; ``serves`` those it was started for. ``corpora`` it can read;
    ``problems`` are what it cannot use of its home. ``archive`` is where it keeps the ledger, for people, and
    ``archive_id`` the same for comparing; empty where that is not known. ``judge`` is the model that is set for the
    judge, if one is. ``time_ms`` is its own clock's, epoch.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str
    process_id: int
    version: str
    protocol: int
    time_ms: int
    queues: Words = ()
    serves: Words = ()
    models: Words = ()
    corpora: Words = ()
    problems: Words = ()
    archive: Annotated[str, Field(max_length=500)] = ""
    archive_id: Annotated[str, Field(max_length=500)] = ""
    judge: Annotated[str, Field(max_length=300)] = ""

    @property
    def name(self) -> str:
        """Host and process."""
        return f"{self.host}:{self.process_id}"


class Answers(BaseModel):
    """The workers that answered in time; by the clock of whoever asked (epoch ms), between these two moments."""

    model_config = ConfigDict(frozen=True)

    workers: tuple[About, ...]
    unknown: int = 0
    asked_ms: int
    until_ms: int


def ask_workers(app: Celery, *, timeout_s: float = 1.5) -> Answers:
    """Ask every connected worker; blocks for ``timeout_s``. Raises ``StoreUnavailable``.

    ``unknown`` counts workers that answered with something else: those of another version, say.
    """
    asked = _now_ms()
    try:
        replies = app.control.broadcast(COMMAND, reply=True, timeout=timeout_s)
    except (OperationalError, RedisError, OSError) as problem:
        raise StoreUnavailable("Redis cannot be reached by Celery; check REDIS_URL") from problem
    found: list[About] = []
    unknown = 0
    for reply in replies or ():
        for said in reply.values():
            try:
                found.append(About.model_validate(said))
            except ValidationError:
                unknown += 1
    return Answers(
        workers=tuple(sorted(found, key=lambda about: about.name)),
        unknown=unknown,
        asked_ms=asked,
        until_ms=_now_ms(),
    )


def _now_ms() -> int:
    return int(time.time() * 1_000)
