"""The recovery sweep's thread: every worker offers once a second, one wins the lock, nobody is needed."""

from __future__ import annotations

import threading
import uuid

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orchestrator.conclusion import conclude
from orchestrator.contracts import Reason
from orchestrator.contracts.events import StepRecovered
from orchestrator.errors import StoreUnavailable
from orchestrator.recovery import Contact, sweep
from orchestrator.store import JobRecord, JobRef, JobStore
from orchestrator.store.keys import SWEEP_LOCK
from orchestrator.store.origin import origin

PERIOD_S = 1.0

log = structlog.get_logger(__name__)


class Sweeper:
    """Runs ``recovery.sweep`` once a second in one process of the fleet at a time."""

    def __init__(self, *, store: JobStore, client: redis.Redis, app: Celery) -> None:
        self._store = store
        self._client = client
        self._app = app
        self._contact = Contact()
        self._stop = threading.Event()
        self._owner = uuid.uuid4().hex

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-sweep", daemon=True).start()

    def close(self) -> None:
        """Stop after the turn that is under way."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            try:
                self.turn()
            except (StoreUnavailable, OperationalError, RedisError) as error:
                self._contact.broke()
                log.warning("sweep_missed", error=type(error).__name__)
            except Exception:
                # A record that cannot be read must not end recovery for all the others.
                log.exception("sweep_failed")

    def turn(self) -> None:
        """One offer: sweeps if contact with Redis has lasted and nobody else holds the lock."""
        now = self._store.now_ms()
        self._contact.answered(now)
        if not self._contact.may_take_over(now):
            return
        if not self._client.set(SWEEP_LOCK, self._owner, nx=True, px=int(PERIOD_S * 900)):
            return
        sweep(
            self._store,
            self._app,
            on_expired=self._expired,
            on_resent=self._resent,
            on_unreadable=self._unreadable,
        )

    def _expired(self, ref: JobRef, record: JobRecord) -> None:
        cause = Reason(
            code="deadline", detail=f"the job's deadline of {record.spec.deadline_s or 0:g} s passed"
        )
        conclude(self._store, ref, record, origin=origin(ref, None), cause=cause)

    def _resent(self, ref: JobRef, step: str, attempts: int) -> None:
        log.warning("step_recovered", job=str(ref), step=step, attempts=attempts)
        self._store.emit(ref, StepRecovered(**origin(ref, step, attempts or None)))

    def _unreadable(self, ref: JobRef, error: Exception) -> None:
        log.error("record_unreadable", job=str(ref), error=type(error).__name__)
