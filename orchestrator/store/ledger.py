"""The ledger's hot end: one Redis Stream that every worker appends to (through the store's scripts)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import cast

import redis

from orchestrator.store import keys
from orchestrator.store.connection import translated
from orchestrator.store.stream import Entry


class Ledger:
    """Reads the stream. Entries are (entry id, raw JSON); the entry id starts with the event's time, epoch ms."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def read(self, *, after: str = "-", limit: int = 1_000) -> list[tuple[str, str]]:
        """Up to ``limit`` entries after an entry id (``-`` for the oldest), oldest first."""
        start = "-" if after == "-" else f"({after}"
        with translated():
            found = cast("list[Entry]", self.client.xrange(keys.LEDGER, start, "+", count=limit))
        return [(i, f.get("e", "")) for i, f in found]

    def newest(self, limit: int) -> list[tuple[str, str]]:
        """The last ``limit`` entries, oldest first."""
        with translated():
            found = cast("list[Entry]", self.client.xrevrange(keys.LEDGER, count=limit))
        return [(i, f.get("e", "")) for i, f in reversed(found)]

    def all(self) -> Iterator[tuple[str, str]]:
        """Every entry, oldest first, in pages."""
        after = "-"
        while page := self.read(after=after):
            yield from page
            after = page[-1][0]

    def identity(self) -> str:
        """Names this stream for good, across restarts: entry ids of different streams must not be compared."""
        known = self.known_identity()
        if known is None:
            with translated():
                self.client.set(keys.LEDGER_ID, uuid.uuid4().hex, nx=True)
            known = self.known_identity()
        return known or ""

    def known_identity(self) -> str | None:
        """The stream's name, where it was given one: whoever only reads gives none."""
        with translated():
            return cast("str | None", self.client.get(keys.LEDGER_ID))
