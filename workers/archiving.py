"""The ledger archiver's thread: every worker offers, one at a time has the lock, each event is kept once."""

from __future__ import annotations

import threading
import time

import redis
import structlog
from redis.exceptions import RedisError

from orchestrator.errors import ArchiveUnusable, StoreUnavailable
from orchestrator.store.archive import Archive
from orchestrator.store.archiving import Bounds, archive_and_trim
from workers.telemetry import whereabouts

PERIOD_S = 1.0
STAND_BACK_S = 5.0
"""After a turn that failed at the archive: another worker's may be usable, and is to have the lock."""
REMIND_S = 60.0

log = structlog.get_logger(__name__)


class Archiver:
    """Moves the ledger's stream into its archive once a second, and trims what is kept."""

    def __init__(self, client: redis.Redis, archive: Archive, bounds: Bounds) -> None:
        self._client = client
        self._archive = archive
        self._bounds = bounds
        self._stop = threading.Event()
        self._said = ("", 0.0)

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-archive", daemon=True).start()

    def close(self) -> None:
        """Stop after the turn that is under way."""
        self._stop.set()

    def _run(self) -> None:
        pause_s, away = PERIOD_S, False
        while not self._stop.wait(pause_s):
            pause_s = PERIOD_S
            try:
                self._turn()
                away = False
            except (StoreUnavailable, RedisError) as error:
                if not away:  # as the sweep's
                    log.warning("archive_missed", error=type(error).__name__)
                away = True
            except ArchiveUnusable as error:
                self._complain(str(error))
                pause_s = STAND_BACK_S
            except Exception as error:  # noqa: BLE001 - a thread that dies of one turn archives nothing any more
                self._complain(f"{type(error).__name__} at {whereabouts(error)}")
                pause_s = STAND_BACK_S
        self._archive.close()

    def _turn(self) -> None:
        if archive_and_trim(self._client, self._archive, self._bounds):
            self._said = ("", 0.0)
        else:
            # Somebody else's turn, and so his next ones too: no connection is held for that.
            self._archive.close()

    def _complain(self, problem: str) -> None:
        """Say it when it is new, and now and then while it lasts."""
        now = time.monotonic()
        if problem != self._said[0] or now > self._said[1] + REMIND_S:
            log.error("archive_unusable", error=problem)
            self._said = (problem, now)
