"""The routes of jobs: asking, which there are, what is known of one, and calling one off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from orchestrator.api.access import Caller
from orchestrator.api.deployment import API, DEFAULT_TENANT, Calling, Deployed, Job, kept
from orchestrator.api.views import JobView, of_ledger, of_record
from orchestrator.client import new_task_id
from orchestrator.contracts import TaskSpec
from orchestrator.contracts.base import Frozen, TaskId, Tenant
from orchestrator.errors import InvalidInput, JobNotFound
from orchestrator.listing import Line, lines
from orchestrator.store import history

MOST_LINES = 1_000


class Submission(TaskSpec):
    """A ``TaskSpec`` as it is sent here: ``v`` and ``task_id`` may be left out, and a key's program has one tenant."""

    task_id: TaskId = Field(default_factory=new_task_id)

    def spec(self, who: Caller, key: str | None) -> TaskSpec:
        """Give the spec that is meant. Raises ``InvalidInput``, and a 403 for another's tenant."""
        if who.tenant is not None and "tenant" in self.model_fields_set and self.tenant != who.tenant:
            raise HTTPException(
                403, "this key is another tenant's; leave tenant out, or send that tenant's key"
            )
        if key is not None and self.idempotency_key not in (None, key):
            raise InvalidInput("Idempotency-Key", "is not the body's idempotency_key; send one of them")
        fields = {name: getattr(self, name) for name in TaskSpec.model_fields}
        fields |= {"tenant": who.tenant or self.tenant, "idempotency_key": key or self.idempotency_key}
        return TaskSpec(**fields)


class Accepted(Frozen):
    """Where the job is, and where to look for it. ``created`` is false where it had been accepted before."""

    task_id: TaskId
    tenant: Tenant
    created: bool
    status_url: str
    events_url: str
    result_url: str


class Cancelled(Frozen):
    """Whether this ended the job; false where it had ended already."""

    cancelled: bool


class Listing(Frozen):
    """Jobs: those under way, the most urgent first, and then those that ended, the latest first."""

    jobs: tuple[Line, ...]


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["jobs"])

    @routes.post(
        "/jobs",
        status_code=202,
        responses={
            200: {"model": Accepted, "description": "The same job had been accepted before."},
            409: {"description": "The idempotency key, or the task id, is another job's."},
            429: {"description": "This tenant has as many jobs under way as it may have."},
            503: {"description": "No jobs are taken for now: come again after `Retry-After` seconds."},
        },
    )
    def submit_job(
        *,
        deployment: Deployed,
        who: Calling,
        request: Request,
        response: Response,
        body: Submission,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=128)] = None,
    ) -> Accepted:
        """Ask a question. Once this has answered, the job will run; the same key again finds the first one."""
        spec = body.spec(who, idempotency_key)
        submitted = deployment.client.submit(spec)
        ref = submitted.ref
        here = f"{request.scope.get('root_path', '')}{API}/jobs/{ref.task_id}"
        of_tenant = f"?tenant={ref.tenant}" if who.tenant is None and ref.tenant != DEFAULT_TENANT else ""
        response.status_code = 202 if submitted.created else 200
        response.headers["Location"] = f"{here}{of_tenant}"
        return Accepted(
            task_id=ref.task_id,
            tenant=ref.tenant,
            created=submitted.created,
            status_url=f"{here}{of_tenant}",
            events_url=f"{here}/events{of_tenant}",
            result_url=f"{here}/result{of_tenant}",
        )

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

    @routes.post("/jobs/{task_id}/cancel")
    def cancel_job(deployment: Deployed, who: Calling, job: Job) -> Cancelled:
        """End a job now: its running steps are stopped."""
        return Cancelled(cancelled=deployment.client.cancel(job, who=who.name))

    return routes
