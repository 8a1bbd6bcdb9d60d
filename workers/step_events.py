"""What the ledger says of a step's start and end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.contracts import PersonaOutput, Plan, RequestedMode, Usage
from orchestrator.contracts.events import (
    LeaseLost,
    ParallelExecutionStart,
    StepEnd,
    StepStart,
    Stopped,
    TaskStart,
)
from orchestrator.errors import JobError
from orchestrator.routing.flow import ANTITHESIS_STANDALONE, CRITIC, THESIS, persona_of
from orchestrator.store import JobRecord, JobRef
from orchestrator.store.origin import origin
from orchestrator.store.record import PLAN

SIDE_BY_SIDE: Mapping[RequestedMode, tuple[str, str]] = {
    "parallel": (THESIS, ANTITHESIS_STANDALONE),
    "pipelined": (THESIS, CRITIC),
}
"""The two personas that begin together."""


def starting(ref: JobRef, step: str) -> tuple[TaskStart | StepStart, ...]:
    """A step begins, and with the plan its job. The store, which takes the time, says which attempt it is."""
    start = StepStart(**origin(ref, step), event=_name(step, "start"))
    return (TaskStart(**origin(ref, step)), start) if step == PLAN else (start,)


def side_by_side(ref: JobRef, step: str, attempt: int, record: JobRecord) -> ParallelExecutionStart | None:
    """The two personas that begin together have both begun; ``None`` where this step is not the second of them."""
    pair = SIDE_BY_SIDE.get(record.mode, ())
    began = [record.steps[s].started_ms for s in pair if s in record.steps]
    if record.plan is None or step not in pair or len(began) < 2 or not all(began):
        return None
    thesis_ms, antithesis_ms = (at - record.accepted_ms for at in began if at)
    return ParallelExecutionStart(
        **origin(ref, step, attempt),
        mode=record.plan.mode,
        thesis_start_ms=thesis_ms,
        antithesis_start_ms=antithesis_ms,
    )


def ended(ref: JobRef, step: str, attempt: int, output: PersonaOutput | Plan, *, seconds: float) -> StepEnd:
    """A step ends with this output."""
    said: dict[str, Any] = {"status": "ok"}
    if isinstance(output, PersonaOutput):
        said = {
            "status": output.status,
            "kind": output.failure.kind if output.failure else None,
            "first_token_ms": output.timings.first_token_ms,
            "provider": output.provider,
            "model": output.model,
            "fallbacks": output.fallbacks,
            "hedges": output.hedges,
        }
    return StepEnd(
        **origin(ref, step, attempt),
        event=_name(step, "end"),
        duration_ms=round(seconds * 1_000),
        usage=output.usage,
        **said,
    )


def lost(
    ref: JobRef,
    step: str,
    attempt: int,
    why: Stopped,
    brought: PersonaOutput | Plan | JobError,
) -> LeaseLost:
    """An attempt whose work was thrown away; ``brought`` is that work, or what stopped it. Either was paid for."""
    if isinstance(brought, JobError):
        provider, _ = brought.asked or ("", "")
    else:
        provider = brought.provider if isinstance(brought, PersonaOutput) else ""
    return LeaseLost(**origin(ref, step, attempt), why=why, provider=provider, usage=brought.usage or Usage())


def _name(step: str, suffix: str) -> Any:  # noqa: ANN401 - one of StepStart's or StepEnd's literals
    """``rebuttal:2`` starts as ``antithesis_start``: the ledger's names are the persona's."""
    return f"{persona_of(step)}_{suffix}"
