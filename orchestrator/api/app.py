"""The application: its routes, and before them one guard that lets in, bounds, and tells browsers what is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator import __version__
from orchestrator.api import answers, corpora, events, fleet, jobs, latency, probes, problems
from orchestrator.api.access import Access, Caller
from orchestrator.api.deployment import API, Deployment
from orchestrator.api.metrics import ApiMetrics
from orchestrator.api.page import pages
from orchestrator.api.problems import AGAIN_S, Problem
from orchestrator.submission import MAX_SPEC_BYTES

MAX_BODY_BYTES = 2 * MAX_SPEC_BYTES
"""A spec may come with its letters escaped, as many programs write JSON: that doubles Korean."""
MOST_REQUESTS = 1_000
"""Under way at a time, open streams among them. Probes are not counted, and never refused."""
STREAMS = "/events"
"""What the paths of event streams end with."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""What every answer carries, unless its route says something else of the same name."""


def make_app(
    deployment: Deployment, access: Access, *, prefix: str = "", metrics: ApiMetrics | None = None
) -> ASGIApp:
    """Make the application. ``prefix`` is the path that a proxy serves it under, whether or not it cuts that off.

    The deployment is closed with the application. What it does is counted in ``metrics``.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await deployment.close()

    app = FastAPI(
        title="Triptych",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # it would load its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.deployment = deployment
    problems.install(app)
    app.include_router(probes.router(deployment))
    metrics = metrics or ApiMetrics()
    places = events.Places()
    metrics.streams.set_function(places.taken)
    routers = (
        jobs.router(),
        events.router(places),
        answers.router(),
        fleet.router(fleet.Feed(deployment), places),
        corpora.router(),
        latency.router(),
    )
    for routes in routers:
        app.include_router(routes, prefix=API, responses=problems.PROBLEMS)
    app.include_router(pages.router())
    app.mount("/static", pages.Static(), name="static")
    return Guard(app, access, metrics, prefix=prefix)


class Guard:
    """Stands before every route. Routes find who asks in ``request.state.caller``."""

    def __init__(self, app: ASGIApp, access: Access, metrics: ApiMetrics, *, prefix: str = "") -> None:
        self._app = app
        self._access = access
        self._metrics = metrics
        self._prefix = "/" + prefix.strip("/") if prefix.strip("/") else ""
        self._under_way = 0
        metrics.under_way.set_function(lambda: self._under_way)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path: str = scope["path"]
        if self._prefix:
            inner = path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path
            scope = {**scope, "root_path": self._prefix, "path": self._prefix + inner}
            path = inner
        headers = Headers(scope=scope)
        verdict = self._access.decide(scope["method"], path, headers)
        declared = headers.get("content-length", "0")
        if not isinstance(verdict, Problem) and declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
            verdict = _too_large()
        if isinstance(verdict, Caller) and self._under_way >= MOST_REQUESTS:
            detail = "as many requests are under way as may be; come again"
            verdict = Problem(503, "too_busy", detail, retry_after_s=AGAIN_S)
        if scope["method"] == "HEAD" and not path.endswith(STREAMS):
            # The server sends no body; a stream would not end.
            scope = {**scope, "method": "GET"}
        scope.setdefault("state", {})
        send = self._metrics.counting(scope, path, _with_headers(send))
        if isinstance(verdict, Problem):
            await verdict.response()(scope, receive, send)
            return
        if self._prefix and path == self._prefix:
            query = scope["query_string"].decode("latin-1")
            there = RedirectResponse(f"{path}/?{query}" if query else f"{path}/")
            await there(scope, receive, send)
            return
        scope["state"]["caller"] = verdict
        counts = verdict is not None
        self._under_way += counts
        try:
            await self._app(scope, _bounded(receive), send)
        finally:
            self._under_way -= counts


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _bounded(receive: Receive) -> Receive:
    got = 0

    async def receiving() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > MAX_BODY_BYTES:
            problem = _too_large()
            raise HTTPException(problem.status, problem.detail)
        return message

    return receiving


def _too_large() -> Problem:
    detail = f"a request may have {MAX_BODY_BYTES:,} bytes; index the documents as a corpus and name it"
    return Problem(413, "content_too_large", detail)
