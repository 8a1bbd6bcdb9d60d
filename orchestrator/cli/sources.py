"""Where the reading commands get ledger events from: the archive, brought up to date from the live stream first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.cli.output import stderr_console
from orchestrator.errors import StoreUnavailable

if TYPE_CHECKING:
    import redis

    from orchestrator.contracts.events import Event
    from orchestrator.store.archive import Archive
    from orchestrator.store.source import EventSource

FOLLOW_EVERY_S = 0.25


def open_source() -> EventSource:
    """Open the ledger of this deployment: with REDIS_URL set, the fleet's; without, what ran on this machine."""
    from orchestrator.settings import load_settings
    from orchestrator.store import connect
    from orchestrator.store.archive import archive_of

    settings = load_settings()
    if settings.redis_url is None:
        return archive_of(settings)
    return FleetLedger(connect(settings.redis_url.get_secret_value()), archive_of(settings))


class FleetLedger:
    """A fleet's ledger, read through this machine's archive of it.

    A Redis that is away is said once on stderr; what was archived before can still be read.
    """

    def __init__(self, client: redis.Redis, archive: Archive) -> None:
        self._client = client
        self._archive = archive
        self._said = False

    def events(self, task_id: str | None = None, *, since_ms: int | None = None) -> Iterator[Event]:
        """See ``EventSource``."""
        self._catch_up()
        return self._archive.events(task_id, since_ms=since_ms)

    def recent(self, n: int) -> Sequence[Event]:
        """See ``EventSource``."""
        self._catch_up()
        return self._archive.recent(n)

    def follow(self) -> Iterator[Event]:
        """See ``EventSource``."""
        self._catch_up()

        def wait() -> None:
            time.sleep(FOLLOW_EVERY_S)
            self._catch_up()

        return self._archive.follow(wait=wait)

    def resolve(self, job: str) -> str:
        """See ``EventSource``."""
        self._catch_up()
        return self._archive.resolve(job)

    def _catch_up(self) -> None:
        from orchestrator.store.archiving import drain

        try:
            drain(self._client, self._archive)
        except StoreUnavailable as error:
            if not self._said:
                stderr_console().print(f"{error}; showing what was archived before.", style="yellow")
            self._said = True
        else:
            self._said = False
