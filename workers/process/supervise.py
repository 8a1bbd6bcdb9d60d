"""``triptych worker --supervise``: start the worker again when it has died.

A worker outlives an outage of Redis by itself; this is for what kills processes: a full memory, a defect. Where
something else restarts them (Compose, Kubernetes, systemd), let that do it; this is for where nothing does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import structlog

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HEALTHY_AFTER_S = 60.0
BAD_SETTINGS = 2

log = structlog.get_logger(__name__)


def pause_after(deaths: int) -> float:
    """How long to wait before the next start, in s, after this many deaths in a row."""
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(deaths - 1, 10)))


def supervise(arguments: Sequence[str]) -> int:
    """Run ``python -m workers ARGUMENTS`` until it ends well, is told to stop, or cannot start at all."""
    tether = [sys.executable, "-m", "orchestrator.local.tether", str(os.getpid())]
    command = [*tether, sys.executable, "-m", "workers", *arguments]
    stopping: list[int] = []
    worker: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: object) -> None:
        stopping.append(number)
        if worker is not None and worker.poll() is None:
            worker.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, pass_on)
    deaths = 0
    while True:
        began = time.monotonic()
        # Its own session, so that a terminal's Ctrl-C reaches it once: through us.
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own module
        code = worker.wait()
        if code in (0, BAD_SETTINGS) or stopping:
            return code
        deaths = 1 if time.monotonic() - began > HEALTHY_AFTER_S else deaths + 1
        pause_s = pause_after(deaths)
        log.warning("worker_died", code=code, deaths=deaths, next_start_in_s=pause_s)
        end = time.monotonic() + pause_s
        while time.monotonic() < end and not stopping:
            time.sleep(0.1)
        if stopping:
            return 0
