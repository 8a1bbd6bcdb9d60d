"""kombu's Redis transport, with every message screened before it is decoded.

kombu decodes a payload inside its event loop, where an exception ends the consumer. Here a bad one goes to the dead
letters instead, and the reader of the queue is told that nothing had come. Publishing is kombu's own.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps

from orchestrator.broker.deadletters import bury
from orchestrator.broker.screening import Defect, screen

ALIAS = __name__.partition(".")[0]
"""The transport's name in broker URLs. kombu takes no import paths from there, and rightly so.

Named for our package: in ``triptych-client`` that has another name, and kombu's table is shared by the whole process.
"""
TRANSPORT_ALIASES[ALIAS] = f"{__name__}:Transport"

log = logging.getLogger(__name__)


class _ScreeningRedis(redis.Redis):
    """Looks at what a BRPOP brings."""

    def __init__(self, *, channel: Channel, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        super().__init__(**options)
        self._channel = channel

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        reply = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]  # redis-py's own
        if command_name == "BRPOP" and reply:
            name, raw = reply
            # The answers to a remote control come to a queue of the asker's own, and are no task messages.
            answers = name.endswith(b".reply.celery.pidbox")
            defect = None if answers else screen(raw, name.decode(errors="replace"))
            if defect is not None:
                self._channel.bury(name.decode(errors="replace"), raw, defect)
                return None  # as after a timeout: the next read follows
        return reply


class Channel(kombu_redis.Channel):
    """A channel whose queues may hold anything."""

    def _get_client(self) -> Any:  # noqa: ANN401 - a client's factory, as kombu has it
        return partial(_ScreeningRedis, channel=self)

    def bury(self, queue: str, raw: bytes, defect: Defect) -> None:
        """Keep a message as a dead letter. Never raises: what cannot be kept is in the log, by its size and reason."""
        log.error("dead letter from %s: %s, %s (%d bytes)", queue, defect.code, defect.reason, len(raw))
        try:
            with self.conn_or_acquire() as client:
                bury(client, queue, raw, defect)
        except redis.RedisError as error:
            log.critical("a dead letter could not be kept: %s", type(error).__name__)

    def bury_message(self, message: Any, defect: Defect) -> None:  # noqa: ANN401 - kombu's message
        """Keep a message that was decoded, as it was in its queue."""
        raw = message._raw  # what kombu itself puts back into a queue
        priority = self._get_message_priority(raw, reverse=False)
        queue = self._q_for_pri(message.delivery_info.get("routing_key", ""), priority)  # type: ignore[attr-defined]  # the stubs lack it
        self.bury(queue, dumps(raw).encode(), defect)

    def _deliver_fanout_message(self, message: Any, exchange: str) -> Any:  # noqa: ANN401 - kombu's signature
        """Remote control has no queue to keep anything in: what is no message there is dropped.

        Not by ``Empty``, which would leave what else has been read for the next message to bring.
        """
        if not isinstance(message, dict) or not isinstance(message.get("properties"), dict):
            log.error("dropped a broadcast on %s that is no message", exchange)
            return False
        try:
            return super()._deliver_fanout_message(message, exchange)  # type: ignore[misc]  # the stubs lack it
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.error("dropped a broadcast on %s: %s", exchange, type(error).__name__)  # noqa: TRY400 - whoever can publish there could fill the log
            return False


class Transport(kombu_redis.Transport):
    """The Redis transport with that channel."""

    Channel = Channel
