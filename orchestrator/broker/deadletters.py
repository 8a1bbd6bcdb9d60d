"""Messages that no worker could take, kept with the reason: bounded, for a week, and replayable where they are whole.

They lie in one Redis stream, so that each has an id by which it can be shown, sent again or dropped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Annotated, cast

import redis
from pydantic import Field, ValidationError

from orchestrator.broker.screening import Code, Defect
from orchestrator.contracts.base import Frozen
from orchestrator.errors import InvalidInput
from orchestrator.store.connection import translated
from orchestrator.store.keys import ROOT
from orchestrator.store.stream import Entry

DEAD = f"{ROOT}:dead"
MAX_LETTERS = 500
KEPT_BYTES = 65_536
"""Of a longer message the beginning is kept: together at most 44 MB, and a long one cannot be sent again."""
TTL_S = 7 * 86_400


class DeadLetter(Frozen):
    """One message. ``queue`` is the Redis list it came from, ``size`` its length in bytes, ``raw`` base64."""

    id: str = ""
    code: Code
    reason: Annotated[str, Field(max_length=500)]
    task: str = ""
    queue: str
    size: int
    raw: str

    @property
    def at_ms(self) -> int:
        """When it was put here: epoch ms, Redis TIME."""
        return int(self.id.partition("-")[0] or 0)

    @property
    def whole(self) -> bool:
        """Whether all of it was kept."""
        return self.size <= KEPT_BYTES

    def content(self) -> bytes:
        """What was kept of the message."""
        return base64.b64decode(self.raw)


def bury(client: redis.Redis, queue: str, raw: bytes, defect: Defect) -> None:
    """Keep a message that cannot be worked on. Raises redis-py's errors (kombu's own client calls this too)."""
    letter = DeadLetter(
        code=defect.code,
        reason=defect.reason[:500],
        task=defect.task,
        queue=queue,
        size=len(raw),
        raw=base64.b64encode(raw[:KEPT_BYTES]).decode(),
    )
    pipeline = client.pipeline(transaction=False)
    pipeline.xadd(DEAD, {"d": letter.model_dump_json(exclude={"id"})}, maxlen=MAX_LETTERS, approximate=False)
    pipeline.expire(DEAD, TTL_S)
    pipeline.execute()


class DeadLetters:
    """Reads and empties the list. Every method raises ``StoreUnavailable`` when Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def all(self) -> Iterator[DeadLetter]:
        """Every letter, the newest first."""
        with translated():
            entries = cast("list[Entry]", self._client.xrevrange(DEAD))
        yield from (_read(*entry) for entry in entries)

    def get(self, letter_id: str) -> DeadLetter:
        """Find one letter. Raises ``InvalidInput`` where there is none of this id."""
        with translated():
            # The id is matched as text: an id of another form would be an error of the server's.
            found = next((letter for letter in self.all() if letter.id == letter_id), None)
        if found is None:
            raise InvalidInput(
                "ID", f"there is no dead letter {letter_id[:60]!r}; triptych dlq list shows them"
            )
        return found

    def replay(self, letter_id: str) -> DeadLetter:
        """Put a message back into the queue that it came from, and take it off the list, in one stroke.

        A message that still cannot be taken comes back as a new letter. Raises ``InvalidInput`` where it was too
        long to be kept whole.
        """
        letter = self.get(letter_id)
        if not letter.whole or not letter.queue:
            raise InvalidInput("ID", f"only the beginning of {letter.id!r} was kept; send the message anew")
        with translated():
            pipeline = self._client.pipeline(transaction=True)
            pipeline.lpush(letter.queue, letter.content())
            pipeline.xdel(DEAD, letter.id)
            pipeline.execute()
        return letter

    def drop(self, letter_id: str) -> DeadLetter:
        """Forget one letter. Raises ``InvalidInput`` where there is none of this id."""
        letter = self.get(letter_id)
        with translated():
            self._client.xdel(DEAD, letter.id)
        return letter

    def drop_all(self) -> int:
        """Forget every letter; returns how many there were."""
        with translated():
            pipeline = self._client.pipeline(transaction=True)
            pipeline.xlen(DEAD)
            pipeline.delete(DEAD)
            count, _ = pipeline.execute()
        return int(count)


def _read(entry_id: str, fields: dict[str, str]) -> DeadLetter:
    try:
        return DeadLetter.model_validate_json(fields["d"]).model_copy(update={"id": entry_id})
    except (KeyError, ValidationError):
        reason = "an entry that Triptych did not write; drop it"
        return DeadLetter(id=entry_id, code="unreadable", reason=reason, queue="", size=0, raw="")
