"""Work that does what a test needs, for deliveries that a test makes one at a time, on a real Valkey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import redis

from orchestrator.broker import queue_for
from orchestrator.contracts import Complexity, Mode, PersonaOutput, Plan, Reason
from orchestrator.routing.flow import persona_of
from orchestrator.store import JobStore
from workers.execution import Attempt, Worked
from workers.progress import Canvas

IN_CANVAS = Canvas(fires=True)


class Scripted:
    """Work that a test scripts; it counts how often it was really done."""

    def __init__(self, mode: Mode = "parallel", sections: int = 1) -> None:
        self.mode = mode
        self.sections = sections
        self.done: list[str] = []
        self.on: dict[str, Callable[[Attempt], Worked]] = {}

    def __call__(self, attempt: Attempt) -> Worked:
        self.done.append(attempt.step)
        return self.on.get(attempt.step, self.well)(attempt)

    def well(self, attempt: Attempt) -> Worked:
        if attempt.step == "plan":
            plan = Plan(
                task_id=attempt.ref.task_id,
                complexity=Complexity(score=1, source="observed"),
                mode=self.mode,
                mode_reason="scripted",
                sections=self.sections,
                language="en",
            )
            return Worked(plan)
        return Worked(self.output(attempt))

    def output(self, attempt: Attempt, summary: str = "Yes.") -> PersonaOutput:
        return PersonaOutput(
            task_id=attempt.ref.task_id,
            persona=persona_of(attempt.step),
            step=attempt.step,
            summary=summary,
        )

    def failed(self, attempt: Attempt, why: str) -> Worked:
        if attempt.step == "plan":
            return replace(self.well(attempt), cause=Reason(code="plan_failed", detail=why))
        from workers.argument import failed

        return Worked(failed(attempt, self.output(attempt).persona, "internal", why))


def waiting(client: redis.Redis, step: str) -> int:
    return JobStore(client).queue_length(queue_for(step))
