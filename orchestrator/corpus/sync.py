"""Brings a corpus to what lies on disk now: reads what is new or changed, drops what is gone."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.corpus import index
from orchestrator.corpus.chunks import chunks
from orchestrator.corpus.files import Findings, Found, Root, find, read
from orchestrator.corpus.load import parse
from orchestrator.errors import DocumentError, TriptychError

Progress = Callable[[int, int, str], None]
"""Called as (files done, files in all, the file just done)."""

_MAX_SOURCE_CHARS = 1_024
_SETTLED_NS = 2_000_000_000
"""A file changed so shortly before it was read may change again without its time or size telling."""


@dataclass(frozen=True, slots=True)
class CorpusStats:
    """What a corpus holds after a change, and what the change did. ``skipped`` holds (path, reason)."""

    documents: int
    passages: int
    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass
class _Changes:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)


def sync(
    file: Path, name: str, roots: Sequence[Root], *, strict: Sequence[Root], progress: Progress | None
) -> CorpusStats:
    """Bring the corpus to what lies under ``roots``, all or nothing.

    A bad root among ``strict`` is a ``DocumentError``; any other is skipped, as bad files in folders are. Raises
    what ``index.writing`` does.
    """
    strict_paths = {root.path for root in strict}
    findings = Findings()
    for root in roots:
        try:
            find(root, findings)
        except DocumentError as error:
            if root.path in strict_paths:
                raise
            findings.skipped.append((root.source, error.problem))
    unchanged = _unchanged(file, name, roots, findings)
    if unchanged:
        as_before = _Changes(skipped=findings.skipped, alive=set(findings.files))
        _check_something_left(strict or roots[:1], as_before)
        return unchanged
    with index.writing(file, name, anew=True) as db:
        changes = _Changes(skipped=findings.skipped)
        known = _known(db)
        for number, found in enumerate(findings.files.values(), start=1):
            try:
                _sync_one(db, found, known.get(found.path), changes)
                changes.alive.add(found.path)
            except DocumentError as error:
                if found.named and found.path in strict_paths:
                    raise
                changes.skipped.append((found.source, error.problem))
            if progress:
                progress(number, len(findings.files), found.source)
        _check_something_left(strict or roots[:1], changes)
        gone = [row[0] for path, row in known.items() if path not in changes.alive]
        for row in gone:
            index.drop_document(db, row)
        db.execute("DELETE FROM roots")
        db.executemany(
            "INSERT OR IGNORE INTO roots VALUES (?, ?)", [(root.path, root.source) for root in roots]
        )
        documents, passages = _counts(db)
    return CorpusStats(
        documents,
        passages,
        changes.added,
        changes.updated,
        len(gone),
        changes.unchanged,
        tuple(changes.skipped),
    )


def _unchanged(file: Path, name: str, roots: Sequence[Root], findings: Findings) -> CorpusStats | None:
    """The corpus' figures where it holds just these files as they are: nothing then need be writable."""
    try:
        with index.reading(file, name) as db:
            there = {path: (row[1], *row[3:]) for path, row in _known(db).items()}
            here = {f.path: (_cited(f), f.size, f.mtime_ns) for f in findings.files.values()}
            same_roots = dict(db.execute("SELECT path, source FROM roots")) == {
                r.path: r.source for r in roots
            }
            documents, passages = _counts(db)
    except TriptychError:
        return None  # there is none yet, or none that can be read: whoever writes finds out which
    if there != here or not same_roots:
        return None
    return CorpusStats(documents, passages, unchanged=documents, skipped=tuple(findings.skipped))


def _known(db: sqlite3.Connection) -> dict[str, list[Any]]:
    """Path to id, source, digest, size and mtime of the documents that the corpus has."""
    rows = db.execute("SELECT path, id, source, digest, size, mtime_ns FROM documents")
    return {path: row for path, *row in rows}


def _counts(db: sqlite3.Connection) -> tuple[int, int]:
    (documents,) = db.execute("SELECT count(*) FROM documents").fetchone()
    (passages,) = db.execute("SELECT count(*) FROM passages").fetchone()
    return documents, passages


def _cited(found: Found) -> str:
    """How a document is cited; of what is longer than a citation takes, the end."""
    source = found.source
    return source if len(source) <= _MAX_SOURCE_CHARS else "…" + source[1 - _MAX_SOURCE_CHARS :]


def _sync_one(db: sqlite3.Connection, found: Found, known: list[Any] | None, changes: _Changes) -> None:
    source = _cited(found)
    row, old_source, old_digest, size, mtime_ns = known or [None] * 5
    if known and source != old_source:
        db.execute("UPDATE documents SET source = ? WHERE id = ?", (source, row))
    if known and (size, mtime_ns) == (found.size, found.mtime_ns):
        changes.unchanged += 1
        return
    data, status = read(found.path, found.source)
    settled = status.st_mtime_ns < time.time_ns() - _SETTLED_NS
    stamp = status.st_mtime_ns if settled else -1
    digest = hashlib.sha256(data).hexdigest()
    if known and digest == old_digest:
        db.execute("UPDATE documents SET size = ?, mtime_ns = ? WHERE id = ?", (status.st_size, stamp, row))
        changes.unchanged += 1
        return
    document = parse(data, found.source)
    if isinstance(row, int):
        index.drop_document(db, row)
        changes.updated += 1
    else:
        changes.added += 1
    new = index.add_document(
        db,
        path=found.path,
        source=source,
        title=document.title,
        digest=digest,
        size=status.st_size,
        mtime_ns=stamp,
    )
    index.add_chunks(db, new, chunks(document))


def _check_something_left(roots: Sequence[Root], changes: _Changes) -> None:
    """Every root that was asked for must have given something."""
    for root in roots:
        if any(root.holds(path) for path in changes.alive):
            continue
        why = [f"{source} {reason}" for source, reason in changes.skipped]
        also = f"; and {len(why) - 1} more" if len(why) > 1 else ""
        raise DocumentError(
            root.source, f"holds nothing that can be read ({why[0] if why else 'it is empty'}{also})"
        )
