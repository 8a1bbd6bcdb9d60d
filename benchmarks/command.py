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
    """Hears how it goes, and asks whether to go on: Python drops what is raised inside somebody's finaliser.

    ``kept`` is the outcome so far, also in ``file`` as JSON where one is given.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.kept: Outcome | None = None
        self._file = file
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

    def keep(self, outcome: Outcome) -> None:
        """Take what has been found, all of it or so far: it is kept however the measurement ends."""
        self.kept = outcome
        if self._file:
            self._file.write_text(json.dumps(outcome.to_dict(), indent=1) + "\n")

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` where somebody wants to stop."""
        if self._stop:
            raise KeyboardInterrupt


def run(name: str, measure: Callable[[Told], Outcome], *, file: Path | None) -> int:
    """Measure, print what was found, also into ``file`` as JSON where one is given; returns the exit code.

    0 all is as it should be, 1 it is not, 2 it could not be measured, 130 interrupted. What was kept before such an end
    is printed all the same.
    """
    # What the person who runs it has configured is neither used nor put at risk.
    for variable in [v for v in os.environ if v.startswith("TRIPTYCH_") or v == "REDIS_URL"]:
        del os.environ[variable]
    told = Told(file)
    ended, code = "", 0
    try:
        told.keep(measure(told))
    except KeyboardInterrupt:
        ended, code = "interrupted; nothing is left running", 130
    except (BenchmarkFailed, TriptychError) as error:
        ended, code = f"the {name} did not run: {error}", 2
    if told.kept:
        told.kept.show(Console())
    if ended:
        print(ended, file=sys.stderr)
    return code or (0 if told.kept and told.kept.met else 1)


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
