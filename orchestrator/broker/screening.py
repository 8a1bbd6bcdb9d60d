"""What a message has to look like before Celery may see it. Pure: bytes in, the message or a defect out.

kombu and Celery believe what lies in a queue. A payload that does not decode, a header of another type or a base64
that is none raises in the consumer's loop and ends the worker, and again after every restart. So every message is
held against the form that Celery 5 writes, by the very functions that will read it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from kombu.utils.json import loads
from pydantic import Field, TypeAdapter, ValidationError

from orchestrator.broker.forms import QUEUE_PREFIX, Embed, Envelope, Headers
from orchestrator.contracts.base import TaskId, Tenant

STEP_PREFIX = "triptych."
SUBMIT = "triptych.submit"
"""A job on its way in. With ``JUDGE`` the one task whose message carries a payload."""
JUDGE = "triptych.judge"
"""A question to an LLM judge (orchestrator.judging)."""
SUBMIT_LIST = f"{QUEUE_PREFIX}plan"
"""Where Celery puts what has no priority. Bare steps lie in lists of other priorities, so that a producer's
credentials can be kept to one kind (orchestrator.acl)."""
JUDGE_LIST = f"{QUEUE_PREFIX}judge"
JUDGE_ID = re.compile(r"judge\.[a-z0-9][a-z0-9-]{0,31}\.[0-9a-f]{32}")
"""A question's task id: under it its answer is stored, so it may be no other task's."""
MAX_IDS = 3
MAX_STEP_BYTES = 65_536
"""A step's message is ids and, at most, the canvas that follows: about 3 kB."""
MAX_SUBMIT_BYTES = 4_000_000
"""A job's million bytes, as escaped JSON in base64."""
MAX_JUDGE_BYTES = 2_000_000
"""A question's hundred thousand characters, likewise."""

