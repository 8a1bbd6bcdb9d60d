"""One way to a Redis client, with every option that redis-py 8 would otherwise choose by itself.

Its defaults (5 s socket timeout, 10 silent retries, 100 connections) turn a blocking read of 8 s into an error
after a minute and re-send appends whose reply was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from orchestrator.errors import RecordUnreadable, StoreRefused, StoreUnavailable
from orchestrator.settings.addresses import is_sentinels
from orchestrator.settings.sentinels import parse_sentinels
from orchestrator.store.following import follow
from orchestrator.store.pool import Pool, TcpConnection, UnixConnection

CONNECT_TIMEOUT_S = 3.0
TIMEOUT_S = 5.0
"""After this long without an answer a connection counts as dead: a server that lives answers in milliseconds."""


def connect(
    url: str, *, timeout_s: float = TIMEOUT_S, retries: int = 1, max_connections: int = 3_000
) -> redis.Redis:
    """A client for ``redis://``, ``rediss://``, ``unix://`` or ``sentinel://``; no connection is made yet.

    ``timeout_s`` bounds one command and has to exceed the longest blocking read made through this client. A lost
    connection is tried ``retries`` times more (a pooled one may have been closed while idle), never silently
    beyond that.
    """
    options: dict[str, object] = {
        "decode_responses": True,
        "socket_timeout": timeout_s,
        "retry": Retry(NoBackoff(), retries),
        "max_connections": max_connections,
        "health_check_interval": 0,
    }
    if not url.startswith("unix:"):
        options |= {"socket_connect_timeout": min(CONNECT_TIMEOUT_S, timeout_s), "socket_keepalive": True}
    if is_sentinels(url):
        return follow(parse_sentinels(url), options)
    if not url.startswith("rediss:"):
        options["connection_class"] = UnixConnection if url.startswith("unix:") else TcpConnection
    return redis.Redis.from_pool(Pool.from_url(url, **options))


_REFUSALS = {
    "OOM": "Redis' memory is full, so it takes nothing new; raise its maxmemory, or try again when finished jobs have "
    "expired (TRIPTYCH_RESULT_TTL_S)",
    "READONLY": "this Redis is a replica and takes nothing; name the primary in REDIS_URL, or its sentinels",
    "NOREPLICAS": "Redis has fewer replicas than it is told to have (min-replicas-to-write), so it takes nothing; try "
    "again when they are back",
    "MISCONF": "Redis cannot write to its disk, so it takes nothing; look at its log and its disk",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours. ``StoreUnavailable`` is what may pass; the message never holds the URL."""
    try:
        yield
    except exceptions.AuthenticationError as error:
        raise StoreRefused(
            "Redis refused the credentials; check the user and password in REDIS_URL"
        ) from error
    except MasterNotFoundError as error:
        raise StoreUnavailable(
            "no sentinel names a primary that is up; a failover may be under way: try again. Where it lasts, check "
            "master_name, sentinel_password, the hosts and, with TLS, ssl_ca_certs in REDIS_URL"
        ) from error
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise StoreRefused(
                "Redis' certificate was not accepted; connect by a name that is in it, and where its CA is your own, "
                "name that in REDIS_URL: ?ssl_ca_certs=/path/ca.crt"
            ) from error
        raise StoreUnavailable(
            "Redis cannot be reached; check REDIS_URL and that the server is up"
        ) from error
    except exceptions.ResponseError as error:
        if str(error).startswith("WRONGTYPE"):
            raise RecordUnreadable("a key of this job holds something that Triptych did not write") from error
        raise StoreRefused(_why_refused(error)) from error
    except exceptions.RedisError as error:
        raise StoreUnavailable(f"Redis failed ({type(error).__name__})") from error


def _why_refused(error: exceptions.ResponseError) -> str:
    """What a refusal means and what to do. Of some kinds redis-py makes a class, of others a word in the text."""
    text = str(error).rpartition("caused error: ")[
        2
    ]  # before that redis-py quotes the command, and its values
    for kind, said in _REFUSALS.items():
        if error.status_code == kind or f"{kind} " in text:
            return said
    return f"Redis refused a command ({text[:200]})"


def epoch_ms(answer: tuple[int, int]) -> int:
    """Redis' answer to TIME (s, us) as epoch ms."""
    seconds, micros = answer
    return int(seconds) * 1_000 + int(micros) // 1_000


def time_ms(client: redis.Redis) -> int:
    """Redis TIME, epoch ms: the one clock that all hosts share. Raises ``StoreUnavailable``."""
    with translated():
        return epoch_ms(client.time())


def check(client: redis.Redis) -> None:
    """Raise ``StoreUnavailable`` unless the server answers, ``StoreRefused`` unless it is new enough (6.2)."""
    with translated():
        info = client.info("server")
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < (6, 2):
        raise StoreRefused(f"this Redis is version {version}; Triptych needs 6.2 or newer")
