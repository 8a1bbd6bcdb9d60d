"""From the ledger's stream to its archive: each event once, kept before it is trimmed.

What is published in Redis about it: in ``keys.ARCHIVED`` where the archive is, how far it is and what ails it, for
people; in ``keys.ADMISSION`` how many of the stream's entries are kept, by which new jobs are admitted.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import redis
from redis.exceptions import OutOfMemoryError

from orchestrator.errors import ArchiveUnusable, StoreUnavailable
from orchestrator.store import keys
from orchestrator.store.archive import Archive, Gap
from orchestrator.store.archive.rows import place
from orchestrator.store.connection import translated
from orchestrator.store.ledger import Ledger
from orchestrator.store.stream import Entry

BATCH = 1_000
LOCK_MS = 5_000
"""How long a turn's lock outlives its last batch. Should it run out, two archive at once, which costs work alone."""
REST_MS = 900
"""How long the lock stays after a turn that went well: turns are a second apart, whoever takes them."""

# KEYS lock; ARGV token lock_ms : 0 where the turn is no longer ours
_HOLD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS ledger archived admission; ARGV cursor by keep_ms keep_entries backlog batch
# Returns how many entries came after the cursor; where that is a whole batch, it did nothing else.
_PUBLISH_AND_TRIM = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local waiting = #redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[6])
if waiting == tonumber(ARGV[6]) then return waiting end
local kept = redis.call('XLEN', KEYS[1]) - waiting
local surplus = kept - ARGV[4]
local last, first
if surplus > 0 then
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', math.min(surplus, 5000) + 1)
  last, first = oldest[#oldest - 1][1], oldest[#oldest][1]
else
  local cursor_ms = tonumber(string.match(ARGV[1], '^%d+'))
  first = string.format('%.0f-0', math.min(cursor_ms, now - ARGV[3]))
  local before = redis.call('XREVRANGE', KEYS[1], '(' .. first, '-', 'COUNT', 1)
  last = before[1] and before[1][1]
end
-- Exact, so that an archive can tell whether anything is gone that it has not read.
if last then kept = kept - redis.call('XTRIM', KEYS[1], 'MINID', '=', first) end
-- A Redis that is full takes none of this; what was trimmed helps it.
redis.pcall('HSET', KEYS[2], 'cursor', ARGV[1], 'by', ARGV[2], 'at_ms', now)
redis.pcall('HSET', KEYS[3], 'ledger_kept', kept, 'ledger_backlog', ARGV[5])
if last then redis.pcall('HSET', KEYS[2], 'trimmed', last, 'trimmed_by', ARGV[2]) end
if redis.call('HGET', KEYS[2], 'problem_by') == ARGV[2] then
  redis.call('HDEL', KEYS[2], 'problem', 'problem_by', 'problem_ms')
end
return waiting
"""

# KEYS archived admission; ARGV by problem backlog
_COMPLAIN = """
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'problem', ARGV[2], 'problem_by', ARGV[1],
  'problem_ms', t[1] * 1000 + math.floor(t[2] / 1000))
redis.call('HSET', KEYS[2], 'ledger_backlog', ARGV[3])
"""


@dataclass(frozen=True)
class Bounds:
    """Of the ledger's stream: how many entries may wait to be archived before new jobs are refused.

    What is archived stays for ``keep_ms``, and no more than ``keep_entries`` of it (1 at least), for whoever reads
    it there.
    """

    backlog: int
    keep_ms: int = 3_600_000
    keep_entries: int = 200_000


@dataclass(frozen=True)
class Page:
    """Entries of the stream after some place, and the last entry that was ever trimmed, both at one moment."""

    entries: list[tuple[str, str]]
    trimmed: str | None
    trimmed_by: str

    def gap(self, after: str | None) -> Gap | None:
        """What the stream no longer had between ``after`` (``None``: its beginning) and these entries."""
        if self.trimmed is None or (after is not None and place(self.trimmed) <= place(after)):
            return None
        return Gap(after=after, through=self.trimmed, place=self.trimmed_by)


def read_page(client: redis.Redis, after: str | None, *, limit: int = BATCH) -> Page:
    """Read on after an entry id (``None``: from the beginning). Raises ``StoreUnavailable``."""
    with translated():
        pipeline = client.pipeline(transaction=True)
        pipeline.hmget(keys.ARCHIVED, "trimmed", "trimmed_by")
        pipeline.xrange(keys.LEDGER, f"({after}" if after else "-", "+", count=limit)
        (trimmed, by), found = pipeline.execute()
    return Page(
        [(i, f.get("e", "")) for i, f in cast("list[Entry]", found)], trimmed, by or "another archive"
    )


def drain(client: redis.Redis, archive: Archive, *, while_ours: Callable[[], bool] = lambda: True) -> int:
    """Archive everything that the stream has and the archive has not; returns how many entries were read.

    May be run by several processes and killed at any point: the cursor moves with the events, in one transaction.
    ``while_ours`` is asked after each batch. Raises ``StoreUnavailable`` and ``ArchiveUnusable``.
    """
    stream = Ledger(client).identity()
    after = archive.cursor(stream)
    read = 0
    while True:
        page = read_page(client, after)
        gap = page.gap(after)
        if page.entries or gap:
            archive.append(stream, page.entries, gap=gap)
        if not page.entries:
            return read
        after = page.entries[-1][0]
        read += len(page.entries)
        if not while_ours():
            return read


def archive_and_trim(client: redis.Redis, archive: Archive, bounds: Bounds) -> bool:
    """One archiver's turn: keep what is new, then drop from the stream what is kept and old. False: not our turn.

    Only what is in the archive is ever trimmed: an archive that cannot be written leaves the stream whole, says so in
    Redis, and lets whoever offers next try with another. Raises ``StoreUnavailable`` and ``ArchiveUnusable``.
    """
    token, full = uuid.uuid4().hex, False
    try:
        with translated():
            if not client.set(keys.ARCHIVE_LOCK, token, nx=True, px=LOCK_MS):
                return False
    except StoreUnavailable as error:
        if not isinstance(error.__cause__, OutOfMemoryError):
            raise
        # Redis is too full for a lock, which only saves work; what is archived need not be kept there any longer.
        full, bounds = True, Bounds(bounds.backlog, keep_ms=0, keep_entries=1)

    def hold(ms: int) -> bool:
        with translated():
            return full or bool(client.eval(_HOLD, 1, keys.ARCHIVE_LOCK, token, ms))

    try:
        while hold(LOCK_MS):
            drain(client, archive, while_ours=lambda: hold(LOCK_MS))
            cursor = archive.cursor(Ledger(client).identity())
            if cursor is None or _publish(client, archive, cursor, bounds):
                hold(REST_MS)
                break
    except ArchiveUnusable as error:
        with suppress(StoreUnavailable), translated():
            client.eval(
                _COMPLAIN, 2, keys.ARCHIVED, keys.ADMISSION, archive.label, str(error), bounds.backlog
            )
            hold(0)
        raise
    return True


def _publish(client: redis.Redis, archive: Archive, cursor: str, bounds: Bounds) -> bool:
    """Say how far the archive is, and trim. False where so much came meanwhile that there is more to read first."""
    names = (keys.LEDGER, keys.ARCHIVED, keys.ADMISSION)
    values = (cursor, archive.label, bounds.keep_ms, bounds.keep_entries, bounds.backlog, BATCH)
    with translated():
        waiting = client.eval(_PUBLISH_AND_TRIM, len(names), *names, *values)
    return int(cast("int", waiting)) < BATCH
