"""Files on disk: which there are to read, and their bytes, whatever else may lie there.

Nothing here blocks on a FIFO or a device, follows a link loop, or reads a byte of a file over the size cap.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import DocumentError

MAX_BYTES = 50 * 1024 * 1024
MAX_FILES = 50_000
SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ".html", ".htm", ".xhtml", ".pdf", ".docx"})

_JUNK_FOLDERS = frozenset(
    {"__pycache__", "node_modules", "__MACOSX", "venv", "site-packages", "$RECYCLE.BIN"}
)
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""pathlib has folded the second slash away."""
_READABLE = "Triptych reads .txt, .md, .html, .pdf and .docx"


@dataclass(frozen=True, slots=True)
class Root:
    """A file or folder that was named. ``source`` is how it was written, and how its documents are cited."""

    path: str
    source: str

    @classmethod
    def of(cls, given: str | os.PathLike[str]) -> Root:
        """The root that a user's path means. Raises ``DocumentError`` for what cannot be a path."""
        written = os.fspath(given)
        if not written.strip() or "\0" in written:
            raise DocumentError(repr(written), "is not a path; name a file or a folder")
        if _URL.match(written):
            raise DocumentError(written, "is a URL, and nothing is fetched; save it to a file, and name that")
        source = os.path.normpath(os.path.expanduser(written))  # noqa: PTH111 - Path has no lexical normpath
        return cls(os.path.abspath(source), source.replace(os.sep, "/"))  # noqa: PTH100 - likewise

    def source_of(self, path: str) -> str:
        """How a file under this root is cited."""
        below = path[len(self.path) :].lstrip(os.sep).replace(os.sep, "/")
        source = (
            self.source
            if not below
            else below
            if self.source == "."
            else f"{self.source.rstrip('/')}/{below}"
        )
        return source.encode("utf-8", "replace").decode()

    def holds(self, path: str) -> bool:
        """Whether the path is this root or lies under it."""
        return path == self.path or path.startswith(self.path.rstrip(os.sep) + os.sep)


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. ``named`` tells one that is a root itself from one found in a folder."""

    path: str
    source: str
    size: int
    mtime_ns: int
    named: bool


@dataclass
class Findings:
    """What a walk came upon, each file once, in a fixed order; ``skipped`` holds (source, reason)."""

    files: dict[str, Found] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def find(root: Root, findings: Findings) -> None:
    """Add the documents under one root.

    Raises ``DocumentError`` when the root itself cannot be used; inside a folder such files are skipped with their
    reason. Hidden files and known junk are passed over in silence.
    """
    status = _stat(root.path, root.source)
    if not stat.S_ISDIR(status.st_mode):
        _add(root, root.path, status, findings)
        return
    before = len(findings.skipped)
    anything = False
    for path in _walk(root, findings):
        anything = True
        source = root.source_of(path)
        try:
            _add(root, path, _stat(path, source), findings)
        except DocumentError as error:
            findings.skipped.append((source, error.problem))
        if len(findings.files) > MAX_FILES:
            raise DocumentError(root.source, f"holds more than {MAX_FILES:,} documents; name its parts")
    if not anything and len(findings.skipped) == before:
        raise DocumentError(root.source, f"is a folder with nothing in it to read; {_READABLE}")


def _walk(root: Root, findings: Findings) -> Iterator[str]:
    """Paths of all entries that are not folders, sorted, depth first; every folder once, however it is linked."""
    visited = set[tuple[int, int]]()
    pending = [root.path]
    while pending:
        here = pending.pop()
        try:
            status = os.stat(here)  # noqa: PTH116 - one call on a string already at hand
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if here == root.path:
                raise DocumentError(root.source, _reason(error)) from error
            findings.skipped.append((root.source_of(here), _reason(error)))
            continue
        folders = []
        for entry in listed:
            if entry.name.startswith((".", "~$")) or entry.name.lower() in _JUNK_FILES:
                continue
            if _is_folder(entry):
                if entry.name not in _JUNK_FOLDERS:
                    folders.append(entry.path)
            else:
                yield entry.path
        pending += reversed(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links; reading it as a file then gives the reason
        return False


def _add(root: Root, path: str, status: os.stat_result, findings: Findings) -> None:
    if path not in findings.files:
        source = root.source_of(path)
        _check(source, status)
        findings.files[path] = Found(path, source, status.st_size, status.st_mtime_ns, path == root.path)


def _stat(path: str, source: str) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - one call on a string already at hand
    except (OSError, ValueError) as error:
        raise DocumentError(source, _reason(error)) from error


def _check(source: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise DocumentError(source, "is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise DocumentError(source, "is not a regular file")
    suffix = Path(source).suffix.lower()
    if suffix not in SUFFIXES:
        raise DocumentError(source, f"is of a kind that is not read ({suffix or 'no suffix'}); {_READABLE}")
    if status.st_size == 0:
        raise DocumentError(source, "is empty")
    if status.st_size > MAX_BYTES:
        size = status.st_size / 1024 / 1024
        raise DocumentError(
            source, f"is {size:,.0f} MB; the limit is {MAX_BYTES // 1024 // 1024} MB a file, so split it"
        )


def read(path: str, source: str) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes, and its status while it was read.

    Raises ``DocumentError`` when it cannot be read, is over ``MAX_BYTES`` or changes meanwhile.
    """
    try:
        # Non-blocking: opening a FIFO that nobody writes to would wait for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            before = os.fstat(handle)
            _check(source, before)
            data = file.read(MAX_BYTES + 1)
            after = os.fstat(handle)
    except (OSError, ValueError) as error:
        raise DocumentError(source, _reason(error)) from error
    if len(data) != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        raise DocumentError(source, "changed while it was read; try again when nothing writes to it")
    return data, after


def _reason(error: OSError | ValueError) -> str:
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENOTDIR:
            return "does not exist"
        case errno.EACCES | errno.EPERM:
            return "is not readable; check its permissions"
        case errno.ELOOP:
            return "is a loop of symbolic links"
        case errno.ENAMETOOLONG:
            return "is too long a path"
        case errno.ENXIO | errno.ENODEV:
            return "is not a regular file"
        case _:
            return f"cannot be read ({getattr(error, 'strerror', None) or error})"
