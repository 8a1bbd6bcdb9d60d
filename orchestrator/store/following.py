"""A client that follows sentinels: each new connection asks them where the primary is."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

from orchestrator.settings.sentinels import Sentinels

TIMEOUT_S = 1.0
"""A sentinel that says nothing for so long is passed over: the next one is asked."""


def follow(watched: Sentinels, options: dict[str, Any]) -> redis.Redis:
    """Make a client for the primary; no connection is made yet. ``options`` are redis-py's for its connections."""
    manager: Any = Sentinel(watched.hosts, sentinel_kwargs=asking(watched))  # type: ignore[no-untyped-call]  # redis-py's own
    secure = {"connection_class": SecureConnection, **watched.tls} if watched.tls is not None else {}
    following: redis.Redis = manager.master_for(
        watched.master_name,
        redis_class=_Following,
        **{"connection_class": Connection, "db": watched.database, **watched.login, **secure, **options},
    )
    return following


def asking(watched: Sentinels) -> dict[str, Any]:
    """How to talk to the sentinels themselves, in redis-py's words."""
    secure = {"ssl": True, **watched.tls} if watched.tls is not None else {}
    return {
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        **watched.sentinel_login,
        **secure,
    }


class _Following(redis.Redis):
    def close(self) -> None:
        """Close the connections to the primary, and those to the sentinels, which redis-py leaves open."""
        super().close()
        pool: Any = self.connection_pool
        pool.sentinel_manager.close()


class _Leaving:
    """A server that has lost its replicas may have lost its place with them: the next connection asks again.

    redis-py does so for one that has become a replica itself.
    """

    def read_response(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        try:
            return super().read_response(*arguments, **options)  # type: ignore[misc]  # of the connection
        except ResponseError as error:
            if "NOREPLICAS" in str(error):
                self.mark_for_reconnect()  # type: ignore[attr-defined]  # as above
            raise


class Connection(_Leaving, SentinelManagedConnection):
    """To the primary of now."""


class SecureConnection(_Leaving, SentinelManagedSSLConnection):
    """The same, over TLS."""
