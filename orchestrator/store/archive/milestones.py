"""Finds the ends of jobs, and what concerns the whole fleet, without reading what happened in between.

An end is found by its id, which follows from the job's: two index look-ups a job, where all events would be twenty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from orchestrator.contracts.events import Event, parse_event
from orchestrator.store.archive.database import Row
from orchestrator.store.keys import JobRef
from orchestrator.store.origin import end_id

Read = Callable[[str, Sequence[object]], list[Row]]

_PAGE = 500
_EVER = 2**62
_LONGEST_MS = 2 * 3_600_000
"""No job takes longer: a deadline is an hour at most. Who ended in a time began so long before it at the earliest."""

_ENDED = (
    "SELECT started_at_ms, task_id, tenant FROM triptych.jobs WHERE started_at_ms >= ? AND started_at_ms <= ? "
    "AND (started_at_ms, task_id) < (?, ?) AND status IS NOT NULL "
    "ORDER BY started_at_ms DESC, task_id DESC LIMIT ?"
)
_OF_FLEET = (
    "SELECT at_ms, raw FROM triptych.events WHERE task_id = '' AND at_ms >= ? "
    "ORDER BY at_ms DESC, seq DESC LIMIT ?"
)


def is_milestone(raw: str) -> bool:
    """Whether an event, as its JSON, may be one: the end of a job, or of no single job."""
    return '"job_end"' in raw or '"task_id":""' in raw


def milestones(read: Read, *, since_ms: int, most: int) -> Iterator[Event]:
    """Read them from ``since_ms`` (epoch) on, the latest jobs first, ``most`` of each kind."""
    for at_ms, raw in read(_OF_FLEET, (since_ms, most)):
        yield parse_event(raw, at_ms=at_ms)
    earliest_ms = since_ms - _LONGEST_MS
    before: tuple[int, str] = (_EVER, "")
    left = most
    while left > 0 and (page := read(_ENDED, (earliest_ms, before[0], *before, min(left, _PAGE)))):
        left -= len(page)
        before = (page[-1][0], page[-1][1])
        ids = [end_id(JobRef(tenant, task_id)) for _, task_id, tenant in page]
        some = ", ".join("?" * len(ids))
        found = read(
            f"SELECT at_ms, raw FROM triptych.events WHERE event_id IN ({some})",  # noqa: S608 - placeholders
            ids,
        )
        yield from (parse_event(raw, at_ms=at_ms) for at_ms, raw in found if at_ms >= since_ms)
