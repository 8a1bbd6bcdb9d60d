"""Where the concrete parts of a worker process are put together, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

import redis
from celery import Celery
from celery.worker.consumer import Consumer

from orchestrator.broker import JUDGE_QUEUE, make_app, queue_for
from orchestrator.errors import InvalidSettings
from orchestrator.foresight import Foresight
from orchestrator.recovery import Contact
from orchestrator.rolling import orders
from orchestrator.routing.flow import STEPS
from orchestrator.settings import Settings
from orchestrator.settings.limits import parse_limits
from orchestrator.settings.places import choices
from orchestrator.store import JobStore
from orchestrator.store.admission import JobBounds
from orchestrator.store.archive import archive_of
from orchestrator.store.archiving import Bounds
from orchestrator.store.desk import Desk
from orchestrator.store.endpoints import EndpointStore
from orchestrator.store.paces import PaceStore
from orchestrator.store.record import PLAN
from orchestrator.store.room import RoomStore
from workers import intake, judging
from workers.archiving import Archiver
from workers.argument import Argument
from workers.execution import Executor, Work
from workers.heartbeat import Heartbeat
from workers.live import Live
from workers.llm import registry
from workers.llm.gate import Gate
from workers.llm.hedging import HedgePolicy
from workers.llm.models import Models
from workers.llm.paces import Paces
from workers.llm.permits import Permits
from workers.metrics import WorkerMetrics
from workers.planning import Planner
from workers.process.connections import Connections
from workers.process.pauses import Pauses
from workers.process.presence import Presence
from workers.progress import Progress
from workers.retrieval.registry import retriever_for
from workers.sweeping import Sweeper
from workers.tasks import register
from workers.translation import translator

HEARTBEAT_TIMEOUT_S = 1.0
"""A renewal that takes longer is given up; the next one still comes within the lease's life, twice over."""
FORESIGHT_TIMEOUT_S = 0.5
"""What a plan does not hear from Redis in this time it does without."""
GATE_TIMEOUT_S = 1.0
"""A model call that gets no answer from Redis in this time goes on without one."""


class Runtime:
    """One worker process. Connections and threads begin with the first use, after any fork."""

    def __init__(self, settings: Settings, *, slots: int | None = None) -> None:
        if settings.redis_url is None:
            raise InvalidSettings("REDIS_URL", "is not set; name the Redis to work for")
        registry.check_model(settings)
        self._archive = archive_of(settings)
        self.retriever = retriever_for(settings)
        self.settings = settings
        self.contact = Contact()
        self.app: Celery = make_app(settings)
        self.connections = Connections(settings.redis_url.get_secret_value(), self._backends)
        register(self.app, lambda: self.executor)
        intake.register(self.app, settings, lambda: self.store)
        judge = judging.Judge(lambda: self.models, max_output_tokens=settings.max_output_tokens)
        judging.register(self.app, judge, lambda: self.store)
        self.metrics: WorkerMetrics | None = None
        if settings.metrics_port:
            self.metrics = WorkerMetrics(leases_held=self.heartbeat.held, slots=slots or settings.concurrency)
            self.metrics.expect({choice.provider for choice in choices(settings)})

    @cached_property
    def store(self) -> JobStore:
        """The store that steps use."""
        return self._store(self.connections.client())

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """Renews leases, on a client of its own."""
        return Heartbeat(JobStore(self.connections.client(timeout_s=HEARTBEAT_TIMEOUT_S, retries=0)))

    @cached_property
    def executor(self) -> Executor:
        """Runs steps."""
        planner = Planner(
            self.settings,
            retriever=self.retriever,
            translate=translator(self.settings, self.models),
            orders=lambda: orders(self.store.client),
            foresight=Foresight(
                self.connections.client(timeout_s=FORESIGHT_TIMEOUT_S, retries=0), self.settings
            ),
        )
        personas = dict.fromkeys(STEPS, self.personas())
        return Executor(
            store=self.store,
            heartbeat=self.heartbeat,
            progress=Progress(self.store, self.app),
            work={PLAN: planner, **personas},
            contact=self.contact,
        )

    def personas(self) -> Work:
        """What the persona steps do."""
        return Argument(
            self.settings,
            store=self.store,
            live=self._live(),
            models=self.models,
            retriever=self.retriever,
        )

    @cached_property
    def models(self) -> Models:
        """Which model a step calls."""
        return Models(self.settings, self.gate, self._paces)

    @cached_property
    def gate(self) -> Gate:
        """What every model call passes, on clients that never wait long: a call rather goes on without Redis."""
        meters = self.metrics.models if self.metrics else None
        return Gate(self._permits, parse_limits(self.settings.model_limits), meters=meters)

    @cached_property
    def _permits(self) -> Permits:
        store = EndpointStore(self.connections.client(timeout_s=GATE_TIMEOUT_S))
        return Permits(store, EndpointStore(self.connections.client()))

    @cached_property
    def _paces(self) -> Paces:
        settings = self.settings
        policy = HedgePolicy(settings.hedge_share / 100, elsewhere=settings.hedge == "equal")
        store = PaceStore(self.connections.client(timeout_s=GATE_TIMEOUT_S))
        return Paces(store, self._permits, None if settings.hedge == "off" else policy)

    @cached_property
    def sweeper(self) -> Sweeper:
        """Finds what got lost."""
        client = self.connections.client()
        on_sweep = self.metrics.sweeps.inc if self.metrics else lambda: None
        bounds = JobBounds(jobs=self.settings.max_jobs, tenant_jobs=self.settings.max_tenant_jobs)
        return Sweeper(
            store=self._store(client),
            client=client,
            app=self.app,
            contact=self.contact,
            bounds=bounds,
            on_sweep=on_sweep,
        )

    @cached_property
    def archiver(self) -> Archiver:
        """Keeps the ledger."""
        return Archiver(
            self.connections.client(), self._archive, Bounds(backlog=self.settings.ledger_backlog)
        )

    def pauses(self, queues: Sequence[str], consumer: Callable[[], Consumer | None]) -> Pauses:
        """Makes this process leave paused queues."""
        return Pauses(self.connections.client(), queues, consumer)

    def presence(self, slots: int, serving: Callable[[], Collection[str]]) -> Presence:
        """Tells the fleet of this process's slots, and whether it takes questions."""
        client = self.connections.client(timeout_s=HEARTBEAT_TIMEOUT_S, retries=0)
        return Presence(RoomStore(client), Desk(client, queue_for(JUDGE_QUEUE)), slots, serving)

    def _backends(self) -> list[redis.Redis]:
        backend: Any = self.app.backend  # whose client Celery's types do not know
        return [backend.client]

    def _store(self, client: redis.Redis) -> JobStore:
        ttl_s = self.settings.result_ttl_s
        if self.metrics is None:
            return JobStore(client, result_ttl_s=ttl_s)
        return JobStore(client, result_ttl_s=ttl_s, observe=self.metrics.observe)

    def _live(self) -> Live:
        client = self.connections.client()
        return Live(client, on_dropped=self.metrics.live_dropped.inc) if self.metrics else Live(client)

    def close(self) -> None:
        """Stop the threads and close model connections; leases that are still held run out."""
        self.connections.close()
        self.archiver.close()
        self.sweeper.close()
        self.heartbeat.close()
        registry.close()
        self.gate.close()
