"""A pool of connections to Redis that costs little: a command takes redis-py longer than it takes the server.

Beside the work itself the system calls count. Each lets another thread of a busy worker have the interpreter, which is
then waited for.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

import redis
from redis import DriverInfo, exceptions
from redis.connection import Connection, UnixDomainSocketConnection

LOOKED_AT_AFTER_S = 1.0
"""A connection that was idle for so long is looked at before it is used: the server may have closed it."""
READ_BYTES = 16_384
"""What a connection sets aside to read into: most replies are shorter, and there are hundreds. redis-py's: 64 KB."""
_DRIVER = DriverInfo()
"""What a server is told of us, looked up once: redis-py reads its own package's files for each connection."""


class Pool(redis.ConnectionPool):
    """redis-py's, without what it does for every command that nobody here needs.

    That is metrics and events that nobody hears, and a look at the socket of a connection that was used just now. What
    a server has closed since then costs the command a try, as if it had been closed a moment later.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - redis-py's signature
        super().__init__(*arguments, **{"socket_read_size": READ_BYTES, "driver_info": _DRIVER, **options})

    def get_connection(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - redis-py's signature
        """Take a connection, made where none is idle. Raises redis-py's errors."""
        self._checkpid()
        with self._lock:
            idle = self._available_connections
            connection: Any = idle.pop() if idle else self.make_connection()
            self._in_use_connections.add(connection)
        try:
            connection.connect()
            rested_s = time.monotonic() - getattr(connection, "used_at", 0.0)
            if rested_s >= LOOKED_AT_AFTER_S and _is_stale(connection):
                connection.disconnect()
                connection.connect()
        except BaseException:
            self.release(connection)
            raise
        return connection

    def release(self, connection: Any) -> None:  # noqa: ANN401 - redis-py's connection
        """Put a connection back."""
        if connection.should_reconnect() or not self.owns_connection(connection):
            super().release(connection)
            return
        with self._lock:
            if connection in self._in_use_connections:
                self._in_use_connections.remove(connection)
                connection.used_at = time.monotonic()
                self._available_connections.append(connection)


def _is_stale(connection: Any) -> bool:  # noqa: ANN401 - redis-py's connection
    try:
        return bool(connection.can_read())
    except (exceptions.ConnectionError, exceptions.TimeoutError, OSError):
        return True


class _KernelTimed:
    """Has the kernel end a read or a write that takes too long: Python would poll before each of them.

    What comes of it is a ``ConnectionError`` where redis-py's is a ``TimeoutError``.
    """

    socket_timeout: float | None

    def _connect(self) -> socket.socket:
        connected: socket.socket = super()._connect()  # type: ignore[misc]  # of the connection
        if self.socket_timeout:
            seconds = int(self.socket_timeout)
            timeval = struct.pack("ll", seconds, int((self.socket_timeout - seconds) * 1_000_000))
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
            connected.settimeout(None)
        return connected


class TcpConnection(_KernelTimed, Connection):
    """Over TCP, without TLS: there a read that the kernel ends would begin again."""


class UnixConnection(_KernelTimed, UnixDomainSocketConnection):
    """Over a Unix socket."""
