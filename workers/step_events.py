"""What the ledger says of a step's start and end."""

from __future__ import annotations

from typing import Any

from orchestrator.contracts import PersonaOutput, Plan, Usage
from orchestrator.contracts.events import LeaseLost, StepEnd, StepStart, Stopped
from orchestrator.errors import JobError
from orchestrator.recovery import runnable_since
from orchestrator.routing.flow import persona_of
from orchestrator.store import JobRecord, JobRef
from orchestrator.store.origin import origin


def queued_ms(record: JobRecord, step: str, now_ms: int) -> int:
    """How long the step has lain in its queue: since its message was sent, or could have been."""
    return max(0, now_ms - (record.steps[step].sent_ms or runnable_since(record, step)))


def started(ref: JobRef, step: str, attempt: int, queued: int) -> StepStart:
    """A step begins. Only a first attempt knows how long it was queued: a later one was waited for by the sweep."""
    return StepStart(
        **origin(ref, step, attempt), event=_name(step, "start"), queued_ms=queued if attempt == 1 else None
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
