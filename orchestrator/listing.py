"""Which jobs there are: one line each, those under way and those that ended last. For the command line and the API."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import redis
from pydantic import ValidationError

from orchestrator.contracts.events import JobEnd, parse_event
from orchestrator.errors import JobError, JobNotFound
from orchestrator.store import JobRecord, JobRef, JobStore, Ledger
from orchestrator.store.reading import JobReader
from orchestrator.store.record import Outline

LOOK_BACK = 5_000
"""How many of the ledger's newest events are searched for jobs that ended."""


@dataclass(frozen=True)
class Line:
    """One job. ``ms`` is how long it took, or has been under way."""

    task_id: str
    tenant: str
    status: str
    mode: str | None
    accepted_ms: int
    ms: int
    goal: str


def lines(store: JobStore, tenant: str | None, *, limit: int) -> list[Line]:
    """Up to ``limit`` jobs under way, the most urgent first, and then as many that ended, the latest first."""
    refs = [*islice(active(store, tenant), limit), *islice(ended(store.client, tenant), limit)]
    now_ms = store.now_ms()
    return [line for ref in dict.fromkeys(refs) if (line := describe(store, ref, now_ms))]


def active(store: JobReader, tenant: str | None) -> Iterator[JobRef]:
    """Jobs without a result, by deadline."""
    for address, _ in store.active():
        ref = JobRef.parse(address)
        if tenant in (None, ref.tenant):
            yield ref


def ended(client: redis.Redis, tenant: str | None) -> Iterator[JobRef]:
    """Jobs that ended lately, the latest first, as far as the ledger's hot end reaches."""
    for _, raw in reversed(Ledger(client).newest(LOOK_BACK)):
        ref = end_of(raw)
        if ref is not None and tenant in (None, ref.tenant):
            yield ref


def end_of(raw: str) -> JobRef | None:
    """The job whose end a ledger entry tells; ``None`` where it tells something else, or is none of ours."""
    if '"job_end"' not in raw:
        return None
    try:
        event = parse_event(raw, at_ms=0)
    except ValidationError:
        return None
    return JobRef(event.tenant, event.task_id) if isinstance(event, JobEnd) else None


class Board:
    """The same lines, again and again: what cannot change any more is read once. Not for several threads at a time."""

    def __init__(self, store: JobStore, most: int) -> None:
        self._store = store
        self._most = most
        self._read_to = ""
        self._ended: deque[JobRef] = deque(maxlen=most)
        self._lines: dict[JobRef, Line] = {}

    def look(self, now_ms: int) -> list[Line]:
        """As ``lines`` for all tenants. Raises ``StoreUnavailable``."""
        self._hear()
        over, running = list(self._ended), list(islice(active(self._store, None), self._most))
        done = set(over)
        outlines = self._store.outlines(running)
        shown: list[Line] = []
        for ref, outline in zip(running, outlines, strict=True):
            if (
                ref not in done
                and isinstance(outline, Outline)
                and outline.open
                and (line := self._known(ref, now_ms))
            ):
                mode = outline.plan.mode if outline.plan else None
                took_ms = max(0, now_ms - outline.accepted_ms)
                shown.append(replace(line, status=under_way(outline), mode=mode, ms=took_ms))
        finished = [line for ref in reversed(over) if (line := self._known(ref, now_ms))]
        self._lines = {ref: self._lines[ref] for ref in (*running, *over) if ref in self._lines}
        return [*shown, *finished]

    def _known(self, ref: JobRef, now_ms: int) -> Line | None:
        if ref not in self._lines and (line := describe(self._store, ref, now_ms)):
            self._lines[ref] = line
        return self._lines.get(ref)

    def _hear(self) -> None:
        """Read on in the ledger, from where the last look left off."""
        ledger = Ledger(self._store.client)
        new = ledger.read(after=self._read_to, limit=LOOK_BACK) if self._read_to else ledger.newest(LOOK_BACK)
        for entry_id, raw in new:
            self._read_to = entry_id
            if (ref := end_of(raw)) is not None and ref not in self._ended:
                self._ended.append(ref)
                self._lines.pop(ref, None)  # it was of a job under way


def describe(store: JobStore, ref: JobRef, now_ms: int) -> Line | None:
    """One job's line; ``None`` where its record has expired or cannot be read."""
    try:
        return line_of(ref, store.load(ref), now_ms)
    except (JobNotFound, JobError):
        return None


def line_of(ref: JobRef, record: JobRecord, now_ms: int) -> Line:
    """The line of a record that was loaded."""
    result = record.result
    return Line(
        task_id=ref.task_id,
        tenant=ref.tenant,
        status=result.status if result else under_way(record),
        mode=record.plan.mode if record.plan else None,
        accepted_ms=record.accepted_ms,
        ms=result.timings.total_ms if result else max(0, now_ms - record.accepted_ms),
        goal=record.spec.goal,
    )


def under_way(record: JobRecord | Outline) -> str:
    """The steps that have begun and not ended, or that none has begun."""
    running = [step for step, state in record.steps.items() if state.started_ms and not state.ended_ms]
    if running:
        return "running " + ", ".join(sorted(running))
    return "running" if record.plan else "waiting"
