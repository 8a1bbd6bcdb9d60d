"""Celery's consumer, for messages that are well formed and still nobody's: they become dead letters.

Celery would log their bodies and forget them.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery.worker import consumer

from orchestrator.broker.screening import Code, Defect

log = structlog.get_logger(__name__)


class Consumer(consumer.Consumer):
    """Refuses into the dead letters. The methods' names and arguments are Celery's."""

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
