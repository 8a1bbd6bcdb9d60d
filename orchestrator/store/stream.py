"""A job's event stream, and its live text; ``orchestrator.client.waiting`` reads both for producers and pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import redis
from pydantic import ValidationError

from orchestrator.contracts.base import Frozen, Step
from orchestrator.contracts.events import Event, parse_event
from orchestrator.store.connection import translated
from orchestrator.store.keys import JobRef

Entry = tuple[str, dict[str, str]]
"""A stream entry as our clients (decoded responses) return it, which redis-py's types cannot tell."""
WATCH_MS = 10_000
BLOCK_MS = 2_000
LIVE_FRAMES = 50
LIVE_MS = 60_000


class LiveText(Frozen):
    """The last words a persona has written so far. Sent a few times a second, only while somebody watches."""

    step: Step
    attempt: int
    text: str
    chars: int


def history(client: redis.Redis, ref: JobRef) -> list[Event]:
    """The job's events so far, oldest first."""
    return since(client, ref, "0")


def since(client: redis.Redis, ref: JobRef, after: str) -> list[Event]:
    """The job's events after an entry id, oldest first."""
    with translated():
        entries = cast("list[Entry]", client.xrange(ref.events, f"({after}"))
    return list(events_of(entries))


def events_of(entries: Iterable[Entry]) -> tuple[Event, ...]:
    """The events among the entries of a job's stream."""
    found = (read_entry(entry_id, fields) for entry_id, fields in entries)
    return tuple(event for event in found if event is not None and not isinstance(event, LiveText))


def read_entry(entry_id: str, fields: dict[str, str]) -> Event | LiveText | None:
    """What an entry of a job's stream, or of its live text, says; ``None`` for what is not ours."""
    try:
        if "t" in fields:
            return LiveText.model_validate_json(fields["t"])
        return parse_event(fields["e"], at_ms=int(entry_id.partition("-")[0]))
    except (KeyError, ValidationError):
        # Somebody else wrote into our stream: what is not ours is not an event, and must not stop a waiting producer.
        return None


def publish_text(client: redis.Redis, texts: list[tuple[JobRef, LiveText]]) -> None:
    """Append live texts, one round trip: to a short stream of their own, so that they never push out an event."""
    with translated():
        pipeline = client.pipeline(transaction=False)
        for ref, text in texts:
            pipeline.xadd(ref.live, {"t": text.model_dump_json()}, maxlen=LIVE_FRAMES, approximate=True)
            pipeline.pexpire(ref.live, LIVE_MS)
        pipeline.execute()
