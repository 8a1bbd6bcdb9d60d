"""The corpus file: one SQLite database with its schema, opened for reading or for one transaction of writing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from orchestrator.contracts import Passage
from orchestrator.corpus.chunks import Chunk
from orchestrator.corpus.terms import columns
from orchestrator.errors import InvalidInput, TriptychError, WorldError

APPLICATION_ID = 0x54525054
SCHEMA_VERSION = 1
"""Raised whenever the schema, the extraction, the splitting or the terms change: the file is then built anew."""

READ_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 60.0
_REMEDY = "check disk and permissions, or point TRIPTYCH_HOME at a folder that can be written"

# AUTOINCREMENT: the id of a passage that is gone is never given to another.
_SCHEMA = (
    "CREATE TABLE roots (path TEXT PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE documents (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE,
       source TEXT NOT NULL, title TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
       mtime_ns INTEGER NOT NULL)""",
    """CREATE TABLE passages (id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES documents,
       text TEXT NOT NULL, heading TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, page INTEGER)""",
    "CREATE INDEX passages_document ON passages (document)",
    "CREATE VIRTUAL TABLE search USING fts5(words, bigrams, tokenize = 'porter unicode61 remove_diacritics 2')",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def create(db: sqlite3.Connection) -> None:
    """Lay out an empty corpus."""
    for statement in _SCHEMA:
        db.execute(statement)


def in_memory(passages: Sequence[Passage]) -> sqlite3.Connection:
    """A corpus of the given passages that lives as long as the connection; rowids count from 1 in their order."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    create(db)
    db.execute("BEGIN")
    sources: dict[str, int] = {}
    for p in passages:
        if p.source not in sources:
            sources[p.source] = add_document(db, path=p.source, source=p.source)
        add_chunks(db, sources[p.source], [Chunk(p.text, p.heading, p.start, p.end, p.page)])
    db.execute("COMMIT")
    return db


def add_document(
    db: sqlite3.Connection,
    *,
    path: str,
    source: str,
    title: str = "",
    digest: str = "",
    size: int = 0,
    mtime_ns: int = 0,
) -> int:
    """Record a document; returns its row's id."""
    sql = "INSERT INTO documents (path, source, title, digest, size, mtime_ns) VALUES (?, ?, ?, ?, ?, ?)"
    row = db.execute(sql, (path, source, title, digest, size, mtime_ns)).lastrowid
    assert row is not None  # noqa: S101 - an INSERT has one; for the type checker
    return row


def add_chunks(db: sqlite3.Connection, document: int, chunks: Sequence[Chunk]) -> None:
    """Index a document's passages. A heading is searched with the text that stands under it."""
    for c in chunks:
        row = db.execute(
            "INSERT INTO passages (document, text, heading, start, stop, page) VALUES (?, ?, ?, ?, ?, ?)",
            (document, c.text, c.heading, c.start, c.end, c.page),
        ).lastrowid
        words, bigrams = columns(f"{c.heading}\n{c.text}")
        db.execute("INSERT INTO search (rowid, words, bigrams) VALUES (?, ?, ?)", (row, words, bigrams))


def drop_document(db: sqlite3.Connection, document: int) -> None:
    """Remove a document with its passages."""
    db.execute("DELETE FROM search WHERE rowid IN (SELECT id FROM passages WHERE document = ?)", (document,))
    db.execute("DELETE FROM passages WHERE document = ?", (document,))
    db.execute("DELETE FROM documents WHERE id = ?", (document,))


