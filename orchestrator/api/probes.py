"""Whether it lives, and whether it can do its work: for whoever starts and restarts it. No login, and no more said."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from orchestrator.api.deployment import Deployed
from orchestrator.errors import StoreUnavailable
from orchestrator.store.connection import translated

_METHODS = ["GET", "HEAD"]
"""Balancers and monitors that want a status alone ask for no more."""


def router() -> APIRouter:
    """Make the probes' routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/healthz", methods=_METHODS)
    async def alive() -> Response:
        return PlainTextResponse("ok\n")

    @routes.api_route("/readyz", methods=_METHODS)
    def ready(deployment: Deployed) -> Response:
        try:
            with translated():
                deployment.client.redis.ping()
        except StoreUnavailable:
            return PlainTextResponse("no\n", status_code=503)
        return PlainTextResponse("ok\n")

    return routes
