"""The ledger archiver's thread: every worker offers, one at a time has the lock, each event is kept once."""

from __future__ import annotations

import threading

import redis
import structlog
from redis.exceptions import RedisError

from orchestrator.errors import ArchiveUnusable, StoreUnavailable
from orchestrator.store.archive import Archive
from orchestrator.store.archiving import archive_and_trim

PERIOD_S = 1.0

log = structlog.get_logger(__name__)


class Archiver:
    """Moves the ledger's stream into its archive once a second, and trims what is kept."""

    def __init__(self, client: redis.Redis, archive: Archive) -> None:
        self._client = client
        self._archive = archive
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-archive", daemon=True).start()

    def close(self) -> None:
        """Stop after the turn that is under way."""
        self._stop.set()

    def _run(self) -> None:
        away = False
        while not self._stop.wait(PERIOD_S):
            try:
                archive_and_trim(self._client, self._archive, lock_ms=int(PERIOD_S * 900))
                away = False
            except (StoreUnavailable, RedisError) as error:
                if not away:  # as the sweep's
                    log.warning("archive_missed", error=type(error).__name__)
                away = True
            except ArchiveUnusable as error:
                log.exception("archive_unusable", error=str(error))
