"""``triptych.submit``: the way in for producers that know only Celery and this task's name.

The task accepts the job and ends; its result in the result backend is stored when the job ends (orchestrator.replies).
Its argument is the question itself, which nobody who watches workers is to read: events, Flower and ``inspect`` get a
placeholder, the job's id and the mode that was asked for, whatever the sender wrote there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celery import Celery, Task
from celery.exceptions import Reject
from pydantic import TypeAdapter, ValidationError

from orchestrator.broker.screening import SUBMIT
from orchestrator.contracts import RequestedMode, TaskSpec
from orchestrator.contracts.base import TaskId, Tenant
from orchestrator.errors import AdmissionClosed, CallerError, InvalidInput, StoreUnavailable
from orchestrator.replies import promise
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore
from orchestrator.submission import submit
from workers.display import HIDDEN, DisplayedRequest, labels
from workers.patience import patiently

_task_id: TypeAdapter[str] = TypeAdapter(TaskId)
_shown: TypeAdapter[tuple[str, str, RequestedMode]] = TypeAdapter(tuple[Tenant, TaskId, RequestedMode])


class SubmitRequest(DisplayedRequest):
    """A job on its way in."""

    def __init__(self, message: Any, **options: Any) -> None:  # noqa: ANN401 - celery's signature
        # The sender waits for a result, and gets it from the job's end, not from this task's.
        options["headers"] = {**(options.get("headers") or message.headers), "ignore_result": True}
        super().__init__(message, **options)

    def displayed(self, headers: Mapping[str, Any], args: Sequence[Any]) -> tuple[str, str]:
        """A placeholder, and the labels that were asked for, where the argument has them in the right form."""
        spec = args[0] if args else None
        if not isinstance(spec, dict):
            return HIDDEN, HIDDEN
        asked = (
            spec.get("tenant", "default"),
            spec.get("task_id", _own_id(headers["id"])),
            spec.get("mode", "auto"),
        )
        try:
            tenant, task_id, mode = _shown.validate_python(asked)
        except ValidationError:
            return HIDDEN, HIDDEN
        return HIDDEN, labels(mode, None, JobRef(tenant, task_id))


def register(app: Celery, settings: Settings, store: Callable[[], JobStore]) -> None:
    """Give the application ``triptych.submit(spec)``. ``store`` is asked at run time."""

    def run(task: Task[Any, Any], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever the sender wrote
        request = task.request
        if request.chain or request.chord or request.callbacks:
            raise InvalidInput(
                "canvas", f"{SUBMIT} ends before its job does; link nothing to it, wait for its result"
            )
        spec = read_spec(str(request.id), args, kwargs)
        mine = str(request.id)
        try:
            accepted = patiently(
                lambda: submit(spec, store=store(), app=app, settings=settings, reply_to=mine)
            )
            if not accepted.created:
                patiently(lambda: promise(store().client, accepted.ref, mine))
        except StoreUnavailable:
            # The message is all there is of this job.
            raise Reject(requeue=True) from None

    app.task(
        name=SUBMIT,
        bind=True,
        shared=False,
        Request=SubmitRequest,
        ignore_result=True,
        store_errors_even_if_ignored=True,
        throws=(CallerError, AdmissionClosed),
    )(run)


def read_spec(celery_id: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> TaskSpec:
    """The one argument as a ``TaskSpec``; a spec without a task id gets the Celery task's, or one made from it.

    Raises ``InvalidInput`` that names the field and quotes nothing.
    """
    if len(args) != 1 or kwargs or not isinstance(args[0], dict):
        raise InvalidInput("spec", f"send {SUBMIT} with exactly one argument: the job as a JSON object")
    fields = {"task_id": _own_id(celery_id), **args[0]}
    try:
        # Through JSON: lists become tuples there, and nothing else is lenient. Without `v` it is today's version.
        return TaskSpec.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:100] or "spec"
        raise InvalidInput(where, first["msg"].removeprefix("Value error, ")[:300]) from None


def _own_id(celery_id: str) -> str:
    try:
        return _task_id.validate_python(celery_id)
    except ValidationError:
        return hashlib.sha256(celery_id.encode()).hexdigest()[:32]
