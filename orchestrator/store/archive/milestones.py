"""Finds where jobs begin and end, and what concerns the whole fleet, without reading what happened in between.

An end is found by its id, which follows from the job's, a beginning by its time, which the list of jobs has: two or
three index look-ups a job, where all events would be twenty.
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

_JOBS = (
    "SELECT started_at_ms, task_id, tenant FROM triptych.jobs WHERE started_at_ms >= ? AND started_at_ms <= ? "
    "AND (started_at_ms, task_id) < (?, ?) ORDER BY started_at_ms DESC, task_id DESC LIMIT ?"
)
_ENDED = "SELECT at_ms, raw FROM triptych.events WHERE event_id IN"
_BEGUN = (
    "SELECT event.at_ms, event.raw FROM triptych.jobs AS job JOIN triptych.events AS event "
    "ON event.task_id = job.task_id AND event.at_ms = job.started_at_ms WHERE job.task_id IN"
)
_OF_FLEET = (
    "SELECT at_ms, raw FROM triptych.events WHERE task_id = '' AND at_ms >= ? "
    "ORDER BY at_ms DESC, seq DESC LIMIT ?"
)


def may_be_milestone(raw: str, *, begun: bool) -> bool:
    """Whether an event, as its JSON, may be one: the end (and where ``begun`` the beginning) of a job, or of no job."""
    return '"job_end"' in raw or '"task_id":""' in raw or (begun and '"job_submitted"' in raw)


def milestones(read: Read, *, since_ms: int, most: int, begun: bool) -> Iterator[Event]:
    """Read them from ``since_ms`` (epoch) on, of the latest ``most`` jobs, and ``most`` of the fleet's.

    With ``begun`` what came in a job's first millisecond is among them, which is its acceptance and little else.
    """
    for at_ms, raw in read(_OF_FLEET, (since_ms, most)):
        yield parse_event(raw, at_ms=at_ms)
    earliest_ms = since_ms - _LONGEST_MS
    before: tuple[int, str] = (_EVER, "")
    left = most
    while left > 0 and (page := read(_JOBS, (earliest_ms, before[0], *before, min(left, _PAGE)))):
        left -= len(page)
        before = (page[-1][0], page[-1][1])
        ids = [end_id(JobRef(tenant, task_id)) for _, task_id, tenant in page]
        some = ", ".join("?" * len(ids))
        found = read(f"{_ENDED} ({some})", ids)
        if begun:
            found += read(f"{_BEGUN} ({some})", [task_id for _, task_id, _ in page])
        yield from (parse_event(raw, at_ms=at_ms) for at_ms, raw in found if at_ms >= since_ms)
