"""The archive's SQLite file: how it is opened, what it holds, and what its errors mean to an operator."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from orchestrator.errors import ArchiveUnusable

BUSY_TIMEOUT_S = 10.0
_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    task_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    raw TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_time ON events (at_ms, seq);
CREATE INDEX IF NOT EXISTS events_by_job ON events (task_id, at_ms, seq);
CREATE TABLE IF NOT EXISTS jobs (
    task_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    requested_mode TEXT,
    mode TEXT,
    status TEXT,
    total_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (started_at_ms);
CREATE TABLE IF NOT EXISTS cursors (
    stream TEXT PRIMARY KEY,
    ms INTEGER NOT NULL,
    seq INTEGER NOT NULL
) WITHOUT ROWID;
"""

_CAUSES = {
    sqlite3.SQLITE_BUSY: f"is busy: another process has held it for {BUSY_TIMEOUT_S:g} s; try again",
    sqlite3.SQLITE_LOCKED: "is busy: another process holds it; try again",
    sqlite3.SQLITE_FULL: "cannot grow: its disk is full; free some space",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; mend its folder's permissions or set TRIPTYCH_HOME",
    sqlite3.SQLITE_PERM: "cannot be opened; mend its permissions or set TRIPTYCH_HOME",
    sqlite3.SQLITE_READONLY: "cannot be written; mend its permissions or set TRIPTYCH_HOME",
    sqlite3.SQLITE_IOERR: "cannot be read from its disk; check the disk or set TRIPTYCH_HOME",
}


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, made if need be (its folder for this user only), with its tables."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(db)
        # The stream is trimmed behind the cursor: what is committed has to survive a power cut.
        db.execute("PRAGMA synchronous = FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            _refuse(f"{path} was written by a newer Triptych; upgrade this one")
        if version < _VERSION:
            with transaction(db):
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _refuse(problem: str) -> NoReturn:
    raise ArchiveUnusable(problem)


def _use_wal(db: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait here when two processes make the file at once, so this does."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; takes the write lock first, so that two writers queue instead of failing half-way."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's and the file system's errors into ``ArchiveUnusable``."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        cause = _CAUSES.get(
            _code(error),
            f"is damaged ({error}); move it away, and a new one begins with what Redis still holds",
        )
        raise ArchiveUnusable(f"the ledger's archive {path} {cause}") from error
    except OSError as error:
        problem = f"cannot be made ({error.strerror}); set TRIPTYCH_HOME to another folder"
        raise ArchiveUnusable(f"the ledger's archive {path} {problem}") from error


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; the extended ones carry it in their lowest byte."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
