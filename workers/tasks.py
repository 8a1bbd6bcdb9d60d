"""The Celery tasks: one per step, each a thin door to the executor. They take ids; their outputs are in the record.

What they return is for those who watch: a step that failed is a step that ended, which Celery calls a success.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, Task

from orchestrator.broker import TASK_PREFIX
from orchestrator.routing.flow import ANTITHESIS, ANTITHESIS_STANDALONE, SYNTHESIS, THESIS
from orchestrator.store import JobRef
from orchestrator.store.record import PLAN
from workers.display import StepRequest
from workers.execution import Executor

STEPS = (PLAN, THESIS, ANTITHESIS, ANTITHESIS_STANDALONE, SYNTHESIS)


def register(app: Celery, executor: Callable[[], Executor]) -> None:
    """Give the application one task per step: ``triptych.plan(tenant, task_id)`` and so on.

    ``executor`` is asked at run time, so that a process makes its connections after it has started.
    """
    for step in STEPS:
        run = _body(step, executor)
        app.task(name=TASK_PREFIX + step, bind=True, ignore_result=True, shared=False, Request=StepRequest)(
            run
        )


def _body(step: str, executor: Callable[[], Executor]) -> Callable[[Task[Any, Any], str, str], str]:
    def run(task: Task[Any, Any], tenant: str, task_id: str) -> str:
        request = task.request
        # The last step of a canvas has neither; what follows it does not depend on who sent it.
        in_canvas = bool(request.chord or request.chain)
        handled = executor().run(JobRef(tenant, task_id), step, in_canvas=in_canvas)
        if not handled.stored:
            # Celery must neither count it in its chord nor send what follows it.
            request.chord = request.chain = None
        return handled.word

    run.__name__ = step
    run.__doc__ = f"Run the {step} step of a job."
    return run
