"""Celery's result backend as Triptych needs it: a counter for chords, and nothing that a task could fail of."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.backends.redis import RedisBackend

log = logging.getLogger(__name__)


class QuietBackend(RedisBackend):
    """Celery's Redis backend without its subscriptions, and without errors.

    Producers wait on the job's event stream, never on an ``AsyncResult``; Celery subscribes to two channels per
    chord all the same, and never lets go of them (4 KB each, measured).
    """

    def restore_group(self, group_id: str, cache: bool = True) -> None:  # noqa: FBT001, FBT002 - celery's signature
        """Do not look for a group's saved results: Celery keeps them where groups stand inside a chord's header."""

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Do not subscribe for a message that is sent."""

    def add_pending_result(self, result: object, weak: bool = False) -> object:  # noqa: ARG002, FBT001, FBT002 - celery's signature
        """Do not subscribe for a member of a group either."""
        return result

    def on_chord_part_return(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - celery's signature
        """Count a member of a chord. Where Redis does not, the sweep sends what comes next."""
        with _kept_from_celery("a member of a chord was not counted"):
            super().on_chord_part_return(*arguments, **options)

    def store_result(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - celery's signature
        """Store the failure of a ``triptych.submit``, the one result that Celery stores here."""
        with _kept_from_celery("a failure was not told to its sender"):
            return super().store_result(*arguments, **options)


@contextmanager
def _kept_from_celery(what: str) -> Iterator[None]:
    """Log an error. Celery would drop the task without acknowledging its message, and never take one in its place."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the message is worth more
        log.warning("%s: %s", what, type(error).__name__)
