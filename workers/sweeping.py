"""The recovery sweep's thread: every worker offers once a second, one wins the lock, nobody is needed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from orchestrator.conclusion import conclude_overdue, give_up
from orchestrator.contracts.events import StepRecovered
from orchestrator.errors import RecordUnreadable, StoreUnavailable
from orchestrator.recovery import Contact, Sweep
from orchestrator.replies import settle_owed
from orchestrator.rolling import tick
from orchestrator.store import JobRecord, JobRef, JobStore, neighbours
from orchestrator.store.admission import DEFAULT_BOUNDS, JobBounds, publish
from orchestrator.store.keys import SWEEP_LOCK
from orchestrator.store.origin import origin
from workers.telemetry import whereabouts

PERIOD_S = 1.0
OTHERS_GRACE_MS = 60_000

log = structlog.get_logger(__name__)


class Sweeper:
    """Runs ``recovery.Sweep`` once a second in one process of the fleet at a time."""

    def __init__(
        self,
        *,
        store: JobStore,
        client: redis.Redis,
        app: Celery,
        contact: Contact,
        bounds: JobBounds = DEFAULT_BOUNDS,
        on_sweep: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._client = client
        self._bounds = bounds
        self._said_bounds = False
        self._on_sweep = on_sweep
        self._contact = contact
        self._stop = threading.Event()
        self._owner = uuid.uuid4().hex
        self._complained: set[str] = set()
        self._sweep = Sweep(
            store=store,
            app=app,
            on_expired=self._expired,
            on_resent=self._resent,
            on_unreadable=self._unreadable,
        )

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._run, name="triptych-sweep", daemon=True).start()

    def close(self) -> None:
        """Stop after the turn that is under way."""
        self._stop.set()

    def _run(self) -> None:
        away = False
        while not self._stop.wait(PERIOD_S):
            try:
                self.turn()
                away = False
            except (StoreUnavailable, OperationalError, RedisError) as error:
                self._contact.broke()
                self._said_bounds = False
                if not away:  # once an outage: the log of an incident is read by people
                    log.warning("sweep_missed", error=type(error).__name__, why=str(error))
                away = True
            except Exception as error:  # noqa: BLE001 - recovery must not end with a defect of ours
                log.error("sweep_failed", error=type(error).__name__, at=whereabouts(error))  # noqa: TRY400 - see there

    def turn(self) -> None:
        """One offer: sweeps if contact with Redis has lasted and nobody else holds the lock."""
        now = self._store.now_ms()
        self._contact.answered(now)
        if not self._said_bounds:
            # Once, and after each outage: workers that were told different bounds must not take turns at them.
            publish(self._client, self._bounds)
            self._said_bounds = True
        if not self._contact.may_take_over(now):
            return
        if not self._client.set(SWEEP_LOCK, self._owner, nx=True, px=int(PERIOD_S * 900)):
            return
        self._roll()
        self._sweep.run()
        self._end_abandoned(now)
        settle_owed(self._client)
        self._on_sweep()

    def _roll(self) -> None:
        """Let a rollout move. Neither it nor the recovery of jobs waits for a defect of the other."""
        try:
            move = tick(self._client)
        except (StoreUnavailable, RedisError):
            raise
        except Exception as error:  # noqa: BLE001 - see above
            log.error("rollout_stuck", error=type(error).__name__, at=whereabouts(error))  # noqa: TRY400 - as in _run
        else:
            if move:
                log.warning("rollout_moved", move=move.move, why=move.why)

    def _expired(self, ref: JobRef, record: JobRecord) -> None:
        conclude_overdue(self._store, ref, record, origin=origin(ref, None))

    def _resent(self, ref: JobRef, step: str, attempts: int) -> None:
        log.warning("step_recovered", job=str(ref), step=step, attempts=attempts)
        self._store.emit(ref, StepRecovered(**origin(ref, step, attempts or None)))

    def _unreadable(self, ref: JobRef, deadline_ms: int, error: Exception) -> None:
        """Leave it to a version that can read it; long past its deadline, end it, so that nobody waits for ever."""
        if str(ref) not in self._complained:
            self._complained.add(str(ref))
            log.error("job_unreadable", job=str(ref), error=type(error).__name__, at=whereabouts(error))
        if self._store.now_ms() >= deadline_ms + OTHERS_GRACE_MS:
            self._complained.discard(str(ref))
            with suppress(RecordUnreadable):
                give_up(self._store, ref, origin=origin(ref, None), why="its record cannot be read")
            self._store.forget_active(str(ref))

    def _end_abandoned(self, now_ms: int) -> None:
        for ref, protocol in neighbours.abandoned(self._client, now_ms - OTHERS_GRACE_MS):
            log.error("job_abandoned", job=str(ref), protocol=protocol)
            why = f"no worker of its protocol ({protocol}) is left"
            give_up(self._store, ref, origin=origin(ref, None), why=why)
            neighbours.forget(self._client, ref, protocol)
