"""What went wrong, as RFC 9457 says it: ``application/problem+json`` with a status, a code and what to do next."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from orchestrator.errors import (
    AdmissionClosed,
    ArchiveUnusable,
    CallerError,
    IdempotencyConflict,
    InvalidInput,
    InvalidSettings,
    JobError,
    JobNotFound,
    StillRunning,
    StoreUnavailable,
    TriptychError,
    WorldError,
)
from orchestrator.store.admission import TENANT_JOBS

AGAIN_S = 2.0
"""When to come back for what is away: about as long as a failover or a restart takes."""
MOST_ERRORS = 20
CODE = "problem"

log = structlog.get_logger(__name__)

_STATUS: tuple[tuple[type[TriptychError], int], ...] = (
    (JobNotFound, 404),
    (IdempotencyConflict, 409),
    (InvalidSettings, 500),
    (CallerError, 422),
    (StillRunning, 409),
    (WorldError, 503),
    (JobError, 500),
    (TriptychError, 500),
)
"""The first that fits."""

_AWAY = (
    "the fleet's Redis does not answer, or takes nothing (the server's log says why); come again, and submit again "
    "under the same Idempotency-Key or task_id: the job runs once"
)
_UNREADABLE = "the ledger's archive cannot be read (the server's log says why); come again"
_SAID = {
    404: "nothing is here; GET /api/v1/openapi.json lists what there is",
    405: "this cannot be done here; GET /api/v1/openapi.json lists what can",
}
"""Where the framework says no more than the status."""


class ProblemResponse(JSONResponse):
    """A problem as it is sent; whoever stands around the routes finds its code in the request's state."""

    media_type = "application/problem+json"

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(problem.body(), status_code=problem.status, headers=headers)
        self.code = problem.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        scope.setdefault("state", {})[CODE] = self.code
        await super().__call__(scope, receive, send)


@dataclass(frozen=True)
class Problem:
    """One problem. ``code`` is for machines, ``detail`` for people; ``field`` is the one that is not acceptable."""

    status: int
    code: str
    detail: str
    field: str | None = None
    retry_after_s: float | None = None
    errors: tuple[Mapping[str, str], ...] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Give the fields of RFC 9457, and ours."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.field is not None:
            body["field"] = self.field
        if self.errors:
            body["errors"] = list(self.errors)
        return body

    def json(self) -> str:
        """Write the body."""
        return json.dumps(self.body(), ensure_ascii=False)

    def response(self) -> Response:
        """Give the answer."""
        headers = dict(self.headers)
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        return ProblemResponse(self, headers)


class ProblemView(BaseModel):
    """A problem (RFC 9457): `code` is for programs, `detail` says what to do, `field` names what is not acceptable."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str = ""
    errors: list[dict[str, str]] = []


_DESCRIBED: dict[str, Any] = {
    "description": "What went wrong, and what to do.",
    "content": {"application/problem+json": {"schema": ProblemView.model_json_schema()}},
}
PROBLEMS: dict[int | str, dict[str, Any]] = {422: _DESCRIBED, "default": _DESCRIBED}
"""What every route may answer, for its description."""


def problem_of(error: TriptychError) -> Problem:
    """Say what one of our errors means over HTTP."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    if isinstance(error, AdmissionClosed):
        # What one tenant has too much of is its own affair; what the fleet has, everybody's.
        status = 429 if error.bound == TENANT_JOBS else 503
        return Problem(status, code, str(error), retry_after_s=error.retry_after_s)
    if isinstance(error, StoreUnavailable | ArchiveUnusable):
        # What is to be mended, and where it lies, is the operators' business.
        detail = _AWAY if isinstance(error, StoreUnavailable) else _UNREADABLE
        return Problem(status, code, detail, retry_after_s=AGAIN_S)
    if isinstance(error, InvalidInput) and status == 422:
        return Problem(status, code, error.problem, field=error.field)
    return Problem(status, code, str(error), retry_after_s=AGAIN_S if status == 503 else None)


def problem_of_validation(error: ValidationError | RequestValidationError, *, drop: int = 0) -> Problem:
    """Say what is wrong with a body or a parameter: the places, and never what stood there.

    ``drop`` is how many parts of each place name where it was looked for, and not what.
    """
    errors = [
        {
            "field": "" if item["type"] == "json_invalid" else _place(item["loc"][drop:]),
            "problem": item["msg"].removeprefix("Value error, "),
        }
        for item in error.errors()[:MOST_ERRORS]
    ]
    first = errors[0] if errors else {"field": "", "problem": "cannot be read"}
    return Problem(422, "invalid_input", first["problem"], field=first["field"] or None, errors=tuple(errors))


def _place(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")[
        :200
    ]


def _is_json(content_type: str) -> bool:
    """Whether the framework reads a body of this type as JSON; any other it hands on as bytes."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def install(app: FastAPI) -> None:
    """Have an application answer with problems, and nothing else where something goes wrong."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, TriptychError)  # noqa: S101 - it is installed for these
        problem = problem_of(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("request_failed", code=problem.code, error=str(error))
        return problem.response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - it is installed for these
        about_body = any(item["loc"][:1] == ("body",) for item in error.errors())
        if about_body and not _is_json(request.headers.get("content-type", "")):
            detail = "send JSON, and say so: Content-Type: application/json"
            return Problem(415, "unsupported_media_type", detail).response()
        return problem_of_validation(error, drop=1).response()

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is installed for these
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        detail = (
            error.detail
            if error.detail != HTTPStatus(error.status_code).phrase
            else _SAID.get(error.status_code, "")
        )
        problem = Problem(error.status_code, code, detail or error.detail, headers=error.headers or {})
        return problem.response()

    async def ours_alone(_: Request, error: Exception) -> Response:
        # The server logs the traceback; what is in it is none of a caller's business.
        return Problem(
            500, "internal", f"a defect of ours ({type(error).__name__}); the log says more"
        ).response()

    app.add_exception_handler(TriptychError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, ours_alone)