@contextmanager
def reading(file: Path, name: str) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a corpus; any number at once, beside a writer too.

    Raises ``InvalidInput`` when there is no such corpus, or its file is not one or another version's, and
    ``WorldError`` when it cannot be read for now.
    """
    with _named_errors(file, name):
        if not exists(file):
            raise InvalidInput(
                "corpus", f"there is no corpus {name!r}; make it: triptych corpus add {name} PATH"
            )
        try:
            db = _connected(file, "ro")
        except sqlite3.OperationalError:
            if not Path(f"{file}-journal").exists():
                raise
            # A writer died while it committed. Undoing that needs a connection that may write.
            with closing(_connected(file, "rw")):
                pass
            db = _connected(file, "ro")
        with closing(db):
            if _identity(db) != (APPLICATION_ID, SCHEMA_VERSION):
                raise _foreign(db, name, file)
            yield db


@contextmanager
def writing(file: Path, name: str, *, anew: bool = False) -> Iterator[sqlite3.Connection]:
    """One write transaction: committed at the end, undone as a whole on any error or crash.

    Makes the corpus where there is none; ``anew`` also replaces one that another version of Triptych made. Raises
    as ``reading`` does, and ``WorldError`` while another process writes.
    """
    with _named_errors(file, name):
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(_locked(file)) as db:
            identity = _identity(db)
            if identity[0] == APPLICATION_ID and identity[1] != SCHEMA_VERSION and anew:
                _drop_everything(db)
                identity = (0, 0)
            blank = not _tables(db)
            if not blank and identity != (APPLICATION_ID, SCHEMA_VERSION):
                raise _foreign(db, name, file)
            try:
                if blank:
                    create(db)
                yield db
                db.execute("COMMIT")
            except BaseException:
                if blank and not file.stat().st_size:
                    file.unlink()  # while the lock is still held: see _locked
                raise


def exists(file: Path) -> bool:
    """Whether there is a corpus (an empty file is what a writer leaves that was killed before it began)."""
    return file.is_file() and file.stat().st_size > 0


def _connected(file: Path, mode: str) -> sqlite3.Connection:
    timeout = READ_TIMEOUT_S if mode == "ro" else WRITE_TIMEOUT_S
    uri = f"file:{quote(str(file.absolute()))}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _locked(file: Path) -> sqlite3.Connection:
    while True:
        db = _connected(file, "rwc")
        try:
            # Readers go on until the commit: nothing reaches the file before it.
            db.execute("PRAGMA cache_spill = OFF")
            inode = os.stat(file).st_ino  # noqa: PTH116 - beside the stat below
            db.execute("BEGIN IMMEDIATE")
            # Whoever held the lock may have removed the file, and we would write to nowhere.
            if file.exists() and file.stat().st_ino == inode:
                return db
        except BaseException:
            db.close()
            raise
        db.close()


def _identity(db: sqlite3.Connection) -> tuple[int, int]:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return application, version


def _tables(db: sqlite3.Connection) -> list[str]:
    """Names of the tables, virtual ones first."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rootpage, name"
    return [name for (name,) in db.execute(sql)]


def _drop_everything(db: sqlite3.Connection) -> None:
    for name in _tables(db):
        quoted = '"' + name.replace('"', '""') + '"'
        db.execute(f"DROP TABLE IF EXISTS {quoted}")  # a virtual table takes its shadow tables along


def _foreign(db: sqlite3.Connection, name: str, file: Path) -> InvalidInput:
    application, version = _identity(db)
    if application != APPLICATION_ID:
        return InvalidInput("corpus", f"{file} is not a corpus of Triptych's; move it away")
    problem = f"{name!r} was made by another version of Triptych (its format is {version}, this one reads "
    return InvalidInput("corpus", f"{problem}{SCHEMA_VERSION}); remove it and add its documents again")


@contextmanager
def _named_errors(file: Path, name: str) -> Iterator[None]:
    """SQLite's and the system's errors as ours, in one place."""
    try:
        yield
    except TriptychError:
        raise
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise WorldError(
                f"corpus {name!r} is being written by another process; try again later"
            ) from error
        raise WorldError(f"corpus {name!r} at {file} cannot be used ({error}); {_REMEDY}") from error
    except sqlite3.DatabaseError as error:
        raise InvalidInput(
            "corpus", f"{file} is damaged or no corpus ({error}); remove it and build it again"
        ) from error
    except OSError as error:
        raise WorldError(f"corpus {name!r} at {file} cannot be used ({error}); {_REMEDY}") from error
