"""Where the reading commands get ledger events from (the archive, and what Redis has beyond it), and since when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.cli.shared.output import stderr_console
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from orchestrator.store.source import EventSource

_AGO = re.compile(r"^([0-9]{1,6})(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


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


def parse_since(text: str | None, *, now: datetime | None = None) -> int | None:
    """Read ``90s``, ``30m``, ``2h``, ``7d`` or an ISO date and time (local where it names no zone) as epoch ms.

    Raises ``InvalidInput``.
    """
    if text is None:
        return None
    now = now or datetime.now(UTC)
    ago = _AGO.match(text)
    if ago:
        return int((now.timestamp() - int(ago[1]) * _SECONDS[ago[2]]) * 1_000)
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.astimezone()).timestamp() * 1_000)
    except (ValueError, OverflowError, OSError):
        raise InvalidInput("--since", "is no time; write 30m, 2h, 7d, or 2026-01-31T08:00") from None
