"""A job's event stream: how producers wait and pages move. Resumable by entry id; never misses, never repeats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

import redis
from pydantic import ValidationError

from orchestrator.contracts.base import Frozen, Step
from orchestrator.contracts.events import Event, parse_event
from orchestrator.errors import StoreUnavailable
from orchestrator.store.connection import translated
from orchestrator.store.keys import JobRef

Entry = tuple[str, dict[str, str]]
"""A stream entry as our clients (decoded responses) return it, which redis-py's types cannot tell."""
WATCH_MS = 10_000
BLOCK_MS = 2_000


class LiveText(Frozen):
    """The last words a persona has written so far. Sent a few times a second, only while somebody watches."""

    step: Step
    attempt: int
    text: str
    chars: int


def follow(
    client: redis.Redis, ref: JobRef, *, after: str = "0", watch: bool = True, timeout_s: float | None = None
) -> Iterator[tuple[str, Event | LiveText | None]]:
    """Yield (entry id, event) from the entry after ``after`` on, for ever; ``None`` events mark idle moments.

    ``watch`` asks the workers for live text. An outage of Redis is waited out: reading resumes at the last id.
    Raises ``StoreUnavailable`` when nothing could be read for ``timeout_s``.
    """
    last = after
    contact = time.monotonic()
    while True:
        try:
            with translated():
                if watch:
                    client.set(ref.watch, "1", px=WATCH_MS)
                answer = client.xread({ref.events: last}, count=500, block=BLOCK_MS)
            contact = time.monotonic()
        except StoreUnavailable:
            if timeout_s is not None and time.monotonic() - contact > timeout_s:
                raise
            yield last, None
            time.sleep(0.2)
            continue
        entries = [
            entry for _, batch in cast("list[tuple[str, list[Entry]]]", answer or []) for entry in batch
        ]
        if not entries:
            yield last, None
        for entry_id, fields in entries:
            last = entry_id
            event = _read(entry_id, fields)
            if event is not None:
                yield entry_id, event


def history(client: redis.Redis, ref: JobRef) -> list[Event]:
    """The job's events so far, oldest first, live text left out."""
    with translated():
        entries = cast("list[Entry]", client.xrange(ref.events))
    found = (_read(entry_id, fields) for entry_id, fields in entries)
    return [event for event in found if event is not None and not isinstance(event, LiveText)]


def _read(entry_id: str, fields: dict[str, str]) -> Event | LiveText | None:
    try:
        if "t" in fields:
            return LiveText.model_validate_json(fields["t"])
        return parse_event(fields["e"], at_ms=int(entry_id.partition("-")[0]))
    except (KeyError, ValidationError):
        # Somebody else wrote into our stream: what is not ours is not an event, and must not stop a waiting producer.
        return None


def publish_text(client: redis.Redis, texts: list[tuple[JobRef, LiveText]]) -> None:
    """Append live texts, one round trip. They share the stream's length cap, and its TTL."""
    with translated():
        pipeline = client.pipeline(transaction=False)
        for ref, text in texts:
            pipeline.xadd(
                ref.events, {"t": text.model_dump_json()}, maxlen=2_000, approximate=True, nomkstream=True
            )
        pipeline.execute()
