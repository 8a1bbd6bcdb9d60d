"""The pages: a frame of HTML each. What they show, their scripts ask the API for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from orchestrator.api.deployment import Deployed, Job, Operating
from orchestrator.contracts.base import RequestedMode
from orchestrator.report import Criteria
from orchestrator.report.series import RANGES, RangeName

_HERE = Path(__file__).parent
_PAGES = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_MODES: tuple[RequestedMode, ...] = ("auto", "sequential", "parallel", "pipelined", "single")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @routes.get("/")
    def fleet_page(request: Request, deployment: Deployed, _: Operating) -> HTMLResponse:
        """The fleet: ask, and see what runs and what ended."""
        return _page(request, "fleet.html", modes=_MODES, deadline_s=deployment.settings.deadline_s)

    @routes.get("/jobs/{task_id}")
    def job_page(request: Request, job: Job, _: Operating) -> HTMLResponse:
        """One job, live."""
        return _page(request, "job.html", job=job.task_id, tenant=job.tenant)

    @routes.get("/latency")
    def latency_page(
        request: Request,
        _: Operating,
        chosen: Annotated[RangeName, Query(alias="range")] = "24h",
    ) -> HTMLResponse:
        """The dashboard."""
        return _page(request, "latency.html", ranges=tuple(RANGES), range=chosen)

    return routes


def _page(request: Request, name: str, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what a template shows
    root: str = request.scope.get("root_path", "")
    return HTMLResponse(_PAGES.get_template(name).render(root=root, criteria=Criteria(), **values))


class Static(StaticFiles):
    """Scripts and styles. Kept by browsers and asked for each time whether they have changed: an upgrade is seen."""

    def __init__(self) -> None:
        super().__init__(directory=_HERE / "static")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Cache-Control"] = "no-cache"
            await send(message)

        await super().__call__(scope, receive, sending)
