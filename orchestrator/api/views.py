"""One job as the API shows it: from its record while that is there, and from the ledger when it has expired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from orchestrator.contracts import PersonaOutput, Plan
from orchestrator.contracts.base import Frozen, Mode, RequestedMode, TaskId, Tenant
from orchestrator.contracts.events import Event, JobSubmitted, PlanReady
from orchestrator.listing import line_of
from orchestrator.report.ended import ended
from orchestrator.store import JobRecord, JobRef
from orchestrator.timeline import RowStatus, Timeline, timeline


class StepView(Frozen):
    """One attempt at one step. Times are epoch ms; ``ended_ms`` is ``None`` while it runs."""

    step: str
    attempt: int
    status: RowStatus
    started_ms: int
    ended_ms: int | None
    first_token_ms: int | None = None
    worker: str = ""


class PlanView(Frozen):
    """How the job runs, and why. ``complexity`` is 0 to 10; ``factors`` are what it was counted from, where known."""

    mode: Mode
    reason: str
    complexity: float
    factors: tuple[str, ...] = ()
    sections: int = 1
    passages: int = 0
    merge_after_ms: int | None = None
    models: tuple[str, ...] = ()


class JobView(Frozen):
    """A job's line with its steps so far. Times are epoch ms, ``now_ms`` the fleet's own clock.

    ``expired``: its record is gone, and this is what the ledger kept; questions, outputs and results are not in it.
    ``outputs`` are what the personas have said so far: those that ended, and the closed claims of a thesis that writes.
    ``saved_ms``: how much less it took than its steps one after another; ``None`` until it has ended, or where it lost
    something, because how soon such a job ended says nothing.
    """

    task_id: TaskId
    tenant: Tenant
    status: str
    mode: str | None
    requested_mode: str | None
    accepted_ms: int
    ms: int
    now_ms: int
    deadline_ms: int | None
    ended: bool
    saved_ms: int | None = None
    expired: bool = False
    goal: str | None
    title: str = ""
    plan: PlanView | None
    steps: tuple[StepView, ...]
    outputs: Annotated[tuple[PersonaOutput, ...], Field(description="What was said so far.")] = ()


def of_record(ref: JobRef, record: JobRecord, events: Sequence[Event], *, now_ms: int) -> JobView:
    """Show a job whose record is there; ``events`` are its own."""
    line = line_of(ref, record, now_ms)
    return JobView(
        task_id=ref.task_id,
        tenant=ref.tenant,
        status=line.status,
        mode=line.mode,
        requested_mode=record.spec.mode,
        accepted_ms=line.accepted_ms,
        ms=line.ms,
        now_ms=now_ms,
        deadline_ms=record.deadline_ms,
        ended=record.result is not None,
        saved_ms=_saved_ms(events),
        goal=record.spec.goal,
        title=record.spec.title,
        plan=_plan(record.plan) if record.plan else None,
        steps=_steps(timeline(events, now_ms=now_ms)),
        outputs=tuple(record.said.values()),
    )


def of_ledger(ref: JobRef, events: Sequence[Event], *, now_ms: int) -> JobView:
    """Show a job that only the ledger knows any more; there is at least one event of it."""
    line = timeline(events)
    asked = next((event for event in events if isinstance(event, JobSubmitted)), None)
    ready = next((event for event in events if isinstance(event, PlanReady)), None)
    requested: RequestedMode | str | None = asked.requested_mode if asked else None
    return JobView(
        task_id=ref.task_id,
        tenant=ref.tenant,
        status=line.status,
        mode=line.mode or None,
        requested_mode=requested,
        accepted_ms=line.accepted_at_ms,
        ms=line.total_ms,
        now_ms=now_ms,
        deadline_ms=line.accepted_at_ms + int(asked.deadline_s * 1_000) if asked else None,
        ended=line.status != "running",
        saved_ms=_saved_ms(events),
        expired=True,
        goal=None,
        plan=_announced(ready) if ready else None,
        steps=_steps(line),
    )


def _plan(plan: Plan) -> PlanView:
    return PlanView(
        mode=plan.mode,
        reason=plan.mode_reason,
        complexity=plan.complexity.score,
        factors=tuple(factor.why for factor in plan.complexity.factors),
        sections=plan.sections,
        passages=len(plan.passage_ids),
        merge_after_ms=plan.merge_after_ms,
        models=plan.models,
    )


def _announced(ready: PlanReady) -> PlanView:
    return PlanView(
        mode=ready.mode,
        reason=ready.mode_reason,
        complexity=ready.complexity,
        sections=ready.sections,
        passages=ready.passages,
        merge_after_ms=ready.merge_after_ms,
        models=ready.models,
    )


def _saved_ms(events: Sequence[Event]) -> int | None:
    end = next((found for found in map(ended, events) if found), None)
    return None if end is None or not end.whole or end.saved_s is None else round(end.saved_s * 1_000)


def _steps(line: Timeline) -> tuple[StepView, ...]:
    return tuple(
        StepView(
            step=row.step,
            attempt=row.attempt,
            status=row.status,
            started_ms=line.accepted_at_ms + row.start_ms,
            ended_ms=None if row.status == "running" else line.accepted_at_ms + row.end_ms,
            first_token_ms=row.first_token_ms,
            worker=row.worker,
        )
        for row in line.rows
    )
