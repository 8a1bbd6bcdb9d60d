"""What became of a job: its result as it is, and as what people look at."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, JSONResponse, Response

from orchestrator.answer.explained import page
from orchestrator.answer.html import answer_html
from orchestrator.api.deployment import Deployed, Deployment, Job, kept
from orchestrator.api.problems import AGAIN_S
from orchestrator.contracts import Result
from orchestrator.errors import JobNotFound, StillRunning
from orchestrator.evidence.explain import explain
from orchestrator.store import JobRef, history
from orchestrator.timeline import timeline
from orchestrator.timeline.svg import svg

SELF_CONTAINED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
}
"""For what brings its own style, loads nothing and runs nothing; everything of others in it is escaped."""
_PENDING: dict[int | str, dict[str, Any]] = {
    202: {"description": "The job has no result yet: come again after `Retry-After` seconds."}
}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(tags=["answers"])

    @routes.get("/jobs/{task_id}/result", response_model=Result, responses=_PENDING)
    def show_result(deployment: Deployed, job: Job) -> Response:
        """Give the job's result; 202 while it has none."""
        result = deployment.client.result(job)
        if result is None:
            again = {"Retry-After": str(int(AGAIN_S))}
            return JSONResponse({"task_id": job.task_id, "status": "running"}, 202, headers=again)
        return Response(result.to_wire(), media_type="application/json")

    @routes.get("/jobs/{task_id}/answer.html", response_class=HTMLResponse)
    def show_answer(deployment: Deployed, job: Job) -> Response:
        """Give the answer as a fragment of HTML that holds no script, no picture and no HTML of others."""
        return HTMLResponse(answer_html(_result(deployment, job).answer))

    @routes.get("/jobs/{task_id}/evidence.html", response_class=HTMLResponse)
    def show_evidence(deployment: Deployed, job: Job) -> Response:
        """Give the page that shows what each claim rests on, as `triptych gate explain --html` writes it."""
        result = _result(deployment, job)
        return HTMLResponse(page(result, explain(result)), headers=SELF_CONTAINED)

    @routes.get(
        "/jobs/{task_id}/timeline.svg",
        response_class=Response,
        responses={200: {"content": {"image/svg+xml": {}}, "description": "The chart, so far."}},
    )
    def draw_timeline(deployment: Deployed, job: Job) -> Response:
        """Draw the job's Gantt chart: while it runs, and as long as the ledger has it."""
        store = deployment.client.store
        events = history(store.client, job) or kept(deployment, job)
        if not events:
            raise JobNotFound(f"the ledger has nothing of job {job.task_id!r} of tenant {job.tenant!r}")
        picture = svg(timeline(events, now_ms=store.now_ms()))
        return Response(picture, media_type="image/svg+xml", headers=SELF_CONTAINED)

    return routes


def _result(deployment: Deployment, job: JobRef) -> Result:
    """Give the job's result. Raises ``StillRunning`` and ``JobNotFound``."""
    result = deployment.client.result(job)
    if result is None:
        raise StillRunning(f"job {job.task_id!r} has no result yet; follow its events, or come again")
    return result
