"""The job record and what belongs to it, read: whole, or as much as somebody wants to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import redis

from orchestrator.contracts import Passage, Plan
from orchestrator.errors import JobNotFound, RecordUnreadable
from orchestrator.store import keys, scripts
from orchestrator.store.connection import epoch_ms, time_ms, translated
from orchestrator.store.keys import JobRef
from orchestrator.store.record import Closing, JobRecord, Outline, read_passages, readable
from orchestrator.store.stream import events_of

ACTIVE_PAGE = 1_000


class JobReader:
    """Blocking; safe to share between threads. Every method raises ``StoreUnavailable`` when Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self._outline = client.register_script(scripts.OUTLINE)

    def load(self, ref: JobRef) -> JobRecord:
        """The whole record. Raises ``JobNotFound`` where there is none (any more), ``RecordUnreadable`` for garbage."""
        with translated():
            fields = cast("dict[str, str]", self.client.hgetall(ref.job))
        if "spec" not in fields:
            raise _not_found(ref)
        with readable(ref):
            return JobRecord.from_hash(fields)

    def outlines(self, refs: Sequence[JobRef]) -> list[Outline | JobNotFound | RecordUnreadable]:
        """How far these jobs are, in one round trip; where one cannot be told, what ``load`` would raise."""
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for ref in refs:
                self._outline(keys=[ref.job], client=pipeline)
            answers = pipeline.execute(raise_on_error=False)
        return [_outlined(ref, answer) for ref, answer in zip(refs, answers, strict=True)]

    def passages(self, ref: JobRef, plan: Plan | None = None) -> tuple[Passage, ...]:
        """The job's evidence, in the order of its plan and then by id."""
        with translated():
            stored = cast("dict[str, str]", self.client.hgetall(ref.passages))
        return read_passages(ref, stored, plan)

    def closing(self, ref: JobRef, plan: Plan | None) -> Closing:
        """What a result is made of beside the record, in one round trip."""
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.hgetall(ref.passages)
            pipeline.xrange(ref.events)
            pipeline.time()
            stored, entries, time = pipeline.execute()
        return Closing(read_passages(ref, stored, plan), events_of(entries), epoch_ms(time))

    def active(self) -> Iterator[tuple[str, int]]:
        """Jobs without a result as (address, deadline in epoch ms), the most urgent first; read in pages."""
        after = 0
        while True:
            with translated():
                found = self.client.zrange(keys.ACTIVE, after, after + ACTIVE_PAGE - 1, withscores=True)
            page = cast("list[tuple[str, float]]", found)
            yield from ((address, int(deadline_ms)) for address, deadline_ms in page)
            if len(page) < ACTIVE_PAGE:
                return
            after += ACTIVE_PAGE

    def leased(self, steps: Sequence[tuple[JobRef, str]]) -> frozenset[tuple[JobRef, str]]:
        """Which of these steps somebody holds right now."""
        if not steps:
            return frozenset()
        with translated():
            held = self.client.mget([ref.lease(step) for ref, step in steps])
        return frozenset(step for step, value in zip(steps, held, strict=True) if value)

    def queue_length(self, queue: str) -> int:
        """Messages waiting in a queue, all priorities together. Messages handed to a worker do not count."""
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for key in keys.queue_lists(queue):
                pipeline.llen(key)
            return sum(pipeline.execute())

    def now_ms(self) -> int:
        """Redis TIME, epoch ms."""
        return time_ms(self.client)


def _outlined(ref: JobRef, answer: Any) -> Outline | JobNotFound | RecordUnreadable:  # noqa: ANN401 - of a script
    try:
        with translated():
            if isinstance(answer, Exception):
                raise answer
        names, values, said = answer
        if "accepted_ms" not in names:
            return _not_found(ref)
        with readable(ref):
            return Outline.from_hash(dict(zip(names, values, strict=True)), said)
    except RecordUnreadable as error:
        return error


def _not_found(ref: JobRef) -> JobNotFound:
    return JobNotFound(
        f"no job {ref.task_id!r} of tenant {ref.tenant!r}; it may have expired, or live on another Redis"
    )
