"""What a message has to look like before Celery may see it. Pure: bytes in, a defect or nothing out.

kombu and Celery believe what lies in a queue. A payload that does not decode, a header of another type or a base64
that is none raises in the consumer's loop and ends the worker, and again after every restart. So every message is
held against the form that Celery 5 writes, by the very functions that will read it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from kombu.utils.json import loads
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from orchestrator.contracts.base import TaskId, Tenant

STEP_PREFIX = "triptych."
SUBMIT = "triptych.submit"
"""The one task whose message carries a payload."""
MAX_STEP_BYTES = 65_536
"""A step's message is ids and, at most, the canvas that follows: about 3 kB."""
MAX_SUBMIT_BYTES = 4_000_000
"""A job's million bytes, as escaped JSON in base64."""

Code = Literal[
    "not_utf8",
    "not_json",
    "too_large",
    "wrong_schema",
    "wrong_arguments",
    "unknown_task",
    "refused",
    "unreadable",
]


@dataclass(frozen=True)
class Defect:
    """Why a message cannot be taken. ``task`` is the task it names, as far as that is known."""

    code: Code
    reason: str
    task: str = ""


class _Part(BaseModel):
    """What is not named here is Celery's business, and harmless."""

    model_config = ConfigDict(strict=True, extra="ignore")


Name = Annotated[str, Field(min_length=1, max_length=255)]
Text = Annotated[str, Field(max_length=100_000)]


class _Headers(_Part):
    task: Name
    id: Name
    root_id: Name | None = None
    parent_id: Name | None = None
    group: Name | None = None
    shadow: Text | None = None
    argsrepr: Text | None = None
    kwargsrepr: Text | None = None
    origin: Text | None = None
    eta: Text | None = None
    expires: Text | None = None
    retries: Annotated[int, Field(ge=0, le=1_000)] | None = None
    timelimit: Annotated[list[float | None], Field(min_length=2, max_length=2)] | None = None
    ignore_result: bool | None = None
    stamps: dict[str, Any] | None = None
    stamped_headers: list[str] | None = None
    compression: None = None  # a small message must not become a large one


class _DeliveryInfo(_Part):
    exchange: Annotated[str, Field(max_length=255)]
    routing_key: Annotated[str, Field(max_length=255)]


class _Properties(_Part):
    delivery_tag: Name
    delivery_info: _DeliveryInfo
    body_encoding: Literal["base64"]
    correlation_id: Name | None = None
    reply_to: Name | None = None


class _Envelope(_Part):
    body: str
    headers: _Headers
    properties: _Properties
    content_type: Annotated[Literal["application/json"], Field(alias="content-type")]
    content_encoding: Annotated[Literal["utf-8"], Field(alias="content-encoding")]


class _Embed(_Part):
    callbacks: list[Any] | None = None
    errbacks: list[Any] | None = None
    chain: list[Any] | None = None
    chord: dict[str, Any] | None = None


_body: TypeAdapter[tuple[list[Any], dict[str, Any], _Embed | None]] = TypeAdapter(
    tuple[list[Any], dict[str, Any], _Embed | None]
)
_ids: TypeAdapter[Any] = TypeAdapter(
    tuple[Tenant, TaskId] | tuple[Tenant, TaskId, Annotated[int, Field(ge=1, le=999)]]
)


class _Refused(Exception):
    """Ends the screening of one message."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(code, reason)
        self.code: Code = code
        self.reason = reason


def screen(raw: bytes) -> Defect | None:
    """Tell what is wrong with a message of a queue; ``None`` where Celery can take it. Never raises."""
    task = ""
    try:
        data = _parsed(_text(raw))
        task = _task(data)
        _check_body(_body_of(data, len(raw)), task)
    except _Refused as refused:
        return Defect(refused.code, refused.reason, task)
    return None


def _text(raw: bytes) -> str:
    if len(raw) > MAX_SUBMIT_BYTES:
        raise _Refused("too_large", f"{len(raw):,} bytes, over {MAX_SUBMIT_BYTES:,}")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _Refused("not_utf8", f"not UTF-8 at byte {error.start:,}") from None


def _parsed(text: str) -> object:
    # kombu's own decoders of dates, UUIDs and the like run in there, on whatever somebody wrote.
    try:
        return loads(text)
    except (ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RecursionError) as error:
        raise _Refused("not_json", f"not JSON that kombu can read ({type(error).__name__})") from None


def _body_of(data: object, size: int) -> object:
    try:
        envelope = _Envelope.model_validate(data)
    except ValidationError as error:
        raise _Refused("wrong_schema", _first(error)) from None
    if envelope.headers.task != SUBMIT and size > MAX_STEP_BYTES:
        raise _Refused("too_large", f"{size:,} bytes, over {MAX_STEP_BYTES:,}")
    try:
        text = base64.b64decode(envelope.body.encode(), validate=True).decode()
    except ValueError:
        raise _Refused("wrong_schema", "body: not base64 of UTF-8") from None
    return _parsed(text)


def _check_body(body: object, task: str) -> None:
    try:
        # Strictness is about the items: JSON has no tuple.
        args, kwargs, _ = _body.validate_python(tuple(body) if isinstance(body, list) else body)
    except ValidationError as error:
        raise _Refused("wrong_schema", f"body: {_first(error)}") from None
    if task == SUBMIT or not task.startswith(STEP_PREFIX):
        return  # the first answers for itself; the others are nobody's, which Celery finds out
    if kwargs:
        raise _Refused("wrong_arguments", "keyword arguments; a step takes (tenant, task_id)")
    try:
        _ids.validate_python(tuple(args))
    except ValidationError:
        reason = "arguments that are no (tenant, task_id) or (tenant, task_id, index)"
        raise _Refused("wrong_arguments", reason) from None


def _task(data: object) -> str:
    headers = data.get("headers") if isinstance(data, dict) else None
    task = headers.get("task") if isinstance(headers, dict) else None
    return task[:100] if isinstance(task, str) else ""


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"][:4])
    return f"{where[:100]}: {first['msg']}".removeprefix(": ")[:300]
