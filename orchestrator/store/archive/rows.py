"""From entries of the ledger's stream to rows of its archive. Values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from orchestrator.contracts.events import Event, JobEnd, JobSubmitted, PlanReady, parse_event

MAX_EVENT_BYTES = 16_384
_MAX_ID = 200
_LARGEST = 2**62  # both databases' integers end at 2**63 - 1
_ENTRY_ID = re.compile(r"^([0-9]{1,15})-([0-9]{1,18})$")
JOB_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")

Place = tuple[int, int]
"""A stream entry's id, comparable: milliseconds and a number."""


@dataclass(frozen=True)
class Batch:
    """What becomes of a batch: rows of the table of events, of jobs, and what is refused as (entry id, why)."""

    events: tuple[tuple[str, str, int, str], ...]
    jobs: tuple[Job, ...]
    refused: tuple[tuple[str, str], ...]
    newest: Place | None


def place(entry_id: str) -> Place:
    """Read an entry id. Raises ``ValueError`` for one that Redis would not give."""
    match = _ENTRY_ID.match(entry_id)
    if not match:
        raise ValueError(f"{entry_id!r} is not a stream entry id (milliseconds-number)")
    return int(match[1]), int(match[2])


def batch(stream: str, entries: Sequence[tuple[str, str | bytes]]) -> Batch:
    """Sort out what a stream brought: (entry id, event as JSON). Raises ``ValueError`` as ``place``."""
    events: list[tuple[str, str, int, str]] = []
    known: list[Event] = []
    refused: list[tuple[str, str]] = []
    newest: Place | None = None
    for entry_id, raw in entries:
        at = place(entry_id)
        newest = max(newest or at, at)
        try:
            event, text = _read(raw, at_ms=at[0])
        except _NotAnEventError as error:
            refused.append((entry_id, str(error)))
        else:
            # One without an id is told apart by its place in the stream.
            events.append((event.event_id or f"{stream}/{entry_id}", event.task_id, at[0], text))
            known.append(event)
    return Batch(tuple(events), jobs_of(known), tuple(refused), newest)


class _NotAnEventError(ValueError):
    """An entry that cannot be kept; says why, without its text."""


def _read(raw: str | bytes, *, at_ms: int) -> tuple[Event, str]:
    try:
        body = raw if isinstance(raw, bytes) else raw.encode()
        if len(body) > MAX_EVENT_BYTES:
            raise _NotAnEventError(f"is over {MAX_EVENT_BYTES:,} bytes")
        event, text = parse_event(body, at_ms=at_ms), body.decode()
    except (ValidationError, UnicodeError):
        raise _NotAnEventError("is not an event in JSON") from None
    if not all(_fits(part) for part in (event.event_id, event.task_id)):
        raise _NotAnEventError("has an id that no Triptych gives")
    return event, text


def _fits(name: str) -> bool:
    """Whether both databases can keep and index it."""
    return len(name) <= _MAX_ID and "\x00" not in name


@dataclass(frozen=True)
class Job:
    """What the events of one job say of the whole; any order of them gives the same. Times are epoch ms."""

    task_id: str
    tenant: str
    started_at_ms: int
    last_at_ms: int
    requested_mode: str | None = None
    mode: str | None = None
    status: str | None = None
    total_ms: int | None = None

    def and_then(self, later: Job) -> Job:
        """Both together. A job has one end, so the first that was seen stays."""
        return Job(
            self.task_id,
            self.tenant,
            min(self.started_at_ms, later.started_at_ms),
            max(self.last_at_ms, later.last_at_ms),
            self.requested_mode or later.requested_mode,
            later.mode or self.mode,
            self.status or later.status,
            later.total_ms if self.total_ms is None else self.total_ms,
        )


def jobs_of(events: Iterable[Event]) -> tuple[Job, ...]:
    """Fold events into their jobs, those first that come first."""
    jobs: dict[str, Job] = {}
    for event in events:
        if JOB_ID.match(event.task_id):
            said = _job(event)
            jobs[said.task_id] = jobs[said.task_id].and_then(said) if said.task_id in jobs else said
    return tuple(jobs.values())


def _job(event: Event) -> Job:
    tenant: object = getattr(event, "tenant", None)
    end = event if isinstance(event, JobEnd) else None
    requested = event.requested_mode if isinstance(event, JobSubmitted) else None
    return Job(
        task_id=event.task_id,
        tenant=tenant if isinstance(tenant, str) and _fits(tenant) else "default",
        started_at_ms=event.at_ms,
        last_at_ms=event.at_ms,
        requested_mode=requested if requested and _fits(requested) else None,
        mode=event.mode if isinstance(event, PlanReady | JobEnd) else None,
        status=end.status if end else None,
        total_ms=max(-_LARGEST, min(end.total_ms, _LARGEST)) if end else None,
    )
