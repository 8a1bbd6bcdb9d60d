"""The Celery tasks: one per step, each a thin door to the executor. They take ids; their outputs are in the record.

What they return is for those who watch: a step that failed is a step that ended, which Celery calls a success.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery import Celery, Task
from celery.canvas import Signature

from orchestrator.broker import TASK_PREFIX
from orchestrator.routing.flow import STEPS, part
from orchestrator.store import JobRef
from orchestrator.store.record import PLAN
from workers.display import StepRequest
from workers.execution import Executor
from workers.progress import Canvas


def register(app: Celery, executor: Callable[[], Executor]) -> None:
    """Give the application one task per step: ``triptych.plan(tenant, task_id)`` and so on.

    The step of one claim takes its number as well: ``triptych.rebuttal(tenant, task_id, 2)``. ``executor`` is asked at
    run time, so that a process makes its connections after it has started.
    """
    for step in (PLAN, *STEPS):
        run = _body(step, executor)
        app.task(name=TASK_PREFIX + step, bind=True, ignore_result=True, shared=False, Request=StepRequest)(
            run
        )


def _body(step: str, executor: Callable[[], Executor]) -> Callable[..., str]:
    def run(task: Task[Any, Any], tenant: str, task_id: str, number: int = 0) -> str:
        which = part(step, number) if number else step
        handled = executor().run(JobRef(tenant, task_id), which, _canvas(task))
        if not handled.stored:
            # Celery must neither count it in its chord nor send what follows it.
            task.request.chord = task.request.chain = None
        return handled.word

    run.__name__ = step
    run.__doc__ = f"Run the {step} step of a job."
    return run


def _canvas(task: Task[Any, Any]) -> Canvas:
    """What came with the delivery. The last step of a canvas has neither chord nor chain: nothing follows it."""
    request = task.request
    if request.chord:
        return Canvas(fires=True, grow=partial(_add_to_chord, task, request))
    return Canvas(fires=bool(request.chain))


def _add_to_chord(task: Task[Any, Any], request: Any, message: Signature) -> None:  # noqa: ANN401 - Celery's context
    """Celery knows what a task is doing by its thread; claims are recorded on another than the thesis'."""
    task.request_stack.push(request)
    try:
        task.add_to_chord(message)
    finally:
        task.request_stack.pop()
