"""The connections of one process to Redis: as many as its slots use at once, and not as many as they ever used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import redis

from orchestrator.store import connect

EVERY_S = 60.0


class Connections:
    """Makes the clients of a process, and closes what lies idle in their pools once a minute.

    A pool of redis-py keeps, for good, as many connections as were ever in use at one moment, and each counts against
    Redis' ``maxclients``. One that is closed here is made anew by whoever needs it next. ``others`` gives clients that
    were made elsewhere.
    """

    def __init__(self, url: str, others: Callable[[], Iterable[redis.Redis]] = tuple) -> None:
        self._url = url
        self._others = others
        self._clients: list[redis.Redis] = []
        self._stop = threading.Event()

    def client(self, **options: Any) -> redis.Redis:  # noqa: ANN401 - as connect() has them
        """One more client; no connection is made yet. ``options`` are those of ``store.connect``."""
        client = connect(self._url, **options)
        self._clients.append(client)
        return client

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-connections", daemon=True).start()

    def close(self) -> None:
        """Leave the pools alone from now on."""
        self._stop.set()

    def close_idle(self) -> None:
        """Close every connection that nobody uses at this moment. Asks Redis nothing."""
        for client in [*self._clients, *self._others()]:
            client.connection_pool.disconnect(inuse_connections=False)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.close_idle()
