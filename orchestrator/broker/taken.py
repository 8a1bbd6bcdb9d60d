"""The messages that a worker process has taken: booked in Redis until they are acknowledged.

kombu ties them to the connection that they came by, and puts them back into their queues when it is lost. Here they
belong to the process, whose steps go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from kombu.asynchronous import get_event_loop
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.json import dumps

from orchestrator.broker.screening import PAYLOAD_BYTES

if TYPE_CHECKING:
    from orchestrator.broker.transport import Enduring

log = logging.getLogger(__name__)

SETTLED_WITHIN_S = 0.2
"""How long a message may wait to be booked, and an acknowledgement to be told, for others to go along with.

A step that ends in that time is not booked at all. Should the process die meanwhile, the sweep sends again what is not
done, sooner than a booked message comes back; and what comes back although it is done is dropped after one look at the
record. A message that carries a payload is in no record, so it is booked at once.
"""


class Taken(kombu_redis.QoS):
    """The messages that this process has taken and not yet acknowledged. It outlives the channel they came by.

    A message is booked in two keys once it was taken, and acknowledged there by its tag, which is unique: any
    connection will do, and any moment soon. All of it goes out together, and during an outage when Redis is back.
    """

    channel: Enduring

    def __init__(self, channel: Enduring, prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        self._unbooked: dict[str, Any] = {}
        self._owed: set[str] = set()
        self._in_doubt = False
        self._settling = False
        self._adrift = False

    def let_go(self) -> None:
        """The connection is lost. The steps go on, so nothing is put back into a queue, and acks have to wait."""
        self._adrift = True

    def move_to(self, channel: Enduring) -> None:
        """Go on over another connection."""
        self.channel, self._adrift = channel, False
        self._settle()

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's message
        """Take on a message that has left its queue. Where it cannot be booked it is worked on all the same."""
        virtual.QoS.append(self, message, delivery_tag)
        self._unbooked[delivery_tag] = message
        self._settle_soon(at_once=message.headers["task"] in PAYLOAD_BYTES)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, soon or as soon as Redis is back. Never raises."""
        virtual.QoS.ack(self, delivery_tag)
        if self._unbooked.pop(delivery_tag, None) is None or self._in_doubt:
            self._owed.add(delivery_tag)
            self._settle_soon()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Put a message back, or drop it as ``ack`` does. Never raises."""
        if not requeue:
            self.ack(delivery_tag)
            return
        self._settle()
        try:
            if delivery_tag not in self._unbooked:
                super().reject(delivery_tag, requeue)
                return
            why = "it could not be booked"
        except (redis.RedisError, OSError) as error:
            why = type(error).__name__
        # It is booked, or will be: two minutes later somebody puts it back.
        log.warning("a message was not put back: %s", why)
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

    def _settle_soon(self, *, at_once: bool = False) -> None:
        loop = get_event_loop()
        if at_once or loop is None:
            self._settle()
        elif not self._settling:
            self._settling = True
            loop.call_later(SETTLED_WITHIN_S, self._settle)

    def _settle(self) -> None:
        self._settling = False
        if self._adrift or not (self._unbooked or self._owed):
            return
        try:
            self._write()
        except (redis.RedisError, OSError) as error:
            # What is in doubt may be booked all the same. Should this process die too, the sweep sends the steps again.
            self._in_doubt = True
            counts = len(self._unbooked), len(self._owed)
            why = type(error).__name__
            log.warning(
                "%d messages could not be booked, %d acknowledgements wait for Redis: %s", *counts, why
            )

    def _write(self) -> None:
        """Book what was taken and acknowledge what is owed, in one round trip."""
        unbooked, owed = dict(self._unbooked), tuple(self._owed)
        with self._answered(), self.channel.conn_or_acquire() as client:
            # No transaction: kombu forgets an entry of the index that has no message.
            pipe = client.pipeline(transaction=False)
            if owed:
                pipe.zrem(self.unacked_index_key, *owed)
                pipe.hdel(self.unacked_key, *owed)
            if unbooked:
                pipe.zadd(self.unacked_index_key, dict.fromkeys(unbooked, time.time()))
                pipe.hset(self.unacked_key, mapping={tag: _booked(m) for tag, m in unbooked.items()})
            pipe.execute()
        self._owed.difference_update(owed)
        for tag in unbooked:
            self._unbooked.pop(tag, None)
        self._in_doubt = False

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except redis.TimeoutError:
            # A dead wire seldom comes alone, and the next one would hold the consumer up for as long again.
            self.channel.hang_up()
            raise


def _booked(message: Any) -> str:  # noqa: ANN401 - kombu's message
    """As kombu books it, which puts it back from there."""
    info = message.delivery_info
    return dumps([message._raw, info["exchange"], info["routing_key"]])