Code = Literal[
    "not_utf8",
    "not_json",
    "too_large",
    "wrong_schema",
    "wrong_arguments",
    "wrong_queue",
    "wrong_canvas",
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


class Screened(dict[str, Any]):
    """A message as kombu reads it. ``content`` is its body: ``[args, kwargs, embed]``."""

    def __init__(self, message: dict[str, Any], content: object) -> None:
        super().__init__(message)
        self.content = content


_body: TypeAdapter[tuple[list[Any], dict[str, Any], dict[str, Any] | None]] = TypeAdapter(
    tuple[list[Any], dict[str, Any], dict[str, Any] | None]
)
_embed: TypeAdapter[Embed] = TypeAdapter(Embed)
_ids: TypeAdapter[Any] = TypeAdapter(
    tuple[Tenant, TaskId] | tuple[Tenant, TaskId, Annotated[int, Field(ge=1, le=999)]]
)


PAYLOAD_BYTES = {SUBMIT: MAX_SUBMIT_BYTES, JUDGE: MAX_JUDGE_BYTES}
"""The tasks whose message is all there is of what they are asked: how long it may be."""


class _Refused(Exception):
    """Ends the screening of one message."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(code, reason)
        self.code: Code = code
        self.reason = reason


def screen(raw: bytes, came_from: str) -> Screened | Defect:
    """Read a message that ``came_from`` a Redis list, or tell what is wrong with it.

    Never raises.
    """
    task = ""
    try:
        data = _parsed(_text(raw))
        task = _task(data)
        _check_door(task, came_from)
        envelope = _envelope_of(data, len(raw))
        body = _body_of(envelope)
        _check_body(body, envelope.headers)
    except _Refused as refused:
        return Defect(refused.code, refused.reason, task)
    return Screened(cast("dict[str, Any]", data), body)


def _check_door(task: str, came_from: str) -> None:
    if task == SUBMIT and came_from != SUBMIT_LIST:
        raise _Refused("wrong_queue", f"{SUBMIT} is taken from {SUBMIT_LIST} alone, without a priority")
    if (task == JUDGE) != (came_from.partition(":")[0] == JUDGE_LIST):
        raise _Refused("wrong_queue", f"{JUDGE} is taken from {JUDGE_LIST} alone, and nothing else there")


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


def _envelope_of(data: object, size: int) -> Envelope:
    if not isinstance(data, dict):
        raise _Refused("wrong_schema", "no JSON object")
    try:
        envelope = Envelope.model_validate(data)
    except ValidationError as error:
        raise _Refused("wrong_schema", _first(error)) from None
    most = PAYLOAD_BYTES.get(envelope.headers.task, MAX_STEP_BYTES)
    if size > most:
        raise _Refused("too_large", f"{size:,} bytes, over {most:,}")
    return envelope


def _body_of(envelope: Envelope) -> object:
    try:
        text = base64.b64decode(envelope.body.encode(), validate=True).decode()
    except ValueError:
        raise _Refused("wrong_schema", "body: not base64 of UTF-8") from None
    return _parsed(text)


def _check_body(body: object, headers: Headers) -> None:
    task = headers.task
    try:
        # Strictness is about the items: JSON has no tuple.
        args, kwargs, embed = _body.validate_python(tuple(body) if isinstance(body, list) else body)
    except ValidationError as error:
        raise _Refused("wrong_schema", f"body: {_first(error)}") from None
    if task == SUBMIT:
        # What is to follow its end is refused to its sender's face (workers.intake), which is a failure; what is to
        # follow a failure would be sent.
        if _asks_for_errbacks(embed):
            raise _Refused("wrong_canvas", f"{SUBMIT} takes no link_error")
        return
    if task == JUDGE:
        _check_question(headers.id, args, kwargs, embed)
        return
    if not task.startswith(STEP_PREFIX):
        return  # nobody's, which Celery finds out
    if kwargs:
        raise _Refused("wrong_arguments", "keyword arguments; a step takes (tenant, task_id)")
    try:
        _ids.validate_python(tuple(args))
    except ValidationError:
        reason = "arguments that are no (tenant, task_id) or (tenant, task_id, index)"
        raise _Refused("wrong_arguments", reason) from None
    if embed:
        _check_canvas(embed, args)


def _check_question(task_id: str, args: list[Any], kwargs: object, embed: dict[str, Any] | None) -> None:
    if kwargs or [type(arg) for arg in args] != [dict] or not JUDGE_ID.fullmatch(task_id):
        raise _Refused("wrong_arguments", f"{JUDGE} takes one JSON object, under an id like judge.TENANT.HEX")
    if any((embed or {}).values()):
        raise _Refused("wrong_canvas", f"nothing follows {JUDGE}")


def _asks_for_errbacks(part: object) -> bool:
    if isinstance(part, list):
        return any(_asks_for_errbacks(one) for one in part)
    if not isinstance(part, dict):
        return False
    return any(
        (name in ("errbacks", "link_error") and bool(value)) or _asks_for_errbacks(value)
        for name, value in part.items()
    )


def _check_canvas(embed: dict[str, Any], args: list[Any]) -> None:
    """A worker sends with its own rights what a message says is to follow: steps of the same job, nothing else."""
    try:
        following = _embed.validate_python(embed).following
    except ValidationError as error:
        raise _Refused("wrong_canvas", f"what is to follow: {_first(error)}") from None
    for step in following:
        if step.task in PAYLOAD_BYTES or step.args[:2] != args[:2] or len(step.args) > MAX_IDS:
            raise _Refused("wrong_canvas", f"what is to follow is no step of this job: {step.task}")


def _task(data: object) -> str:
    headers = data.get("headers") if isinstance(data, dict) else None
    task = headers.get("task") if isinstance(headers, dict) else None
    return task[:100] if isinstance(task, str) else ""


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"][:4])
    return f"{where[:100]}: {first['msg']}".removeprefix(": ")[:300]
