"""The judge's desk: whether some worker takes questions at this moment, how many lie there, and since when.

Producers may look, so it says nothing of workers but that there is one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

import redis

from orchestrator.store import keys
from orchestrator.store.connection import translated
from orchestrator.store.room import BELIEVED_MS

MOST_WAITING = 200
"""Questions that may lie there: at a hundred thousand characters each, some 160 MB of Redis' memory."""


def question_id(tenant: str, now_ms: int) -> str:
    """A fresh question's task id. It holds when it was asked, as a UUID of version 7 does; ``now_ms`` is Redis TIME."""
    return f"judge.{tenant}.{now_ms:012x}7{uuid.uuid4().hex[13:]}"


def asked_ms(task_id: str) -> int | None:
    """When a question was asked (epoch ms); ``None`` where its id, an older client's, does not say."""
    name = task_id.rpartition(".")[2]
    return int(name[:12], 16) if name[12] == "7" else None


@dataclass(frozen=True)
class Seen:
    """``served``: a worker has said of late that it takes questions. ``waiting`` questions are taken by none yet."""

    served: bool
    waiting: int

    @property
    def room(self) -> int:
        """Questions that may be laid down."""
        return max(0, MOST_WAITING - self.waiting)


class Desk:
    """Blocking. ``queue`` is the judge's. Both methods raise ``StoreUnavailable`` when Redis is away."""

    def __init__(self, client: redis.Redis, queue: str) -> None:
        self._client = client
        self._lists = keys.queue_lists(queue)

    def serve(self) -> None:
        """A process takes questions; it has to say so again within ``BELIEVED_MS``."""
        with translated():
            self._client.set(keys.DESK, "1", px=BELIEVED_MS)

    def look(self) -> Seen:
        """Look, in one round trip and O(1)."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.exists(keys.DESK)
            for name in self._lists:
                pipeline.llen(name)
            served, *waiting = cast("list[int]", pipeline.execute())
        return Seen(served=bool(served), waiting=sum(waiting))
