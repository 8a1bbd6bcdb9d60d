"""A job's end: gate, result, ledger. Safe to run twice; the first result stays."""

from __future__ import annotations

import hashlib
from typing import Any

from orchestrator.contracts import Reason
from orchestrator.contracts.events import Evaluated, JobEnd
from orchestrator.evidence import judge
from orchestrator.outcome import assemble
from orchestrator.store import JobRecord, JobRef, JobStore, history
from orchestrator.timeline import job_timings


def conclude(
    store: JobStore,
    ref: JobRef,
    record: JobRecord,
    *,
    origin: dict[str, Any],
    cause: Reason | None = None,
    final_step: str = "synthesis",
) -> bool:
    """Judge what there is, make the one result of it, store it. ``cause`` is what ended the job before its time.

    Returns False where the job had a result already.
    """
    passages = store.passages(ref)
    evaluation = judge(
        ref.task_id, passages, tuple(record.outputs.values()), evidence_required=record.spec.evidence_required
    )
    timings = job_timings(history(store.client, ref))
    total_ms = store.now_ms() - record.accepted_ms
    result = assemble(
        record.spec,
        record.plan,
        record.outputs,
        passages,
        evaluation=evaluation,
        timings=timings.model_copy(update={"total_ms": total_ms}),
        cause=cause,
    )
    if record.outputs and store.once(ref, "eval"):
        store.emit(
            ref,
            Evaluated(
                **origin,
                quality=evaluation.quality,
                evidence_ok=evaluation.evidence_ok,
                verdict=evaluation.verdict,
                findings=len(evaluation.findings),
            ),
        )
    end = JobEnd(
        **{**origin, "event_id": _end_id(ref)},
        status=result.status,
        reasons=result.reasons,
        mode=result.mode,
        total_ms=total_ms,
        usage=result.usage,
        evidence_ok=evaluation.evidence_ok,
    )
    return store.finish(ref, result, event=end, final_step=final_step)


def _end_id(ref: JobRef) -> str:
    """The one id that a job's end can have in the ledger, whoever writes it."""
    return hashlib.sha256(f"{ref}/job_end".encode()).hexdigest()[:32]
