"""How commands write: data to stdout, words for people to stderr, files all at once, and no fuss about `| head`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from rich.console import Console

from orchestrator.errors import InvalidInput

P = ParamSpec("P")
R = TypeVar("R")


class _PipeConsole(Console):
    """Rich's own answer to a closed pipe is exit code 1, which here means that a job failed."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stdout_console(width: int | None = None) -> Console:
    """Make the console for data. Where stdout is no terminal it neither colours, wraps nor shortens."""
    return _whole_lines(_PipeConsole(width=width, highlight=False, markup=False, emoji=False))


def stderr_console() -> Console:
    """Make the console for notes and warnings; likewise."""
    return _whole_lines(_PipeConsole(stderr=True, highlight=False, markup=False, emoji=False))


def _whole_lines(console: Console) -> Console:
    # Rich takes 80 columns where it cannot ask a terminal, and would break ids and paths there.
    console.soft_wrap = not console.is_terminal
    return console


def counted(number: int, noun: str) -> str:
    """Write ``1 document``, ``2 documents``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def emit(text: str) -> None:
    """Write one line of data to stdout as it is."""
    sys.stdout.write(f"{text}\n")


def pipe_safe(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end quietly, with code 0, when the reader of its output goes away."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes stdout once more at exit; into the void, then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        return result

    return run


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(str(path), f"cannot be written ({error.strerror}); choose another place") from None


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8. Raises ``InvalidInput`` naming the path."""
    with _named(path), written(path) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a draft's path beside ``path``, which takes its place when the block ends well."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with _named(path):
        try:
            yield draft
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
