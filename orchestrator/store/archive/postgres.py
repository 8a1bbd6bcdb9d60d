"""The archive in a Postgres, schema ``triptych``: shared by all hosts. Imported only where a URL names one.

The driver is psycopg, asked directly: what SQLAlchemy would add is a dialect that ``database`` does without
(docs/adr/0012). Nothing that libpq says about a connection is passed on, because it may quote the URL.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast
from urllib.parse import parse_qs, urlsplit

import psycopg

from orchestrator.errors import ArchiveUnusable
from orchestrator.settings import masked_url
from orchestrator.store.archive.database import Row, make

BUSY_TIMEOUT_S = 10
_VERSION = 1
_LOCK = 0x7472_6970_7479_6368
"""The advisory lock of whoever writes: ``triptych`` in ASCII."""

# What libpq would leave to the kernel, which waits for a quarter of an hour: a server that has gone, or is cut off.
_DEFAULTS: dict[str, str] = {
    "application_name": "triptych",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

_UNREACHABLE = "cannot be reached; check that the server is up, and host and port in TRIPTYCH_LEDGER_URL"
_REFUSALS = (
    (
        r"authentication|no password|pg_hba|role .* does not exist",
        "refuses the login; check user and password in TRIPTYCH_LEDGER_URL, and the server's pg_hba.conf",
    ),
    (r"database .* does not exist", "is not there: the server has no such database; create it"),
    (
        r"SSL|TLS|certificate",
        "cannot be reached as sslmode in TRIPTYCH_LEDGER_URL wants it; check it, sslrootcert, and the server's TLS",
    ),
    (
        r"too many (clients|connections)|remaining connection slots",
        "has no connection left; raise max_connections",
    ),
    (r"starting up|shutting down|in recovery", "is starting, or stopping; it is tried again"),
)
_CAUSES = {
    "25006": "is read-only (a standby, or default_transaction_read_only); name the primary in TRIPTYCH_LEDGER_URL",
    "42501": "does not let this user do that; grant it usage on schema triptych, select, insert and update on its "
    "tables, and, for the first start, create on the database",
    "53100": "cannot grow: its disk is full; free some space",
    "53200": "is out of memory",
    "53300": "has no connection left; raise max_connections",
    "55P03": f"is busy: another process has held it for {BUSY_TIMEOUT_S} s; try again",
}  # fmt: skip


class Postgres:
    """See ``Database``. The first write makes the schema where the user may, and finds it where somebody else did."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Row] | None = None
        self._made = False

    @property
    def label(self) -> str:
        """The URL without its password."""
        return masked_url(self._url)

    @contextmanager
    def reading(self) -> Iterator[_Cursor | None]:
        """See ``Database``."""
        with self._lock, self._explained():
            cursor = _Cursor(self._open())
            self._made = self._made or self._found(cursor)
            yield cursor if self._made else None

    @contextmanager
    def writing(self) -> Iterator[_Cursor]:
        """See ``Database``."""
        with self._lock, self._explained():
            connection = self._open()
            with connection.transaction():
                cursor = _Cursor(connection)
                cursor.run(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S}s'")
                # Held until the commit, so that a later number is never seen before an earlier one.
                cursor.run("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
                if not (self._made or self._found(cursor)):
                    self._make(cursor)
                yield cursor
            self._made = True

    def close(self) -> None:
        """See ``Database``."""
        with self._lock:
            self._drop()

    def _open(self) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed:
            given = parse_qs(urlsplit(self._url).query)
            options = {name: value for name, value in _DEFAULTS.items() if name not in given}
            # Nothing prepared: it would not outlive a transaction behind a pooler.
            self._connection = psycopg.connect(
                self._url, autocommit=True, prepare_threshold=None, **cast("dict[str, Any]", options)
            )
        return self._connection

    def _found(self, cursor: _Cursor) -> bool:
        """Whether the tables are there. Raises ``ArchiveUnusable`` where a newer Triptych made them."""
        if cursor.run("SELECT to_regclass('triptych.gaps')")[0][0] is None:
            return False
        version = cursor.run("SELECT value FROM triptych.meta WHERE name = 'version'")
        if not version or int(version[0][0]) > _VERSION:
            self._refuse("was written by a newer Triptych; upgrade this one")
        return True

    def _make(self, cursor: _Cursor) -> None:
        encoding = cursor.run("SHOW server_encoding")[0][0]
        if encoding != "UTF8":
            self._refuse(f"is a database with encoding {encoding}; create one with ENCODING 'UTF8'")
        if not cursor.run("SELECT 1 FROM pg_namespace WHERE nspname = 'triptych'"):
            cursor.run("CREATE SCHEMA triptych")
        make(cursor, serial="BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", name='TEXT COLLATE "C"')
        # Whoever waited for the lock while another made all this may still be told that it is not there.
        cursor.run("INSERT INTO triptych.meta VALUES ('version', ?) ON CONFLICT DO NOTHING", (str(_VERSION),))

    def _drop(self) -> None:
        connection, self._connection, self._made = self._connection, None, False
        if connection is not None:
            connection.close()

    def _refuse(self, problem: str) -> NoReturn:
        raise ArchiveUnusable(f"the ledger's archive {self.label} {problem}") from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into ``ArchiveUnusable``; never chained, so that no log gets what they quote."""
        try:
            yield
        except psycopg.Error as error:
            problem = _problem(error)
        except BaseException:
            self._drop()
            raise
        else:
            return
        self._drop()
        self._refuse(problem)


class _Cursor:
    """See ``Transaction``."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """See ``Transaction``."""
        cursor = self._connection.execute(_own(statement), values or None)
        return cursor.fetchall() if cursor.description else []

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """See ``Transaction``; sent in one go."""
        if not rows:
            return 0
        with self._connection.cursor() as cursor:
            cursor.executemany(_own(statement), rows)
            return cursor.rowcount


def _own(statement: str) -> bytes:
    # As bytes: psycopg's type for text is a literal's, which a constant of ours is no more after the replacement.
    return statement.replace("?", "%s").encode()


def _problem(error: psycopg.Error) -> str:
    """What an error means, in words of ours alone."""
    if error.sqlstate in _CAUSES:
        return _CAUSES[error.sqlstate]
    if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
        if isinstance(error, psycopg.ProgrammingError):
            return "cannot be connected to: libpq does not take TRIPTYCH_LEDGER_URL; check its options"
        said = str(error)
        return next((problem for sign, problem in _REFUSALS if re.search(sign, said)), _UNREACHABLE)
    return f"failed ({type(error).__name__}, SQLSTATE {error.sqlstate}); see the server's log"
