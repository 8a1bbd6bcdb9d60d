"""Whether it lives, and whether it can do its work: for whoever starts and restarts it. No login, and no more said."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from orchestrator.api.deployment import Deployment
from orchestrator.api.sharing import Shared
from orchestrator.errors import StoreUnavailable
from orchestrator.store.connection import translated

READY_S = 2.0
"""Within the 3 s that deploy/kubernetes gives a probe."""


def router(deployment: Deployment) -> APIRouter:
    """Make the probes' routes."""
    routes = APIRouter(include_in_schema=False)
    answers = Shared(lambda: _answers(deployment))

    @routes.get("/healthz")
    async def alive() -> Response:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    async def ready() -> Response:
        try:
            async with asyncio.timeout(READY_S):
                able = await answers()
        except TimeoutError:
            able = False
        return PlainTextResponse("ok\n") if able else PlainTextResponse("no\n", status_code=503)

    return routes


def _answers(deployment: Deployment) -> bool:
    """Whether Redis does; it may take a while to find out."""
    try:
        with translated():
            deployment.client.redis.ping()
    except StoreUnavailable:
        return False
    return True
