"""Where the concrete parts of a worker process are put together, and nowhere else."""

from __future__ import annotations

from functools import cached_property

from celery import Celery

from orchestrator.broker import make_app
from orchestrator.errors import InvalidSettings
from orchestrator.routing.flow import ANTITHESIS, ANTITHESIS_STANDALONE, SYNTHESIS, THESIS
from orchestrator.settings import Settings
from orchestrator.store import JobStore, connect
from orchestrator.store.record import PLAN
from workers.archiving import Archiver
from workers.argument import Argument
from workers.execution import Executor
from workers.heartbeat import Heartbeat
from workers.live import Live
from workers.llm import registry
from workers.planning import Planner
from workers.sweeping import Sweeper
from workers.tasks import register
from workers.translation import translator

HEARTBEAT_TIMEOUT_S = 1.5
"""A renewal that takes longer is given up: three fit into a lease's life."""


class Runtime:
    """One worker process. Connections and threads begin with the first use, after any fork."""

    def __init__(self, settings: Settings) -> None:
        if settings.redis_url is None:
            raise InvalidSettings("REDIS_URL", "is not set; name the Redis to work for")
        registry.check_model(settings)
        self.settings = settings
        self._url = settings.redis_url.get_secret_value()
        self.app: Celery = make_app(settings)
        register(self.app, lambda: self.executor)

    @cached_property
    def store(self) -> JobStore:
        """The store that steps use."""
        return JobStore(connect(self._url), result_ttl_s=self.settings.result_ttl_s)

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """Renews leases, on a client of its own."""
        return Heartbeat(JobStore(connect(self._url, timeout_s=HEARTBEAT_TIMEOUT_S)))

    @cached_property
    def executor(self) -> Executor:
        """Runs steps."""
        argument = Argument(self.settings, store=self.store, live=Live(connect(self._url)))
        planner = Planner(self.settings, translate=translator(self.settings))
        steps = dict.fromkeys((THESIS, ANTITHESIS, ANTITHESIS_STANDALONE, SYNTHESIS), argument)
        return Executor(
            store=self.store, heartbeat=self.heartbeat, app=self.app, work={PLAN: planner, **steps}
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        """Finds what got lost."""
        client = connect(self._url)
        return Sweeper(
            store=JobStore(client, result_ttl_s=self.settings.result_ttl_s), client=client, app=self.app
        )

    @cached_property
    def archiver(self) -> Archiver:
        """Keeps the ledger."""
        return Archiver(connect(self._url), self.settings.home)

    def close(self) -> None:
        """Stop the threads and close model connections; leases that are still held run out."""
        self.archiver.close()
        self.sweeper.close()
        self.heartbeat.close()
        registry.close()
