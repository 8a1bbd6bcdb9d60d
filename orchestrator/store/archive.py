"""The ledger at rest: ``<home>/ledger.sqlite``, filled from the Redis stream before that is trimmed.

Events carry neither secrets nor document text (that is their contract), and nothing else is kept here.
Several processes may write: a batch and the cursor that says how far the stream was read are one transaction,
and an event that is there already is left alone, so a batch may be appended twice.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.contracts.base import Frozen
from orchestrator.contracts.events import Event, JobEnd, JobSubmitted, PlanReady, parse_event
from orchestrator.errors import ArchiveUnusable, InvalidInput, JobNotFound
from orchestrator.store.archive_file import explained, open_file, transaction

FILE_NAME = "ledger.sqlite"
MAX_EVENT_BYTES = 16_384
_FOLLOW_EVERY_S = 0.25
_LARGEST = 2**62  # SQLite's integers end at 2**63 - 1
_ENTRY_ID = re.compile(r"^([0-9]{1,15})-([0-9]{1,18})$")
_JOB_PREFIX = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


_ALL = (
    "SELECT at_ms, seq, raw FROM events WHERE (at_ms, seq) > (?, ?) AND at_ms < ? "
    "ORDER BY at_ms, seq LIMIT 500"
)
_ONE_JOB = _ALL.replace("ORDER", "AND task_id = ? ORDER")
_NEW = "SELECT at_ms, seq, raw FROM events WHERE seq > ? ORDER BY seq LIMIT 500"


@dataclass(frozen=True)
class Appended:
    """What became of a batch: ``known`` were there already; ``refused`` are (entry id, why)."""

    added: int
    known: int
    refused: tuple[tuple[str, str], ...] = ()


class JobSummary(Frozen):
    """One job in a list. What it was asked is not kept."""

    task_id: str
    tenant: str
    started_at_ms: int
    mode: str | None
    status: str
    total_ms: int | None


class Archive:
    """The archive of one machine; safe for several threads and processes, not across a fork.

    The file is made by the first ``append``; until then every read finds nothing. Every method raises
    ``ArchiveUnusable`` where the file cannot be used, saying what to do.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._drop()

    def append(self, stream: str, entries: Sequence[tuple[str, str | bytes]]) -> Appended:
        """Keep a batch of (stream entry id, event as JSON) and move the stream's cursor behind it, or neither.

        ``stream`` names the stream's incarnation, because entry ids start again with a new one. An entry that
        is no event is refused, reported and passed by, so that it cannot stop the archiver. Raises
        ``ValueError`` for an entry id that Redis would not give.
        """
        added = known = 0
        refused: list[tuple[str, str]] = []
        newest: tuple[int, int] | None = None
        with self._using() as db, transaction(db):
            for entry_id, raw in entries:
                place = _place(entry_id)
                newest = max(newest or place, place)
                try:
                    new = _insert(db, f"{stream}/{entry_id}", raw, at_ms=place[0])
                except _NotAnEventError as error:
                    refused.append((entry_id, str(error)))
                else:
                    added, known = added + new, known + (not new)
            if newest:
                db.execute(
                    "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (stream) DO UPDATE "
                    "SET ms = excluded.ms, seq = excluded.seq WHERE (excluded.ms, excluded.seq) > (ms, seq)",
                    (stream, *newest),
                )
        return Appended(added, known, tuple(refused))

    def cursor(self, stream: str) -> str | None:
        """Tell the last entry id of a stream that is kept, or ``None`` where none is."""
        rows = self._read("SELECT ms, seq FROM cursors WHERE stream = ?", (stream,))
        return f"{rows[0][0]}-{rows[0][1]}" if rows else None

    def events(
        self, task_id: str | None = None, *, since_ms: int | None = None, until_ms: int | None = None
    ) -> Iterator[Event]:
        """Read events in time order: all or one job's, from ``since_ms`` up to before ``until_ms`` (epoch)."""
        place = (-1 if since_ms is None else since_ms, 0)
        until = _LARGEST if until_ms is None else until_ms
        while page := self._read(
            _ONE_JOB if task_id else _ALL, (*place, until, *([task_id] if task_id else []))
        ):
            for at_ms, seq, raw in page:
                place = (at_ms, seq)
                yield parse_event(raw, at_ms=at_ms)

    def recent(self, n: int) -> Sequence[Event]:
        """Read the last ``n`` events, oldest first."""
        rows = self._read("SELECT at_ms, raw FROM events ORDER BY at_ms DESC, seq DESC LIMIT ?", (max(0, n),))
        return [parse_event(raw, at_ms=at_ms) for at_ms, raw in reversed(rows)]

    def follow(self, *, wait: Callable[[], None] = lambda: time.sleep(_FOLLOW_EVERY_S)) -> Iterator[Event]:
        """Read every event appended after this call, as it is appended; ``wait`` is called between looks."""
        rows = self._read("SELECT MAX(seq) FROM events", ())
        return self._follow(rows[0][0] or 0 if rows else 0, wait)

    def _follow(self, last: int, wait: Callable[[], None]) -> Iterator[Event]:
        while True:
            page = self._read(_NEW, (last,))
            for at_ms, seq, raw in page:
                last = seq
                yield parse_event(raw, at_ms=at_ms)
            if not page:
                wait()

    def jobs(self, limit: int = 20) -> tuple[JobSummary, ...]:
        """List the latest jobs, newest first; one without an end is ``running``."""
        rows = self._read(
            "SELECT task_id, tenant, started_at_ms, COALESCE(mode, requested_mode), status, total_ms FROM jobs "
            "ORDER BY started_at_ms DESC, task_id LIMIT ?",
            (max(0, limit),),
        )
        return tuple(
            JobSummary(
                task_id=task_id,
                tenant=tenant,
                started_at_ms=started,
                mode=mode,
                status=status or "running",
                total_ms=total,
            )
            for task_id, tenant, started, mode, status, total in rows
        )

    def resolve(self, job: str) -> str:
        """Find the task id that ``job`` stands for: an id, a unique prefix of one, or ``last``."""
        if job == "last":
            newest = self.jobs(1)
            if not newest:
                raise JobNotFound("no job is in the ledger yet; run one first")
            return newest[0].task_id
        if not _JOB_PREFIX.match(job):
            raise InvalidInput("JOB", "is not a job id; give an id, the start of one, or last")
        fits = [row[0] for row in self._read(
            "SELECT task_id FROM jobs WHERE task_id >= ? AND task_id < ? ORDER BY task_id LIMIT 6",
            (job, job + "\x7f"),
        )]  # fmt: skip
        if not fits:
            raise JobNotFound(f"no job in the ledger begins with {job!r}; see `triptych ledger tail`")
        if len(fits) > 1 and fits[0] != job:
            more = ", ..." if len(fits) > 5 else ""
            raise InvalidInput(
                "JOB", f"{job!r} fits several ({', '.join(fits[:5])}{more}); give more of the id"
            )
        return str(fits[0])

    def _read(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if self._connection is None and not self.path.exists():
            return []
        with self._using() as db:
            return db.execute(query, values).fetchall()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with explained(self.path):
                    self._connection = self._connection or open_file(self.path)
                    yield self._connection
            except ArchiveUnusable:
                self._drop()  # whoever mends or moves the file finds this process using what is there then
                raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _NotAnEventError(ValueError):
    """An entry that cannot be kept; says why, without its text."""


def _place(entry_id: str) -> tuple[int, int]:
    match = _ENTRY_ID.match(entry_id)
    if not match:
        raise ValueError(f"{entry_id!r} is not a stream entry id (milliseconds-number)")
    return int(match[1]), int(match[2])


def _insert(db: sqlite3.Connection, entry: str, raw: str | bytes, *, at_ms: int) -> bool:
    """Keep one event unless it is there; say whether it was new."""
    try:
        body = raw if isinstance(raw, bytes) else raw.encode()
        if len(body) > MAX_EVENT_BYTES:
            raise _NotAnEventError(f"is over {MAX_EVENT_BYTES:,} bytes")
        event = parse_event(body, at_ms=at_ms)
    except (ValidationError, UnicodeError):
        raise _NotAnEventError("is not an event in JSON") from None
    row = (event.event_id or entry, event.task_id, at_ms, body.decode())
    cursor = db.execute(
        "INSERT OR IGNORE INTO events (event_id, task_id, at_ms, raw) VALUES (?, ?, ?, ?)", row
    )
    if not cursor.rowcount:
        return False
    if _JOB_PREFIX.match(event.task_id):
        _note_job(db, event)
    return True


def _note_job(db: sqlite3.Connection, event: Event) -> None:
    """Fold one event into its job's row; any order gives the same row."""
    end = event if isinstance(event, JobEnd) else None
    db.execute(
        "INSERT INTO jobs VALUES (:task_id, :tenant, :at, :at, :requested, :mode, :status, :total) "
        "ON CONFLICT (task_id) DO UPDATE SET started_at_ms = MIN(started_at_ms, excluded.started_at_ms), "
        "last_at_ms = MAX(last_at_ms, excluded.last_at_ms), "
        "requested_mode = COALESCE(requested_mode, excluded.requested_mode), "
        "mode = COALESCE(excluded.mode, mode), status = COALESCE(status, excluded.status), "
        "total_ms = COALESCE(total_ms, excluded.total_ms)",
        {
            "task_id": event.task_id,
            "tenant": getattr(event, "tenant", "default"),
            "at": event.at_ms,
            "requested": event.requested_mode if isinstance(event, JobSubmitted) else None,
            "mode": event.mode if isinstance(event, PlanReady | JobEnd) else None,
            "status": end.status if end else None,
            "total": min(end.total_ms, _LARGEST) if end else None,
        },
    )
