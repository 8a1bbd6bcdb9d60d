"""Keeps a worker process on one core: the one that others use least, looked at once a second.

One interpreter runs one thread at a time, and a worker has a hundred. Where they wake on several cores, each hand-over
of the interpreter wakes one of them and leaves caches behind: a job then costs much more CPU and takes longer, for
nothing (docs/performance.md). A core that is chosen for good would be the wrong one as soon as somebody else wants it,
so this looks on. Linux only; elsewhere, or where there is one core or no global lock, nothing is done.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

EVERY_S = 1.0
MARGIN = 0.25
"""Of a core's time: so much less has another one's to be used by others before this process moves there."""
_STAT, _THREADS = Path("/proc/stat"), Path("/proc/self/task")
_WORKING = (1, 2, 3, 6, 7, 8)
"""Of a core's line: user, nice, system, irq, softirq, steal; the others are times of rest."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Look:
    """One moment: s of CPU that each core has given since it started, and that this process has taken of them."""

    at: float
    busy: dict[int, float]
    own: float


def choose(
    before: Look, now: Look, cores: Collection[int], core: int | None, dice: random.Random
) -> int | None:
    """Say which of these cores to be on, from what others took of each between two looks; ``core`` is today's.

    Two that meet on one core both see it: each moves with a chance of one half, and not to the same place for certain.
    """
    elapsed = now.at - before.at
    seen = [c for c in cores if c in before.busy and c in now.busy]
    if not seen or elapsed <= 0:
        return core
    own = now.own - before.own
    others = {c: (now.busy[c] - before.busy[c] - (own if c == core else 0.0)) / elapsed for c in seen}
    least = max(0.0, min(others.values()))
    good = [c for c in seen if others[c] <= least + MARGIN]
    if core is None:
        return dice.choice(good)
    return core if core in good or dice.random() < 0.5 else dice.choice(good)


def look() -> Look:
    """Look at this machine. Raises ``OSError`` where it does not tell."""
    hz = os.sysconf("SC_CLK_TCK")
    busy: dict[int, float] = {}
    with _STAT.open(encoding="ascii") as lines:
        for line in lines:
            name, *_ = fields = line.split()
            if not name.startswith("cpu"):
                break  # they come first
            if name != "cpu":
                busy[int(name[3:])] = sum(int(fields[at]) for at in _WORKING) / hz
    return Look(time.monotonic(), busy, time.process_time())


class Core:
    """Keeps this process's threads together, those that are started later too. ``close`` leaves them where they are."""

    def __init__(self, look_around: Callable[[], Look] = look, dice: random.Random | None = None) -> None:
        self._look = look_around
        self._dice = dice or random.Random()  # noqa: S311 - no secret
        self._cores = _allowed()
        self._core: int | None = None
        self._last: Look | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, in a daemon thread; where there is nothing to choose, do nothing."""
        if len(self._cores) > 1:
            threading.Thread(target=self._run, name="triptych-core", daemon=True).start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()

    def turn(self) -> None:
        """Look once, and move where that is better. Raises ``OSError`` where this machine does not let it."""
        now = self._look()
        if self._last is not None:
            core = choose(self._last, now, self._cores, self._core, self._dice)
            if core is not None:
                if core != self._core:
                    log.debug("core_chosen", core=core, before=self._core)
                self._core = core
                _keep_to({core})
        self._last = now

    def _run(self) -> None:
        try:
            self.turn()
            while not self._stop.wait(EVERY_S):
                self.turn()
        except (OSError, ValueError) as error:
            # A sandbox without /proc/stat, or a set of cores that was changed meanwhile.
            log.warning("core_not_kept", error=str(error))
            with suppress(OSError):
                _keep_to(self._cores)


def _allowed() -> set[int]:
    """The cores that this process may choose among; none where it cannot, or where threads run side by side."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    return os.sched_getaffinity(0) if locked and hasattr(os, "sched_getaffinity") else set()


def _keep_to(cores: set[int]) -> None:
    """Have every thread of this process on these cores, as it has those that they start."""
    for thread in _THREADS.iterdir():
        with suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(thread.name), cores)
