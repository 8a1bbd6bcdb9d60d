"""Event streams (SSE): a job's events as they come, resumable at any of them; and the writer that all streams share.

A stream costs a place, of which there are so many. Who reads slowly keeps its place, every event and the newest live
text; whoever reads nothing at all loses its connection (``serve.STALLED_MS``).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from orchestrator.api.access import Caller
from orchestrator.api.deployment import Calling, Deployed, Deployment, Job
from orchestrator.api.problems import AGAIN_S, Problem
from orchestrator.client.waiting import is_end
from orchestrator.contracts.events import Event
from orchestrator.errors import JobNotFound, StoreUnavailable
from orchestrator.store import JobRef, JobStore, LiveText
from orchestrator.store.stream import since

HEARTBEAT_S = 15.0
"""Proxies close what is silent for a minute."""
RETRY_MS = 1_000
AWAY_S = 6.0
"""Of a Redis that has not answered for so long a stream ends: who comes again is told, and goes on where it stopped."""
MOST_STREAMS = 500
MOST_TENANT_STREAMS = 100
ENTRY_ID = r"^[0-9]{1,19}(-[0-9]{1,19})?$"
"""What Redis takes for one: both numbers have 64 bits."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

BEGIN = f"retry: {RETRY_MS}\n\n".encode()
BEAT = b":\n\n"


def frame(event: str, data: str, entry_id: str = "") -> bytes:
    """Write one event. ``entry_id`` is where a reader that comes again goes on; ``data`` may have several lines."""
    name = event if _NAME.fullmatch(event) else "unknown"
    head = f"id: {entry_id}\n" if entry_id else ""
    body = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", data))
    return f"{head}event: {name}\n{body}\n".encode()


def frame_of(entry_id: str, heard: Event | LiveText) -> bytes:
    """Write what was heard of a job. Live text has no place to go on from: what was missed is old news."""
    if isinstance(heard, LiveText):
        return frame("text", heard.model_dump_json())
    return frame(heard.event, heard.model_dump_json(), entry_id)


class Places:
    """How many streams may be open, in all and of one tenant. Operators share what there is."""

    def __init__(self, most: int = MOST_STREAMS, most_of_tenant: int = MOST_TENANT_STREAMS) -> None:
        self._most = most
        self._most_of_tenant = most_of_tenant
        self._taken: Counter[str | None] = Counter()

    def taken(self) -> int:
        """How many are."""
        return self._taken.total()

    def take(self, tenant: str | None) -> bool:
        """Take a place; False where there is none."""
        if self.taken() >= self._most:
            return False
        if tenant is not None and self._taken[tenant] >= self._most_of_tenant:
            return False
        self._taken[tenant] += 1
        return True

    def give_back(self, tenant: str | None) -> None:
        """Give a place back."""
        self._taken[tenant] -= 1
        if not self._taken[tenant]:
            del self._taken[tenant]


class EventStream(StreamingResponse):
    """A stream as an answer: a 503 where there is no place for it."""

    def __init__(self, frames: AsyncIterator[bytes], places: Places, who: Caller) -> None:
        # nginx would keep events back until it has a buffer of them.
        super().__init__(frames, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._places = places
        self._tenant = who.tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if not self._places.take(self._tenant):
            detail = (
                "as many event streams are open as may be; close one, or ask for the job itself now and then"
            )
            problem = Problem(503, "too_many_streams", detail, retry_after_s=AGAIN_S)
            await problem.response()(scope, receive, send)
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.give_back(self._tenant)


async def job_frames(deployment: Deployment, job: JobRef, after: str) -> AsyncIterator[bytes]:
    """Write a job's stream from ``after`` on: to its ``job_end``, its record's end, or the server's."""
    yield BEGIN
    written = time.monotonic()
    async with aclosing(deployment.streams.stream(job, after=after, timeout_s=AWAY_S)) as heard:
        try:
            async for entry_id, event in heard:
                if deployment.closing.is_set():
                    return
                if event is not None:
                    yield frame_of(entry_id, event)
                elif time.monotonic() - written >= HEARTBEAT_S:
                    yield BEAT
                else:
                    continue
                written = time.monotonic()
        except (JobNotFound, StoreUnavailable):
            return  # the reader comes again, and is told then


def is_over(store: JobStore, job: JobRef, after: str) -> bool:
    """Whether a job's stream has nothing more to say after an entry. Raises ``JobNotFound``."""
    (outline,) = store.outlines([job])
    if isinstance(outline, Exception):
        raise outline
    # The end may be followed by what came too late to be heard of in the result.
    return not outline.open and not any(is_end(event) for event in since(store.client, job, after))


def router(places: Places) -> APIRouter:
    """Make the route."""
    routes = APIRouter(tags=["jobs"])

    @routes.get(
        "/jobs/{task_id}/events",
        response_class=Response,
        responses={
            200: {"content": {"text/event-stream": {}}, "description": "The events, until the job's end."},
            204: {"description": "The job has ended, and there is nothing more to tell: do not come again."},
        },
    )
    async def follow_job(
        deployment: Deployed,
        who: Calling,
        job: Job,
        after: Annotated[str, Query(pattern=ENTRY_ID, description="Go on after this event's id.")] = "0",
        last_event_id: Annotated[
            str | None, Header(pattern=ENTRY_ID, description="As `after`, and stronger: browsers send it.")
        ] = None,
    ) -> Response:
        """Follow a job: each event of the ledger under its name and id, and live text as `text`, until `job_end`."""
        place = last_event_id or after
        if await run_in_threadpool(is_over, deployment.client.store, job, place):
            return Response(status_code=204)
        return EventStream(job_frames(deployment, job, place), places, who)

    return routes


async def pause(closing: asyncio.Event, seconds: float) -> bool:
    """Wait, or until the server ends: then it is True."""
    try:
        async with asyncio.timeout(seconds):
            return await closing.wait()
    except TimeoutError:
        return False
