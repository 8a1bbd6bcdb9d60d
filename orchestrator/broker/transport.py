"""kombu's Redis transport, made to survive what it reads and the loss of its server.

Input: kombu decodes a payload inside its event loop, where an exception ends the consumer. Here a bad one goes to the
dead letters instead, and the reader of the queue is told that nothing had come. Publishing is kombu's own.

Outages: kombu ties the messages that were taken to the connection that they came by, and puts them back into their
queues when it is lost. Here they belong to the process, whose steps go on: see ``Taken``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import redis
from kombu.asynchronous import get_event_loop
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps
from redis.sentinel import Sentinel

from orchestrator.broker.deadletters import bury
from orchestrator.broker.screening import Defect, screen
from orchestrator.store.following import Connection, SecureConnection

ALIAS = __name__.partition(".")[0]
"""The transport's name in broker URLs. kombu takes no import paths from there, and rightly so.

Named for our package: in ``triptych-client`` that has another name, and kombu's table is shared by the whole process.
"""
SENTINEL_ALIAS = f"{ALIAS}-sentinel"
TRANSPORT_ALIASES.update({ALIAS: f"{__name__}:Transport", SENTINEL_ALIAS: f"{__name__}:SentinelTransport"})

log = logging.getLogger(__name__)


class _ScreeningRedis(redis.Redis):
    """Looks at what a BRPOP brings."""

    def __init__(self, *, channel: _Enduring, **options: Any) -> None:  # noqa: ANN401 - redis-py's own
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


SETTLED_WITHIN_S = 0.2
"""How long an acknowledgement waits for others, or for a message that is booked, to go along with.

Should the process die meanwhile the message comes back after kombu's visibility timeout, and is dropped after one look
at the record, which has long had the step's output.
"""


class Taken(kombu_redis.QoS):
    """The messages that this process has taken and not yet acknowledged. It outlives the channel they came by.

    A message is booked in two keys when it is taken, and acknowledged there by its tag, which is unique: any
    connection will do, and any moment soon. What is owed goes out together, and during an outage when Redis is back.
    """

    channel: _Enduring

    def __init__(self, channel: _Enduring, prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        self._owed: set[str] = set()
        self._settling = False
        self._adrift = False

    def let_go(self) -> None:
        """The connection is lost. The steps go on, so nothing is put back into a queue, and acks have to wait."""
        self._adrift = True

    def move_to(self, channel: _Enduring) -> None:
        """Go on over another connection."""
        self.channel, self._adrift = channel, False
        self._settle()

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's message
        """Book a message that has left its queue. Where it cannot be booked it is worked on all the same."""
        try:
            self._write(message, delivery_tag)
        except (redis.RedisError, OSError) as error:
            # Should this process die too, the sweep sends the step again.
            log.warning("a message is worked on that could not be booked: %s", type(error).__name__)
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, soon or as soon as Redis is back. Never raises."""
        self._owed.add(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)
        loop = get_event_loop()
        if loop is None:
            self._settle()
        elif not self._settling:
            self._settling = True
            loop.call_later(SETTLED_WITHIN_S, self._settle)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Put a message back, or drop it as ``ack`` does. Never raises."""
        if not requeue:
            self.ack(delivery_tag)
            return
        try:
            super().reject(delivery_tag, requeue)
        except (redis.RedisError, OSError) as error:
            # It stays booked: in an hour at the latest somebody puts it back.
            log.warning("a message was not put back: %s", type(error).__name__)
            virtual.QoS.ack(self, delivery_tag)

    def restore_visible(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - kombu's signature
        """Kombu's turn for what other processes left behind; every few seconds."""
        self._settle()
        try:
            with self._answered():
                super().restore_visible(*arguments, **options)
        except redis.ResponseError as error:
            # A full Redis gives nobody the lock for it; kombu would log a traceback each time.
            log.debug("no turn for messages left behind: %s", error.status_code)

    def restore_unacked_once(self, stderr: Any = None) -> None:  # noqa: ANN401 - kombu's signature
        """At the end of the process: put back what nobody will work on. Not when only a connection has ended."""
        self._settle()
        if not self._adrift:
            super().restore_unacked_once(stderr)

    def _settle(self) -> None:
        self._settling = False
        if not self._owed or self._adrift:
            return
        try:
            self._write()
        except (redis.RedisError, OSError) as error:
            log.warning("%d acknowledgements wait for Redis: %s", len(self._owed), type(error).__name__)

    def _write(self, message: Any = None, delivery_tag: str = "") -> None:  # noqa: ANN401 - kombu's message
        """Book a message, if one is given, and acknowledge what is owed, in one round trip."""
        owed = tuple(self._owed)
        with self._answered(), self.channel.conn_or_acquire() as client:
            # No transaction: kombu forgets an entry of the index that has no message.
            pipe = client.pipeline(transaction=False)
            if message is not None:
                info = message.delivery_info
                booked = dumps([message._raw, info["exchange"], info["routing_key"]])
                pipe.zadd(self.unacked_index_key, {delivery_tag: time.time()})
                pipe.hset(self.unacked_key, delivery_tag, booked)
            if owed:
                pipe.zrem(self.unacked_index_key, *owed)
                pipe.hdel(self.unacked_key, *owed)
            pipe.execute()
        self._owed.difference_update(owed)

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except redis.TimeoutError:
            # A dead wire seldom comes alone, and the next one would hold the consumer up for as long again.
            self.channel.hang_up()
            raise


class _Enduring(kombu_redis.Channel):
    """A channel whose queues may hold anything, and whose messages outlive it."""

    QoS = Taken
    _commands: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        """The client for commands, made once: kombu makes one for each, which takes longer than the command."""
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # the stubs lack it
        if self._commands is None or self._commands.connection_pool is not self.pool:
            self._commands = super()._create_client()  # type: ignore[misc]  # as above
        return self._commands

    def _get_client(self) -> Any:  # noqa: ANN401 - a client's factory, as kombu has it
        return partial(_ScreeningRedis, channel=self)

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
        reading = self._in_poll  # type: ignore[attr-defined]  # the stubs lack it
        if reading:
            reading.disconnect()

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


class Channel(_Enduring):
    """To one server."""


class SentinelChannel(_Enduring, kombu_redis.SentinelChannel):
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
