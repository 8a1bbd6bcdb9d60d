"""The routes of jobs: which there are, and what is known of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from orchestrator.api.deployment import Calling, Deployed, Job, kept
from orchestrator.api.views import JobView, of_ledger, of_record
from orchestrator.contracts.base import Frozen, Tenant
from orchestrator.errors import JobNotFound
from orchestrator.listing import Line, lines
from orchestrator.store import history

MOST_LINES = 1_000


class Listing(Frozen):
    """Jobs: those under way, the most urgent first, and then those that ended, the latest first."""

    jobs: tuple[Line, ...]


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["jobs"])

    @routes.get("/jobs")
    def list_jobs(
        deployment: Deployed,
        who: Calling,
        tenant: Tenant | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = 20,
    ) -> Listing:
        """List jobs, up to `limit` of each kind. A key sees its tenant's; an operator all, or those of `tenant`."""
        if who.tenant is not None and tenant not in (None, who.tenant):
            return Listing(jobs=())
        return Listing(jobs=tuple(lines(deployment.client.store, who.tenant or tenant, limit=limit)))

    @routes.get("/jobs/{task_id}")
    def show_job(deployment: Deployed, job: Job) -> JobView:
        """Show one job: its steps so far, its plan, what was said. Where its record has expired: what was kept."""
        store = deployment.client.store
        try:
            record = store.load(job)
        except JobNotFound:
            events = kept(deployment, job)
            if not events:
                raise
            return of_ledger(job, events, now_ms=store.now_ms())
        return of_record(job, record, history(store.client, job), now_ms=store.now_ms())

    return routes
