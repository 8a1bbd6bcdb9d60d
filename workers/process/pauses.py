"""Makes this worker obey paused queues: looks at the flags every two seconds and takes or leaves queues to match.

Only queues that this worker was started for are ever taken up again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog
from celery import Celery
from celery.worker.consumer import Consumer

from orchestrator.broker import queue_for
from orchestrator.errors import StoreUnavailable
from orchestrator.pausing import WORKERS_LOOK_EVERY_S, paused

log = structlog.get_logger(__name__)


class Pauses:
    """One process's obedience. ``consumer`` is asked each time: it is not there before the first connection."""

    def __init__(
        self, client: redis.Redis, queues: Sequence[str], consumer: Callable[[], Consumer | None]
    ) -> None:
        self._client = client
        self._queues = tuple(queues)
        self._consumer = consumer
        self._left: frozenset[str] = frozenset()
        self._stop = threading.Event()

    def before_start(self, app: Celery) -> None:
        """Leave out paused queues from the first connection on. Raises ``StoreUnavailable``."""
        self._left = self._wanted()
        app.amqp.queues.deselect([queue_for(queue) for queue in self._left])
        if self._left:
            log.warning("queues_paused", queues=sorted(self._left))

    @property
    def serving(self) -> frozenset[str]:
        """The queues that are taken from now."""
        return frozenset(self._queues) - self._left

    def start(self) -> None:
        """Begin to look, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-pauses", daemon=True).start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(WORKERS_LOOK_EVERY_S):
            try:
                self.turn()
            except StoreUnavailable as error:
                # The last wish that was heard stays in force.
                log.debug("pauses_not_read", error=str(error))

    def turn(self) -> None:
        """Look once, and act on what has changed."""
        consumer, wanted = self._consumer(), self._wanted()
        if consumer is None or wanted == self._left:
            return
        for queue in sorted(wanted - self._left):
            consumer.call_soon(_leave, consumer, queue_for(queue))
        for queue in sorted(self._left - wanted):
            consumer.call_soon(_take, consumer, queue_for(queue))
        log.warning("queues_paused" if wanted else "queues_resumed", queues=sorted(wanted or self._left))
        self._left = wanted

    def _wanted(self) -> frozenset[str]:
        return frozenset(paused(self._client)).intersection(self._queues)


# Both run on the consumer's own thread. Between two connections there is nobody to tell: the selection alone decides
# what the next one takes.


def _leave(consumer: Any, queue: str) -> None:  # noqa: ANN401 - celery-types lacks task_consumer
    if consumer.task_consumer is not None and consumer.connection is not None:
        consumer.cancel_task_queue(queue)
    else:
        consumer.app.amqp.queues.deselect([queue])


def _take(consumer: Any, queue: str) -> None:  # noqa: ANN401 - as above
    if consumer.task_consumer is not None and consumer.connection is not None:
        consumer.add_task_queue(queue)
    else:
        consumer.app.amqp.queues.select_add(consumer.app.amqp.queues[queue])
