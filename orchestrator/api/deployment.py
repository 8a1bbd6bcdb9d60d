"""What the routes work with, and what they ask of a request: the deployment, who calls, which job is meant."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from orchestrator.api.access import Caller
from orchestrator.client import AsyncClient, Client
from orchestrator.contracts.base import TaskId, Tenant
from orchestrator.contracts.events import Event
from orchestrator.errors import JobNotFound
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from orchestrator.store.archive import archive_of
from orchestrator.store.fleet_ledger import FleetLedger

API = "/api/v1"
DEFAULT_TENANT = "default"
REDIS_TIMEOUT_S = 2.0
"""A command is tried twice: that Redis hangs is told after 4 s, to people who wait."""


class Deployment:
    """One fleet as the API sees it. Nothing is connected before the first call; ``closing`` is set at the end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.client = Client(settings, redis_timeout_s=REDIS_TIMEOUT_S)
        self.streams = AsyncClient(settings, redis_timeout_s=REDIS_TIMEOUT_S)
        self.archive = archive_of(settings)
        self.ledger = FleetLedger(self.client.redis, self.archive, notice=lambda _: None)
        self.closing = asyncio.Event()

    async def close(self) -> None:
        """Close the connections."""
        with closing(self.archive), closing(self.client):
            await self.streams.close()


def of(request: Request) -> Deployment:
    """Give the deployment that a request is for."""
    deployment: Deployment = request.app.state.deployment
    return deployment


def caller(request: Request) -> Caller:
    """Give who asks; who that is was decided before the route was looked for."""
    known: Caller = request.state.caller
    return known


def operator(request: Request) -> Caller:
    """Give who asks, where that is an operator. Raises a 403 for a program's key."""
    if (known := caller(request)).tenant is not None:
        raise HTTPException(403, "this is the operators' own; a key sees its tenant's jobs")
    return known


Deployed = Annotated[Deployment, Depends(of)]
Calling = Annotated[Caller, Depends(caller)]
Operating = Annotated[Caller, Depends(operator)]


def job_ref(task_id: TaskId, who: Calling, tenant: Tenant | None = None) -> JobRef:
    """Give the job's address: of the caller's tenant, or for an operator of the one that was named.

    Raises ``JobNotFound`` for another tenant's: that it is there is nobody else's business.
    """
    if who.tenant is not None and tenant not in (None, who.tenant):
        raise JobNotFound(f"no job {task_id!r} of tenant {tenant!r} for this key")
    return JobRef(who.tenant or tenant or DEFAULT_TENANT, task_id)


Job = Annotated[JobRef, Depends(job_ref)]


def kept(deployment: Deployment, ref: JobRef) -> list[Event]:
    """Give what the ledger has of a job, also long after its record has expired; empty where it has nothing."""
    return [
        event
        for event in deployment.ledger.events(ref.task_id)
        if getattr(event, "tenant", DEFAULT_TENANT) == ref.tenant
    ]
