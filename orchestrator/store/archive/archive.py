"""What is kept and how it is asked for, over whatever database keeps it.

Several processes may write: a batch and the cursor that says how far the stream was read are one transaction, and an
event that is there already is left alone, so a batch may be appended twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple, dataclass

from orchestrator.contracts.base import Frozen
from orchestrator.contracts.events import Event, parse_event
from orchestrator.errors import InvalidInput, JobNotFound
from orchestrator.store.archive.database import Database, Row
from orchestrator.store.archive.milestones import milestones
from orchestrator.store.archive.rows import JOB_ID, Place, batch, place

_FOLLOW_EVERY_S = 0.25
_EVER = 2**62
MOST_MATCHES = 6

_ALL = (
    "SELECT at_ms, seq, raw FROM triptych.events WHERE (at_ms, seq) > (?, ?) AND at_ms < ? "
    "AND seq > ? AND seq <= ? ORDER BY at_ms, seq LIMIT 500"
)
_ONE_JOB = _ALL.replace("ORDER", "AND task_id = ? ORDER")
_NEW = "SELECT at_ms, seq, raw FROM triptych.events WHERE seq > ? ORDER BY seq LIMIT 500"
_KEEP = (
    "INSERT INTO triptych.events (event_id, task_id, at_ms, raw) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (event_id) DO NOTHING"
)
_MOVE = (
    "INSERT INTO triptych.cursors AS old (stream, ms, seq) VALUES (?, ?, ?) ON CONFLICT (stream) DO UPDATE "
    "SET ms = excluded.ms, seq = excluded.seq WHERE (excluded.ms, excluded.seq) > (old.ms, old.seq)"
)
_NOTE_JOB = (
    "INSERT INTO triptych.jobs AS old "
    "(task_id, tenant, started_at_ms, last_at_ms, requested_mode, mode, status, total_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task_id) DO UPDATE SET "
    "started_at_ms = CASE WHEN excluded.started_at_ms < old.started_at_ms "
    "THEN excluded.started_at_ms ELSE old.started_at_ms END, "
    "last_at_ms = CASE WHEN excluded.last_at_ms > old.last_at_ms "
    "THEN excluded.last_at_ms ELSE old.last_at_ms END, "
    "requested_mode = COALESCE(old.requested_mode, excluded.requested_mode), "
    "mode = COALESCE(excluded.mode, old.mode), status = COALESCE(old.status, excluded.status), "
    "total_ms = COALESCE(old.total_ms, excluded.total_ms)"
)
_MARK = (
    "SELECT (SELECT COALESCE(MAX(seq), 0) FROM triptych.events), "
    "(SELECT ms FROM triptych.cursors WHERE stream = ?), (SELECT seq FROM triptych.cursors WHERE stream = ?)"
)


@dataclass(frozen=True)
class Appended:
    """What became of a batch: ``known`` were there already; ``refused`` are (entry id, why)."""

    added: int
    known: int
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Gap:
    """Events of a stream that were trimmed before this archive had read them, because another one had kept them.

    From after ``after`` (``None``: from the stream's beginning) through ``through``, entry ids; kept in ``place``.
    """

    after: str | None
    through: str
    place: str


@dataclass(frozen=True)
class Mark:
    """One moment of the archive: the number of its last event, and the stream's last entry that is kept."""

    top: int
    cursor: str | None


class JobSummary(Frozen):
    """One job in a list. What it was asked is not kept."""

    task_id: str
    tenant: str
    started_at_ms: int
    mode: str | None
    status: str
    total_ms: int | None


class Archive:
    """An archive of the ledger; safe for several threads and processes, not across a fork.

    It is made by the first ``append``; until then every read finds nothing. Every method raises
    ``ArchiveUnusable`` where it cannot be used, saying what to do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def label(self) -> str:
        """Where it is, for people."""
        return self._database.label

    def close(self) -> None:
        """Let go of it; the next call opens it again."""
        self._database.close()

    def append(
        self, stream: str, entries: Sequence[tuple[str, str | bytes]], *, gap: Gap | None = None
    ) -> Appended:
        """Keep a batch of (stream entry id, event as JSON) and move the stream's cursor behind it, or neither.

        ``stream`` names the stream's incarnation, because entry ids start again with a new one. An entry that
        is no event is refused, reported and passed by, so that it cannot stop the archiver. ``gap`` is what the
        stream no longer had before the batch. Raises ``ValueError`` for an entry id that Redis would not give.
        """
        found = batch(stream, entries)
        reached = [found.newest] if found.newest else []
        if gap:
            reached.append(place(gap.through))
        with self._database.writing() as db:
            if gap:
                after = place(gap.after)[0] if gap.after else None
                db.run(
                    "INSERT INTO triptych.gaps (stream, after_ms, through_ms, place) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (stream, through_ms) DO NOTHING",
                    (stream, after, place(gap.through)[0], gap.place),
                )
            added = db.run_many(_KEEP, found.events)
            db.run_many(_NOTE_JOB, [astuple(job) for job in found.jobs])
            if reached:
                db.run(_MOVE, (stream, *max(reached)))
        return Appended(added, len(found.events) - added, found.refused)

    def identity(self) -> str | None:
        """Tell this archive from every other, however it is reached; ``None`` before anything was kept."""
        rows = self._read("SELECT value FROM triptych.meta WHERE name = 'id'")
        return str(rows[0][0]) if rows else None

    def cursor(self, stream: str) -> str | None:
        """Tell the last entry id of a stream that is kept, or ``None`` where none is."""
        return self.mark(stream).cursor

    def mark(self, stream: str) -> Mark:
        """Tell how far this archive and its copy of a stream reach, both at one moment."""
        rows = self._read(_MARK, (stream, stream))
        if not rows:
            return Mark(0, None)
        top, ms, seq = rows[0]
        return Mark(top, None if ms is None else f"{ms}-{seq}")

    def gaps(self, stream: str) -> tuple[tuple[int | None, int, str], ...]:
        """List what this archive lacks of a stream: after when, through when (epoch ms), and where that was kept."""
        rows = self._read(
            "SELECT after_ms, through_ms, place FROM triptych.gaps WHERE stream = ? ORDER BY through_ms",
            (stream,),
        )
        return tuple((after, through, where) for after, through, where in rows)

    def events(
        self,
        task_id: str | None = None,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        above: int = 0,
        top: int | None = None,
    ) -> Iterator[Event]:
        """Read events in time order: all or one job's, from ``since_ms`` up to before ``until_ms`` (epoch).

        ``above`` and ``top`` bound them to those appended between two marks.
        """
        at: Place = (-1 if since_ms is None else since_ms, 0)
        rest: list[object] = [_EVER if until_ms is None else until_ms, above, _EVER if top is None else top]
        statement = _ONE_JOB if task_id else _ALL
        while page := self._read(statement, (*at, *rest, *([task_id] if task_id else []))):
            for at_ms, seq, raw in page:
                at = (at_ms, seq)
                yield parse_event(raw, at_ms=at_ms)

    def milestones(self, *, since_ms: int, most: int | None = None, begun: bool = False) -> Iterator[Event]:
        """See ``EventSource``; the latest jobs first."""
        return milestones(self._read, since_ms=since_ms, most=_EVER if most is None else most, begun=begun)

    def known(self, event_ids: Collection[str], *, top: int) -> frozenset[str]:
        """Tell which of these (500 at most) were kept when the archive ended with ``top``."""
        if not event_ids:
            return frozenset()
        some = ", ".join("?" * len(event_ids))
        rows = self._read(
            f"SELECT event_id FROM triptych.events WHERE seq <= ? AND event_id IN ({some})",  # noqa: S608 - placeholders
            (top, *event_ids),
        )
        return frozenset(event_id for (event_id,) in rows)

    def recent(self, n: int) -> Sequence[Event]:
        """Read the last ``n`` events, oldest first."""
        rows = self._read(
            "SELECT at_ms, raw FROM triptych.events ORDER BY at_ms DESC, seq DESC LIMIT ?", (max(0, n),)
        )
        return [parse_event(raw, at_ms=at_ms) for at_ms, raw in reversed(rows)]

    def follow(self, *, wait: Callable[[], None] = lambda: time.sleep(_FOLLOW_EVERY_S)) -> Iterator[Event]:
        """Read every event appended after this call, as it is appended; ``wait`` is called between looks."""
        rows = self._read("SELECT COALESCE(MAX(seq), 0) FROM triptych.events")
        return self._follow(rows[0][0] if rows else 0, wait)

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
            "SELECT task_id, tenant, started_at_ms, COALESCE(mode, requested_mode), status, total_ms "
            "FROM triptych.jobs ORDER BY started_at_ms DESC, task_id LIMIT ?",
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

    def matching(self, start: str) -> tuple[str, ...]:
        """List the first ids (``MOST_MATCHES`` at most) of jobs that begin with ``start``, sorted."""
        rows = self._read(
            "SELECT task_id FROM triptych.jobs WHERE task_id >= ? AND task_id < ? ORDER BY task_id LIMIT ?",
            (start, start + "\x7f", MOST_MATCHES),
        )
        return tuple(task_id for (task_id,) in rows)

    def resolve(self, job: str) -> str:
        """Find the task id that ``job`` stands for: an id, a unique prefix of one, or ``last``."""
        if job == "last":
            newest = self.jobs(1)
            return newest[0].task_id if newest else none_yet()
        return only_match(job, self.matching(checked(job)))

    def _read(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        with self._database.reading() as db:
            return db.run(statement, values) if db else []


def none_yet() -> str:
    """There is no last job."""
    raise JobNotFound("no job is in the ledger yet; run one first")


def checked(job: str) -> str:
    """Return ``job`` where it may be the start of a job's id. Raises ``InvalidInput``."""
    if not JOB_ID.match(job):
        raise InvalidInput("JOB", "is not a job id; give an id, the start of one, or last")
    return job


def only_match(job: str, fits: Sequence[str]) -> str:
    """Choose the one id that ``job`` stands for. Raises ``JobNotFound`` and ``InvalidInput``."""
    if not fits:
        raise JobNotFound(f"no job in the ledger begins with {job!r}; see `triptych ledger tail`")
    if len(fits) > 1 and fits[0] != job:
        more = ", ..." if len(fits) >= MOST_MATCHES else ""
        raise InvalidInput("JOB", f"{job!r} fits several ({', '.join(fits[:5])}{more}); give more of the id")
    return fits[0]
