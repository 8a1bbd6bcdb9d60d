"""A file of JSON lines that only grows: a line is on the disk before the next is begun, and a torn one is dropped."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from orchestrator.contracts.base import Frozen
from orchestrator.errors import InvalidInput

OPTION = "--out"


class Lines:
    """An open file; ``whole`` are the lines that it held when it was opened."""

    def __init__(self, file: IO[bytes], path: Path, whole: list[bytes]) -> None:
        self._file = file
        self.path = path
        self.whole = whole

    def add(self, line: Frozen) -> None:
        """Keep it, through a crash of the machine too. Raises ``InvalidInput`` where there is no room."""
        try:
            self._file.write(line.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InvalidInput(
                OPTION,
                f"{self.path} cannot be written ({error.strerror}); make room, and the same command goes on",
            ) from None


@contextmanager
def growing(path: Path) -> Iterator[Lines]:
    """Open it, made where it is not there, for one process at a time. Raises ``InvalidInput`` where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise InvalidInput(
            OPTION, f"{path} cannot be written ({error.strerror}); name another folder"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InvalidInput(
                OPTION, f"{path} is in use by another command; wait, or name another folder"
            ) from None
        file.seek(0)
        lines = file.read().split(b"\n")
        file.truncate(
            sum(len(line) + 1 for line in lines[:-1])
        )  # what stands behind the last line's end was torn
        yield Lines(file, path, lines[:-1])
