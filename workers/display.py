"""What those who watch workers see of a message: the job's id, its mode, the persona. Events, Flower, ``inspect``.

Whoever sends a message also writes what is shown of its arguments (``argsrepr``, ``kwargsrepr``, ``shadow``): free
text, into which Celery puts the arguments themselves. Nothing of it is taken over but one lower-case word, the mode;
the rest is made anew from the ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from celery.worker.request import Request

from orchestrator.broker import TASK_PREFIX
from orchestrator.routing.flow import persona_of
from orchestrator.store import JobRef
from orchestrator.store.record import PLAN

HIDDEN = "(redacted)"
"""What stands for an argument that is somebody's text."""
_MODE = re.compile(r"'mode': '([a-z]{1,16})'")


class DisplayedRequest(Request):
    """A request that shows what ``displayed`` says, and nothing that its sender wrote."""

    def __init__(self, message: Any, **options: Any) -> None:  # noqa: ANN401 - celery's signature
        headers = options.get("headers") or message.headers
        args, kwargs = self.displayed(headers, message.payload[0])
        options["headers"] = {**headers, "argsrepr": args, "kwargsrepr": kwargs, "shadow": None}
        # It has been read: the thread that runs the task need not do it again.
        options |= {"body": message.payload, "decoded": True}
        super().__init__(message, **options)

    def displayed(self, headers: Mapping[str, Any], args: Sequence[Any]) -> tuple[str, str]:
        """What stands for the arguments and for the keyword arguments of a message."""
        raise NotImplementedError

    def info(self, safe: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002 - celery's signature
        """What ``inspect`` tells of a task; never its arguments."""
        return super().info(safe=True)


class StepRequest(DisplayedRequest):
    """A step's: its ids, which were screened, and the mode if its sender knew it."""

    def displayed(self, headers: Mapping[str, Any], args: Sequence[Any]) -> tuple[str, str]:
        """The ids themselves, and the labels."""
        step = headers["task"].removeprefix(TASK_PREFIX)
        mode = _MODE.search(headers.get("kwargsrepr") or "")
        persona = None if step == PLAN else persona_of(step)
        return repr(tuple(args)), labels(mode[1] if mode else None, persona, JobRef(*args[:2]))


def labels(mode: str | None, persona: str | None, ref: JobRef) -> str:
    """Write them like keyword arguments: Flower's search then finds ``kwargs:mode=parallel``.

    Its table cuts the end off; the job is also in the message's id.
    """
    known = {"mode": mode, "persona": persona, "job": str(ref)}
    return repr({name: value for name, value in known.items() if value is not None})
