"""The archive as a file, ``<home>/ledger.sqlite``: how it is opened, and what its errors mean to an operator."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import ArchiveUnusable
from orchestrator.store.archive.database import TABLES, Row, make
from orchestrator.store.archive.filesystem import network_file_system

FILE_NAME = "ledger.sqlite"
BUSY_TIMEOUT_S = 10.0
_VERSION = 1

_CAUSES = {
    sqlite3.SQLITE_BUSY: f"is busy: another process has held it for {BUSY_TIMEOUT_S:g} s; try again",
    sqlite3.SQLITE_LOCKED: "is busy: another process holds it; try again",
    sqlite3.SQLITE_FULL: "cannot grow: its disk is full; free some space",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; mend its folder's permissions or set TRIPTYCH_HOME",
    sqlite3.SQLITE_PERM: "cannot be opened; mend its permissions or set TRIPTYCH_HOME",
    sqlite3.SQLITE_READONLY: "cannot be written; mend its permissions or set TRIPTYCH_HOME",
    sqlite3.SQLITE_IOERR: "cannot be read from its disk; check the disk or set TRIPTYCH_HOME",
}


class SqliteFile:
    """See ``Database``. The first write makes the file, its folder for this user only."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @property
    def label(self) -> str:
        """The file, and whose."""
        return f"{socket.gethostname()}:{self.path}"

    @contextmanager
    def reading(self) -> Iterator[_Cursor | None]:
        """See ``Database``."""
        with self._lock, self._explained():
            yield _Cursor(self._open()) if self._identity() else None

    @contextmanager
    def writing(self) -> Iterator[_Cursor]:
        """See ``Database``."""
        with self._lock, self._explained():
            connection = self._open()
            with _transaction(connection):
                yield _Cursor(connection)

    def close(self) -> None:
        """See ``Database``."""
        with self._lock:
            self._drop()

    def _open(self) -> sqlite3.Connection:
        # Whoever moves the file away finds this process using what is there then, not the one that was moved.
        if self._connection is None or self._file != self._identity():
            self._drop()
            self._connection = _connect(self.path)
            self._file = self._identity()
        return self._connection

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's and the file system's errors into ``ArchiveUnusable``."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            self._drop()
            cause = _CAUSES.get(
                _code(error),
                f"is damaged ({error}); move it away, and a new one begins with what Redis still holds",
            )
            raise ArchiveUnusable(f"the ledger's archive {self.path} {cause}") from error
        except OSError as error:
            self._drop()
            problem = f"cannot be made ({error.strerror}); set TRIPTYCH_HOME to another folder"
            raise ArchiveUnusable(f"the ledger's archive {self.path} {problem}") from error


class _Cursor:
    """See ``Transaction``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """See ``Transaction``."""
        return self._connection.execute(_own(statement), values).fetchall()

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """See ``Transaction``."""
        return self._connection.executemany(_own(statement), rows).rowcount if rows else 0


def _own(statement: str) -> str:
    return statement.replace("triptych.", "")


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file, made if need be, with its tables."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        # A write-ahead log is shared memory, which the hosts of a network file system do not share.
        _use_journal(db, "DELETE" if network_file_system(path) else "WAL")
        # The stream is trimmed behind the cursor: what is committed has to survive a power cut.
        db.execute("PRAGMA synchronous = FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise ArchiveUnusable(f"{path} was written by a newer Triptych; upgrade this one")  # noqa: TRY301 - closed below
        names = ", ".join(f"'{table}'" for table in TABLES)
        there = f"SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ({names})"  # noqa: S608 - our own names
        if version < _VERSION or db.execute(there).fetchone()[0] < len(TABLES):
            with _transaction(db):
                make(_Cursor(db), serial="INTEGER PRIMARY KEY AUTOINCREMENT", name="TEXT")
                db.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _use_journal(db: sqlite3.Connection, mode: str) -> None:
    """Switch the journal. SQLite does not wait here when two processes make the file at once, so this does."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.execute(f"PRAGMA journal_mode = {mode}")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; takes the write lock first, so that two writers queue instead of failing half-way."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # a full disk has ended it already
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; the extended ones carry it in their lowest byte."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
