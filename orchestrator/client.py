"""What producers use: submit a job, follow it, get its result. Blocking; one instance may be shared by threads."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cached_property

from celery import Celery

from orchestrator.broker import make_app
from orchestrator.conclusion import conclude
from orchestrator.contracts import Reason, Result, TaskSpec
from orchestrator.contracts.events import Event, JobEnd
from orchestrator.errors import InvalidSettings, JobNotFound, StoreUnavailable
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, LiveText, connect, follow
from orchestrator.store.connection import check
from orchestrator.store.origin import origin
from orchestrator.submission import Submitted, submit


class Client:
    """A producer's connection to one deployment. Nothing is connected before the first call."""

    def __init__(self, settings: Settings) -> None:
        if settings.redis_url is None:
            raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
        self.settings = settings
        self.redis = connect(settings.redis_url.get_secret_value())
        self.store = JobStore(self.redis, result_ttl_s=settings.result_ttl_s)

    @cached_property
    def _app(self) -> Celery:
        return make_app(self.settings)

    def check(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers and is new enough."""
        check(self.redis)

    def submit(self, spec: TaskSpec) -> Submitted:
        """Accept a job; see ``submission.submit``."""
        return submit(spec, store=self.store, app=self._app, settings=self.settings)

    def stream(
        self, ref: JobRef, *, after: str = "0", timeout_s: float | None = 60.0
    ) -> Iterator[tuple[str, Event | LiveText | None]]:
        """The job's events from ``after`` on, ending with its ``job_end``; ``None`` marks idle moments.

        Resume after a break by passing the last id seen. Raises ``StoreUnavailable`` after ``timeout_s`` without
        contact, and ``JobNotFound`` when the record vanishes.
        """
        for entry_id, event in follow(self.redis, ref, after=after, timeout_s=timeout_s):
            yield entry_id, event
            if isinstance(event, JobEnd):
                return
            if event is None and self._gone(ref):
                raise JobNotFound(
                    f"the record of job {ref.task_id!r} is gone; it expired, or its Redis lost it"
                )

    def _gone(self, ref: JobRef) -> bool:
        try:
            return not self.redis.exists(ref.job)
        except Exception as error:  # noqa: BLE001 - an outage is no verdict; follow() decides when to give up
            del error
            return False

    def result(self, ref: JobRef) -> Result | None:
        """The job's result, or ``None`` while it has none. Raises ``JobNotFound``."""
        return self.store.load(ref).result

    def wait(self, ref: JobRef, *, timeout_s: float | None = 60.0) -> Result:
        """Block until the job has its result."""
        for _ in self.stream(ref, timeout_s=timeout_s):
            pass
        result = self.result(ref)
        if result is None:
            raise StoreUnavailable(f"job {ref.task_id!r} ended but its result cannot be read; ask again")
        return result

    def cancel(self, ref: JobRef, *, who: str) -> bool:
        """End a job now: its running steps are stopped through their leases. False where it had ended already."""
        record = self.store.load(ref)
        cause = Reason(code="cancelled", detail=f"cancelled by {who}")
        return conclude(self.store, ref, record, origin=origin(ref, None), cause=cause)

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()


def new_task_id() -> str:
    """A fresh task id: short enough to type, random enough for a fleet (64 bits)."""
    return uuid.uuid4().hex[:16]
