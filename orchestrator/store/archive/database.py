"""What a place for the archive has to offer: short transactions in one dialect of SQL.

Statements are written with ``?`` for values and ``triptych.`` before a table's name; each database says it in its
own way. What they have in common is enough: ``ON CONFLICT``, row values, and no function that only one of them has.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]

TABLES = ("meta", "events", "jobs", "cursors", "gaps")
# {serial} is a number that grows, {name} a text that is ordered by its bytes.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS triptych.meta (
    name {name} PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS triptych.events (
    seq {serial},
    event_id {name} NOT NULL UNIQUE,
    task_id {name} NOT NULL,
    at_ms BIGINT NOT NULL,
    raw TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS {index}events_by_time ON triptych.events (at_ms, seq);
CREATE INDEX IF NOT EXISTS {index}events_by_job ON triptych.events (task_id, at_ms, seq);
CREATE TABLE IF NOT EXISTS triptych.jobs (
    task_id {name} PRIMARY KEY,
    tenant TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    requested_mode TEXT,
    mode TEXT,
    status TEXT,
    total_ms BIGINT
);
CREATE INDEX IF NOT EXISTS {index}jobs_by_time ON triptych.jobs (started_at_ms);
CREATE TABLE IF NOT EXISTS triptych.cursors (
    stream {name} PRIMARY KEY,
    ms BIGINT NOT NULL,
    seq BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS triptych.gaps (
    stream {name} NOT NULL,
    after_ms BIGINT,
    through_ms BIGINT NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (stream, through_ms)
);
"""


def make(db: Transaction, *, serial: str, name: str, index: str = "") -> None:
    """Make the tables that are not there, and give the archive its identity. ``index`` begins an index' name."""
    for statement in _SCHEMA.format(serial=serial, name=name, index=index).split(";\n"):
        if statement.strip():
            db.run(statement)
    identity = "INSERT INTO triptych.meta (name, value) VALUES ('id', ?) ON CONFLICT (name) DO NOTHING"
    db.run(identity, (uuid.uuid4().hex,))


class Transaction(Protocol):
    """What may be done inside one."""

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Run a statement; returns its rows, if it has any."""
        ...

    def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """Run a statement for each row; returns how many rows of the table were changed in all."""
        ...


class Database(Protocol):
    """One place. Safe for several threads and processes, not across a fork; nothing is opened before the first use.

    Both raise ``ArchiveUnusable`` where it cannot be used, saying what to do and never a password.
    """

    @property
    def label(self) -> str:
        """Where it is, for people; without a password."""
        ...

    def reading(self) -> AbstractContextManager[Transaction | None]:
        """Look; ``None`` where nothing was ever kept. Each statement sees one moment."""
        ...

    def writing(self) -> AbstractContextManager[Transaction]:
        """All or nothing, durable at the end, and one writer at a time.

        One at a time also so that ``seq`` grows in the order of commits: a reader that follows it misses nothing.
        """
        ...

    def close(self) -> None:
        """Let go of it; the next use opens it again."""
        ...
