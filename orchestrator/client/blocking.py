"""What producers use: submit a job, follow it, get its result. One instance may be shared by threads.

Celery and the gate are loaded by the first call that needs them: most commands only read.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Self

from orchestrator.client.waiting import Follower, Heard, Hub, hub_for, is_end
from orchestrator.contracts import Reason, Result, TaskSpec
from orchestrator.contracts.events import Event
from orchestrator.errors import InvalidSettings, StillRunning, StoreRefused, StoreUnavailable, TriptychError
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, LiveText, connect
from orchestrator.store.connection import TIMEOUT_S, check
from orchestrator.store.leases import LEASE_MS
from orchestrator.store.origin import origin

if TYPE_CHECKING:
    from celery import Celery

    from orchestrator.submission import Submitted

IDLE_S = 1.0
"""How long a stream is silent before it says so with ``None``."""
AGAIN_S = 0.2
SWEEP_TIME_MS = 4_000
"""How long a worker's sweep gets to end an overdue job before its waiter does."""


class Client:
    """A producer's connection to one deployment. Blocking. Nothing is connected before the first call.

    ``redis_timeout_s``: what Redis gets to answer a command in; it is tried once more then.
    """

    def __init__(self, settings: Settings, *, redis_timeout_s: float = TIMEOUT_S) -> None:
        if settings.redis_url is None:
            raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
        self.settings = settings
        self._url = settings.redis_url.get_secret_value()
        self.redis = connect(self._url, timeout_s=redis_timeout_s)
        self.store = JobStore(self.redis, result_ttl_s=settings.result_ttl_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _app(self) -> Celery:
        from orchestrator.broker import make_app  # noqa: PLC0415 - Celery, for who submits

        return make_app(self.settings)

    @property
    def hub(self) -> Hub:
        """What this process waits with; looked up on every use, because a fork leaves its thread behind."""
        return hub_for(self._url)

    def check(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers and is new enough."""
        check(self.redis)

    def submit(self, spec: TaskSpec) -> Submitted:
        """Accept a job; see ``submission.submit``."""
        from orchestrator.submission import submit  # noqa: PLC0415 - Celery, for who submits

        return submit(spec, store=self.store, app=self._app, settings=self.settings)

    def stream(
        self,
        ref: JobRef,
        *,
        after: str = "0",
        watch: bool = True,
        timeout_s: float | None = 60.0,
        within_s: float | None = None,
    ) -> Iterator[tuple[str, Event | LiveText | None]]:
        """The job's events from ``after`` on, ending with its ``job_end``; ``None`` marks idle moments.

        ``watch`` asks the workers for live text. An outage of Redis is waited out; to go on in another process, pass
        the last id seen. Raises ``StoreUnavailable`` after ``timeout_s`` without contact, ``JobNotFound`` when there
        is no such job (any more), and ``StillRunning`` after ``within_s`` in all (the job goes on).
        """
        until = None if within_s is None else time.monotonic() + within_s
        overdue = Overdue(self.store, ref)
        heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        follower, hub, last = Follower(ref, heard.put, after=after, watch=watch), self.hub, after
        try:
            if hub.follow(follower):
                hub.interrupt(self.redis)
            while True:
                try:
                    item = heard.get(timeout=patience(ref, until))
                except queue.Empty:
                    hub.check(follower, timeout_s=timeout_s)
                    overdue.look()
                    yield last, None
                    continue
                last, event = unpacked(item)
                yield last, event
                if is_end(event):
                    return
        finally:
            hub.leave(follower)

    def result(self, ref: JobRef) -> Result | None:
        """The job's result, or ``None`` while it has none. Raises ``JobNotFound``."""
        return self.store.load(ref).result

    def wait(self, ref: JobRef, *, timeout_s: float | None = 60.0, within_s: float | None = None) -> Result:
        """Block until the job has its result. Raises as ``stream``."""
        for _ in self.stream(ref, watch=False, timeout_s=timeout_s, within_s=within_s):
            pass
        return self._ended(ref, timeout_s=timeout_s)

    def _ended(self, ref: JobRef, *, timeout_s: float | None) -> Result:
        """The result of a job whose end was heard. Raises ``StoreUnavailable`` after ``timeout_s`` of an outage."""
        outage = Outage(timeout_s)
        while True:
            try:
                return found(ref, self.result(ref))
            except StoreUnavailable as problem:
                time.sleep(outage.pause_s(problem))

    def cancel(self, ref: JobRef, *, who: str) -> bool:
        """End a job now: its running steps are stopped through their leases. False where it had ended already."""
        from orchestrator.conclusion import conclude  # noqa: PLC0415 - the gate, for who ends a job

        record = self.store.load(ref)
        cause = Reason(code="cancelled", detail=f"cancelled by {who}")
        return conclude(self.store, ref, record, origin=origin(ref, None), cause=cause)

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()


class Overdue:
    """Ends a job past its deadline where no worker is there to do it: whoever waits must not wait for ever."""

    def __init__(self, store: JobStore, ref: JobRef) -> None:
        self._store = store
        self._ref = ref
        self._due: float | None = None

    def look(self) -> None:
        """Look, once the deadline and the time that a sweep would take are over. An outage is waited out."""
        with suppress(StoreUnavailable):
            if self._due is None:
                record = self._store.load(self._ref)
                left_ms = record.deadline_ms + LEASE_MS + SWEEP_TIME_MS - self._store.now_ms()
                self._due = time.monotonic() + left_ms / 1_000
            if time.monotonic() >= self._due:
                record = self._store.load(self._ref)
                if record.open:
                    from orchestrator.conclusion import conclude_overdue  # noqa: PLC0415 - as in Client.cancel

                    conclude_overdue(self._store, self._ref, record, origin=origin(self._ref, None))
                self._due = time.monotonic() + SWEEP_TIME_MS / 1_000


def patience(ref: JobRef, until: float | None) -> float:
    """Seconds to wait for the next event. Raises ``StillRunning`` where ``until`` (monotonic) has passed."""
    if until is None:
        return IDLE_S
    left = until - time.monotonic()
    if left <= 0:
        raise StillRunning(f"job {ref.task_id!r} has no result yet; it goes on, wait again or cancel it")
    return min(IDLE_S, left)


def unpacked(item: Heard) -> tuple[str, Event | LiveText]:
    """What was heard. Raises it, where it is an error."""
    if isinstance(item, TriptychError):
        raise item
    return item


class Outage:
    """Redis went away between a job's end and the reading of its result: a wait is not over for that."""

    def __init__(self, timeout_s: float | None) -> None:
        self._until = None if timeout_s is None else time.monotonic() + timeout_s

    def pause_s(self, problem: StoreUnavailable) -> float:
        """How long to wait before the next try. Raises the problem, where there is to be none."""
        over = self._until is not None and time.monotonic() >= self._until
        if over or isinstance(problem, StoreRefused):
            raise problem
        return AGAIN_S


def found(ref: JobRef, result: Result | None) -> Result:
    """The result that a job has. Raises ``StoreUnavailable`` where there is none yet, although it has ended."""
    if result is None:
        raise StoreUnavailable(f"job {ref.task_id!r} ended but its result cannot be read; ask again")
    return result


def new_task_id() -> str:
    """A fresh task id: short enough to type, random enough for a fleet (64 bits)."""
    return uuid.uuid4().hex[:16]
