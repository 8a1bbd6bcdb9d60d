"""Where the reading commands get ledger events from: the deployment's archive, and what its Redis has beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.output import stderr_console

if TYPE_CHECKING:
    from orchestrator.store.source import EventSource


def open_source() -> EventSource:
    """Open the ledger of this deployment: with REDIS_URL set, the fleet's; without, what ran on this machine.

    What a reader has to know of it is said on stderr: a Redis that is away, and what this machine's archive lacks.
    """
    from orchestrator.settings import load_settings
    from orchestrator.store import connect
    from orchestrator.store.archive import archive_of

    settings = load_settings()
    archive = archive_of(settings)
    if settings.redis_url is None:
        return archive
    from orchestrator.store.fleet_ledger import FleetLedger

    notes = stderr_console()
    client = connect(settings.redis_url.get_secret_value())
    return FleetLedger(client, archive, notice=lambda text: notes.print(text, style="yellow", soft_wrap=True))
