"""From the ledger's stream to its archive: each event once, kept before it is trimmed."""

from __future__ import annotations

import redis

from orchestrator.store import keys
from orchestrator.store.archive import Archive
from orchestrator.store.connection import translated
from orchestrator.store.ledger import Ledger

BATCH = 1_000
KEEP_IN_REDIS_MS = 3_600_000
"""What is archived stays in the stream this long, for readers on other machines."""


def drain(client: redis.Redis, archive: Archive) -> int:
    """Archive everything that the stream has and the archive has not; returns how many entries were read.

    May be run by several processes and killed at any point: the cursor moves with the events, in one transaction.
    Raises ``StoreUnavailable`` and ``ArchiveUnusable``.
    """
    ledger = Ledger(client)
    stream = ledger.identity()
    read = 0
    after = archive.cursor(stream) or "-"
    while page := ledger.read(after=after, limit=BATCH):
        archive.append(stream, page)
        after = page[-1][0]
        read += len(page)
    return read


def archive_and_trim(client: redis.Redis, archive: Archive, *, lock_ms: int) -> bool:
    """One archiver's turn: keep what is new, then drop from the stream what is kept and old. False: not our turn.

    Only what is in the archive is ever trimmed: an archive that cannot be written leaves the stream whole.
    """
    with translated():
        if not client.set(keys.ARCHIVE_LOCK, "1", nx=True, px=lock_ms):
            return False
        seconds, _ = client.time()
    drain(client, archive)
    kept = archive.cursor(Ledger(client).identity())
    if kept:
        oldest = min(int(kept.partition("-")[0]), int(seconds) * 1_000 - KEEP_IN_REDIS_MS)
        with translated():
            client.xtrim(keys.LEDGER, minid=f"{oldest}-0", approximate=True)
    return True
