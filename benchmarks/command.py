"""What every measurement is as a command: nobody's own configuration, an interrupt that arrives, and an exit code."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from benchmarks.machine import Machine, this_machine
from benchmarks.processes import BenchmarkFailed
from orchestrator.errors import TriptychError
from orchestrator.local import PrivateFleet
from orchestrator.settings import Settings


class Outcome(Protocol):
    """What a measurement has found."""

    @property
    def met(self) -> bool:
        """Whether all is as it should be."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        ...

    def show(self, console: Console) -> None:
        """Print it for people."""
        ...


class Told:
    """Hears how it goes, and asks whether to go on: Python drops what is raised inside somebody's finaliser."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._stop = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self._stop = True
        raise KeyboardInterrupt

    def __call__(self, line: str) -> None:
        """Print a line on stderr. Raises ``KeyboardInterrupt`` where somebody wants to stop."""
        self._console.print(line, soft_wrap=True)
        self.check()

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` where somebody wants to stop."""
        if self._stop:
            raise KeyboardInterrupt


def run(name: str, measure: Callable[[Told], Outcome], *, file: Path | None) -> int:
    """Measure, print what was found, also into ``file`` as JSON where one is given; returns the exit code.

    0 all is as it should be, 1 it is not, 2 nothing could be measured, 130 interrupted.
    """
    # What the person who runs it has configured is neither used nor put at risk.
    for variable in [v for v in os.environ if v.startswith("TRIPTYCH_") or v == "REDIS_URL"]:
        del os.environ[variable]
    told = Told()
    try:
        outcome = measure(told)
    except KeyboardInterrupt:
        print("interrupted; nothing is left running", file=sys.stderr)
        return 130
    except (BenchmarkFailed, TriptychError) as error:
        print(f"the {name} did not run: {error}", file=sys.stderr)
        return 2
    outcome.show(Console())
    if file:
        file.write_text(json.dumps(outcome.to_dict(), indent=1) + "\n")
    return 0 if outcome.met else 1


def seed_of(given: int | None) -> int:
    """The seed that was asked for, or a fresh one."""
    return random.SystemRandom().randrange(10**6) if given is None else given


@contextmanager
def private(name: str) -> Iterator[tuple[PrivateFleet, Path, Machine]]:
    """A server of its own, a folder for logs, and what both are on; the first two are gone in the end."""
    fleet = PrivateFleet(Settings())
    # A short path: a socket's is limited to 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix=f"triptych-{name}-"))
    try:
        fleet.start_valkey()
        yield fleet, folder, this_machine(f"unix://{fleet.socket}")
    finally:
        fleet.stop()
        shutil.rmtree(folder, ignore_errors=True)
