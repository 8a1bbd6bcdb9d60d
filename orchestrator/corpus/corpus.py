"""Corpora by name: built from files and folders, kept up to date, searched."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.contracts import Passage
from orchestrator.corpus import index
from orchestrator.corpus.files import Root
from orchestrator.corpus.search import Hit, search
from orchestrator.corpus.sync import CorpusStats, Progress, sync
from orchestrator.errors import DocumentError, InvalidInput
from orchestrator.language import detect_language

PathLike = str | os.PathLike[str]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """One line of a listing. ``problem`` says why the corpus cannot be read, where it cannot."""

    name: str
    documents: int = 0
    passages: int = 0
    size_bytes: int = 0
    roots: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """An indexed corpus, for searching. May be shared by threads: every call has its own connection."""

    name: str
    file: Path

    @classmethod
    def open(cls, home: PathLike, name: str) -> Corpus:
        """The corpus of that name under ``home``. Raises ``InvalidInput`` when there is none that can be read."""
        corpus = cls(name, _file(home, name))
        with index.reading(corpus.file, name):
            return corpus

    @staticmethod
    def build(
        home: PathLike, name: str, paths: Sequence[PathLike], progress: Progress | None = None
    ) -> CorpusStats:
        """Make the corpus hold exactly these files and folders, reading only what has changed.

        Blocks on disk and CPU; all or nothing. Raises ``DocumentError`` when a given path is bad, ``InvalidInput``
        when the name or the file under it is, ``WorldError`` when the file cannot be written.
        """
        roots = _roots(paths)
        return sync(_file(home, name), name, roots, strict=roots, progress=progress)

    @staticmethod
    def add(
        home: PathLike, name: str, paths: Sequence[PathLike], progress: Progress | None = None
    ) -> CorpusStats:
        """Add files and folders, making the corpus if need be, and update what it has. Raises as ``build``."""
        roots = _roots(paths)
        return sync(
            _file(home, name),
            name,
            [*roots, *_known_roots(home, name, roots)],
            strict=roots,
            progress=progress,
        )

    @staticmethod
    def update(home: PathLike, name: str, progress: Progress | None = None) -> CorpusStats:
        """Read again what has changed, and drop what is gone. Raises as ``build``."""
        with index.reading(_file(home, name), name) as db:
            roots = _read_roots(db)
        return sync(_file(home, name), name, roots, strict=[], progress=progress)

    @staticmethod
    def remove(home: PathLike, name: str, paths: Sequence[PathLike]) -> CorpusStats:
        """Drop files and folders that were added. Raises ``DocumentError`` for a path that was not."""
        gone = _roots(paths)
        with index.reading(_file(home, name), name) as db:
            roots = _read_roots(db)
        for root in gone:
            if root.path not in {known.path for known in roots}:
                listed = ", ".join(known.source for known in roots)
                raise DocumentError(root.source, f"was not added to corpus {name!r}; it holds {listed}")
        left = [root for root in roots if root.path not in {g.path for g in gone}]
        if not left:
            raise InvalidInput("corpus", f"nothing would remain of {name!r}; remove it whole")
        return sync(_file(home, name), name, left, strict=[], progress=None)

    @staticmethod
    def delete(home: PathLike, name: str) -> None:
        """Remove the corpus. The documents' own files stay. Raises ``InvalidInput`` when there is none."""
        file = _file(home, name)
        if not index.exists(file):
            raise InvalidInput("corpus", f"there is no corpus {name!r}")
        file.unlink()

    @staticmethod
    def list(home: PathLike) -> tuple[CorpusInfo, ...]:
        """All corpora under ``home``, by name, those that cannot be read included."""
        folder = Path(home) / "corpora"
        return tuple(_info(file) for file in sorted(folder.glob("*.sqlite")) if index.exists(file))

    def search(self, queries: Sequence[str], limit: int = 12) -> tuple[Hit, ...]:
        """The best passages for any of the queries, best first; none where nothing is relevant. Raises as ``open``."""
        with index.reading(self.file, self.name) as db:
            return search(db, queries, limit)

    def language(self) -> str:
        """The language most of the corpus is written in, judged by its first passages. Raises as ``open``."""
        with index.reading(self.file, self.name) as db:
            sample = db.execute("SELECT text FROM passages ORDER BY id LIMIT 50").fetchall()
        return detect_language(" ".join(text for (text,) in sample))

    def sources(self) -> tuple[str, ...]:
        """The documents' names, sorted. Raises as ``open``."""
        with index.reading(self.file, self.name) as db:
            return tuple(
                source for (source,) in db.execute("SELECT source FROM documents ORDER BY source, path")
            )


def rank_passages(passages: Sequence[Passage], queries: Sequence[str], limit: int = 12) -> tuple[Hit, ...]:
    """The same search, with the same floor, over passages given inline; their ids stay. Does no I/O."""
    with closing(index.in_memory(passages)) as db:
        hits = search(db, queries, limit)
    return tuple(replace(hit, passage=passages[int(hit.passage.id[1:]) - 1]) for hit in hits)


def adhoc_name(paths: Sequence[PathLike]) -> str:
    """The name of the corpus that a run over these paths uses: the same for the same paths in any order."""
    wanted = sorted({root.path for root in _roots(paths)})
    return "docs-" + hashlib.sha256("\0".join(wanted).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _roots(paths: Sequence[PathLike]) -> list[Root]:
    if not paths:
        raise DocumentError("documents", "none given; name a file or a folder")
    return list({root.path: root for root in map(Root.of, paths)}.values())


def _known_roots(home: PathLike, name: str, new: Sequence[Root]) -> list[Root]:
    file = _file(home, name)
    if not index.exists(file):
        return []
    with index.reading(file, name) as db:
        return [root for root in _read_roots(db) if root.path not in {n.path for n in new}]


def _read_roots(db: sqlite3.Connection) -> list[Root]:
    return [Root(path, source) for path, source in db.execute("SELECT path, source FROM roots ORDER BY path")]


def check_name(name: str) -> None:
    """Raise ``InvalidInput`` unless a corpus may be called that."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "corpus", f"{name[:80]!r} is no name for a corpus; use letters, digits, . _ and - (at most 64)"
        )


def _file(home: PathLike, name: str) -> Path:
    check_name(name)
    return Path(home) / "corpora" / f"{name}.sqlite"


def _info(file: Path) -> CorpusInfo:
    name = file.stem
    try:
        with index.reading(file, name) as db:
            (documents,) = db.execute("SELECT count(*) FROM documents").fetchone()
            (passages,) = db.execute("SELECT count(*) FROM passages").fetchone()
            roots = tuple(root.source for root in _read_roots(db))
    except InvalidInput as error:
        return CorpusInfo(name, size_bytes=file.stat().st_size, problem=error.problem)
    return CorpusInfo(name, documents, passages, file.stat().st_size, roots)
