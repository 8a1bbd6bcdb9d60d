"""kombu's Redis transport, made to survive what it reads and the loss of its server.

Input: kombu decodes a payload inside its event loop, where an exception ends the consumer. Here a bad one goes to the
dead letters instead, and the reader of the queue is told that nothing had come. Publishing is kombu's own.

Outages: the messages that were taken outlive the connection that they came by (``orchestrator.broker.taken``).
"""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps, loads
from redis.sentinel import Sentinel

from orchestrator.broker.deadletters import bury
from orchestrator.broker.screening import Defect, Screened, screen
from orchestrator.broker.taken import Taken
from orchestrator.store.following import Connection, SecureConnection
from orchestrator.store.pool import Pool

ALIAS = __name__.partition(".")[0]
"""The transport's name in broker URLs. kombu takes no import paths from there, and rightly so.

Named for our package: in ``triptych-client`` that has another name, and kombu's table is shared by the whole process.
"""
SENTINEL_ALIAS = f"{ALIAS}-sentinel"
TRANSPORT_ALIASES.update({ALIAS: f"{__name__}:Transport", SENTINEL_ALIAS: f"{__name__}:SentinelTransport"})

log = logging.getLogger(__name__)


class Message(virtual.Message):
    """A message whose body was read when it was screened, and is not read again."""

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:  # noqa: ANN401 - kombu's signature
        super().__init__(payload, channel, **options)
        if isinstance(payload, Screened):
            self._decoded_cache = payload.content


class Enduring(kombu_redis.Channel):
    """A channel whose queues may hold anything, and whose messages outlive it."""

    QoS = Taken
    Message = Message
    _commands: Any = None
    # kombu's own, which the stubs lack.
    connection_errors: tuple[type[Exception], ...]
    _queue_cycle: Any
    _in_poll: Any

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        """The client for commands, made once: kombu makes one for each, which takes longer than the command."""
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # the stubs lack it
        if self._commands is None or self._commands.connection_pool is not self.pool:
            self._commands = super()._create_client()  # type: ignore[misc]  # as above
        return self._commands

    def _brpop_read(self, **options: Any) -> bool:  # noqa: ANN401 - kombu's signature
        """Kombu's own, but that a message is screened, and read once: what the screening has read is delivered."""
        connection = self.client.connection
        try:
            try:
                reply = self.client.parse_response(connection, "BRPOP", **options)
            except self.connection_errors:
                connection.disconnect()
                raise
            name, message = self._screened(*reply) if reply else ("", None)
            if message is None:
                raise Empty  # as after a timeout: the next read follows
            queue = name.rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            self.connection._deliver(message, queue)
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()  # type: ignore[attr-defined]  # the stubs lack it

    def _screened(self, key: bytes, raw: bytes) -> tuple[str, dict[str, Any] | None]:
        """The list that a message came from, and the message; where it cannot be taken it is buried."""
        name = key.decode(errors="replace")
        if name.endswith(".reply.celery.pidbox"):
            # The answers to a remote control come to a queue of the asker's own, and are no task messages. Of one that
            # came too late the asker has gone; kombu would put it back, for nobody.
            return name, loads(raw) if name in (self.connection._callbacks or ()) else None
        read = screen(raw, name)
        if isinstance(read, Defect):
            self.bury(name, raw, read)
            return name, None
        return name, read

    def take_over(self, taken: Taken) -> None:
        """Go on with the messages of a channel whose connection was lost."""
        self._qos = taken
        taken.move_to(self)

    def maybe_refresh_binding_expiry(self) -> None:
        """Kombu's upkeep of the queues for remote control; every second."""
        try:
            super().maybe_refresh_binding_expiry()  # type: ignore[misc]  # the stubs lack it
        except redis.ResponseError as error:
            log.debug("no upkeep of queues: %s", error.status_code)  # as above

    def hang_up(self) -> None:
        """Close every connection of this channel; each is made anew when it is next needed."""
        self.pool.disconnect()
        if self._in_poll:
            self._in_poll.disconnect()

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


class Channel(Enduring):
    """To one server."""

    def _get_pool(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        pool = super()._get_pool(asynchronous)  # type: ignore[misc]  # the stubs lack it
        if asynchronous:
            return pool
        return Pool(pool.connection_class, pool.max_connections, **pool.connection_kwargs)


class SentinelChannel(Enduring, kombu_redis.SentinelChannel):
    """To whichever server the sentinels call the primary.

    kombu would have the sentinels in the broker's URL as alternatives, and on a lost connection go on with the next one
    of these, by its own transport instead of this one.
    """

    from_transport_options = (*kombu_redis.SentinelChannel.from_transport_options, "sentinels")
    connection_class, connection_class_ssl = Connection, SecureConnection
    sentinels: tuple[tuple[str, int], ...]
    master_name: str
    sentinel_kwargs: dict[str, Any]

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        params = self._connparams(asynchronous)  # type: ignore[attr-defined]  # the stubs lack it
        for name in ("host", "port"):
            del params[name]
        manager: Any = Sentinel(self.sentinels, sentinel_kwargs=self.sentinel_kwargs)  # type: ignore[no-untyped-call]  # redis-py's own
        # By these names kombu closes them.
        if asynchronous:
            self._async_sentinel_manager = manager
        else:
            self._sentinel_manager = manager
        return manager.master_for(self.master_name, **params).connection_pool


class Transport(kombu_redis.Transport):
    """The Redis transport with that channel."""

    Channel = Channel


class SentinelTransport(kombu_redis.SentinelTransport):
    """The same, for a Redis behind sentinels."""

    Channel = SentinelChannel
