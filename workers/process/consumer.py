"""Celery's consumer, made to survive a lost connection, and messages that are well formed and still nobody's.

Those become dead letters; Celery would log their bodies and forget them.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import redis
import structlog
from celery.worker import consumer

from orchestrator.broker.screening import Code, Defect
from orchestrator.broker.taken import Taken

PAUSE_S = 1
"""Between two tries to connect. kombu's own pauses grow to 30 s, in which a server that is back goes unnoticed."""

log = structlog.get_logger(__name__)


class Consumer(consumer.Consumer):
    """Carries its messages from connection to connection, and refuses into the dead letters.

    The methods' names and arguments are Celery's.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - celery's own
        super().__init__(*arguments, **options)
        self._taken: Taken | None = None

    def connect(self) -> Any:  # noqa: ANN401 - kombu's connection
        """Connect, and go on with the messages of the connection before."""
        connection: Any = super().connect()
        channel = connection.default_channel
        if self._taken is not None:
            channel.take_over(self._taken)
        self._taken = channel.qos
        return connection

    def ensure_connected(self, conn: Any) -> Any:  # noqa: ANN401 - as above
        """Try until it works, at short intervals."""
        pauses = {"interval_start": PAUSE_S, "interval_max": PAUSE_S}
        conn.ensure_connection = partial(conn.ensure_connection, **pauses)
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Lose the connection, and nothing else."""
        if self._taken is not None:
            self._taken.let_go()
        if isinstance(exc, redis.ResponseError):
            time.sleep(PAUSE_S)  # it was refused, and would be refused again at once
        super().on_connection_error_after_connected(exc)

    def on_unknown_message(self, body: object, message: Any) -> None:  # noqa: ANN401, ARG002 - celery's signature
        """Handle a message that is no task."""
        self._refuse(message, "wrong_schema", "no task message")

    def on_unknown_task(self, body: object, message: Any, exc: Exception) -> None:  # noqa: ANN401, ARG002 - celery's signature
        """Handle a task that this worker does not have."""
        self._refuse(message, "unknown_task", "this worker has no such task; upgrade it, or drop the message")

    def on_invalid_task(self, body: object, message: Any, exc: Exception) -> None:  # noqa: ANN401, ARG002 - celery's signature
        """Handle a task whose headers say what cannot be."""
        self._refuse(message, "refused", f"Celery refused it: {exc}")

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ANN401 - celery's signature
        """Handle a body that does not decode."""
        self._refuse(message, "refused", f"its body does not decode ({type(exc).__name__})")

    def _refuse(self, message: Any, code: Code, reason: str) -> None:  # noqa: ANN401 - kombu's message
        task = str(message.headers.get("task", ""))[:100] if isinstance(message.headers, dict) else ""
        message.channel.bury_message(message, Defect(code, reason, task))
        message.reject_log_error(log, self.connection_errors)  # type: ignore[attr-defined]  # the stubs lack it
