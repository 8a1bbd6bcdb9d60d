"""Which archive a deployment has: a Postgres where ``TRIPTYCH_LEDGER_URL`` names one, else a file in the home."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import InvalidSettings
from orchestrator.settings import Settings
from orchestrator.store.archive.archive import Archive
from orchestrator.store.archive.sqlite import SqliteFile


def archive_of(settings: Settings) -> Archive:
    """The deployment's archive; nothing is opened yet. Raises ``InvalidSettings`` where its driver is missing."""
    if settings.ledger_url is None:
        return archive_in(settings.home)
    try:
        # Late: nobody but those who keep their ledger there has the driver, or waits for its import.
        from orchestrator.store.archive.postgres import Postgres  # noqa: PLC0415 - as above
    except ImportError as error:
        raise InvalidSettings(
            "TRIPTYCH_LEDGER_URL",
            f"needs the driver of the postgres extra ({error}); pip install 'triptych[postgres]', or unset it to "
            "keep the ledger in TRIPTYCH_HOME",
        ) from None
    return Archive(Postgres(settings.ledger_url.get_secret_value()))


def archive_in(home: Path) -> Archive:
    """The archive that is a file in ``home``."""
    return Archive(SqliteFile(home))
