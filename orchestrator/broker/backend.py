"""Celery's result backend as Triptych needs it: a counter for chords, and nothing that a task could fail of."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from celery.backends.redis import RedisBackend, SentinelBackend
from celery.canvas import Signature

from orchestrator.store.following import Connection, SecureConnection
from orchestrator.store.pool import Pool

CHORD_TTL_S = 7_200
"""A chord's count outlives every deadline that a job may have."""

log = logging.getLogger(__name__)

# KEYS counted size added; ARGV member ttl_s -> whether this member was the last. Counted once, however often it comes;
# size and added are Celery's, and the size is there before the last member is sent.
_COUNT = """
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[2])
local size = redis.call('GET', KEYS[2])
if not size or redis.call('SCARD', KEYS[1]) < size + (redis.call('GET', KEYS[3]) or 0) then return 0 end
redis.call('DEL', unpack(KEYS))
return 1
"""


class _Quiet(RedisBackend):
    """Celery's Redis backend without its subscriptions, and without errors.

    Producers wait on the job's event stream, never on an ``AsyncResult``; Celery subscribes to two channels per
    chord all the same, and never lets go of them (4 KB each, measured).
    """

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Do not subscribe for a message that is sent."""

    def add_pending_result(self, result: object, weak: bool = False) -> object:  # noqa: ARG002, FBT001, FBT002 - celery's signature
        """Do not subscribe for a member of a group either."""
        return result

    def add_to_chord(self, group_id: str, result: object) -> None:  # noqa: ARG002 - celery's signature
        """Count one more member of a chord; where that is the last that is heard of it, the count expires."""
        key = self.get_key_for_group(group_id, ".t")
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, CHORD_TTL_S)
            pipeline.execute()

    def on_chord_part_return(self, request: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401 - celery's signature
        """Count a member of a chord, and send what follows after the last. Where Redis does not, the sweep sends it.

        Celery keeps and joins the members' results, in four round trips. Here members have none and what follows is
        immutable, so one is enough. A member that failed counts too: the record knows what is missing.
        """
        if not request.group:
            return
        keys = [self.get_key_for_group(request.group, part) for part in (".d", ".s", ".t")]
        with _kept_from_celery("a member of a chord was not counted"):
            member, ttl_s = f"{request.id}:{request.group_index}", self.expires  # type: ignore[attr-defined]  # the stubs lack it
            if self._count(keys=keys, args=[member, ttl_s]):
                self._send(request.chord)

    def _send(self, callback: dict[str, Any]) -> None:
        Signature.from_dict(callback, app=self.app).apply_async()  # type: ignore[attr-defined]  # the stubs lack app

    @cached_property
    def _count(self) -> Any:  # noqa: ANN401 - redis-py's script
        return self.client.register_script(_COUNT)

    def store_result(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - celery's signature
        """Store the failure of a ``triptych.submit``, or the answer of a ``triptych.judge``: nothing else is."""
        with _kept_from_celery("a result was not told to its sender"):
            return super().store_result(*arguments, **options)


class QuietBackend(_Quiet):
    """On one server."""

    def _get_pool(self, **params: Any) -> Pool:  # noqa: ANN401 - celery's signature
        return Pool(**params)


class QuietSentinelBackend(_Quiet, SentinelBackend):
    """On whichever server the sentinels call the primary."""

    connection_class_ssl = SecureConnection

    def _get_pool(self, **params: Any) -> Any:  # noqa: ANN401 - redis-py's pool
        return super()._get_pool(**{"connection_class": Connection, **params})  # type: ignore[misc]  # the stubs lack it


@contextmanager
def _kept_from_celery(what: str) -> Iterator[None]:
    """Log an error. Celery would drop the task without acknowledging its message, and never take one in its place."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the message is worth more
        log.warning("%s: %s", what, type(error).__name__)
