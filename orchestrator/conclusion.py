"""A job's end: gate, result, ledger. Safe to run twice; the first result stays."""

from __future__ import annotations

from typing import Any

from orchestrator import __version__
from orchestrator.contracts import EvalReport, Plan, Provenance, Reason, Result
from orchestrator.contracts.events import Evaluated, JobEnd, KnownEvent
from orchestrator.errors import StoreUnavailable
from orchestrator.outcome import assemble, judge_and_repair
from orchestrator.replies import settle
from orchestrator.rollout.tally import counted
from orchestrator.store import JobRecord, JobRef, JobStore
from orchestrator.store.origin import end_id
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

    Returns False where the job had a result already. A result that cannot be made is a failed result: a job that
    cannot be concluded would never end. Raises ``StoreUnavailable``.
    """
    try:
        result = _result(store, ref, record, cause)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        why = f"its result could not be made ({type(error).__name__}); this is a defect of Triptych"
        return give_up(store, ref, origin=origin, goal=record.spec.goal, why=why, plan=record.plan)
    report = result.eval
    evaluated = Evaluated(
        **origin,
        quality=report.quality,
        evidence_ok=report.evidence_ok,
        verdict=report.verdict,
        findings=len(report.findings),
        **_repaired(report),
    )
    return _finish(store, ref, result, origin, final_step, *((evaluated,) if record.outputs else ()))


def conclude_overdue(store: JobStore, ref: JobRef, record: JobRecord, *, origin: dict[str, Any]) -> bool:
    """End a job whose deadline has passed, with what there is. False where it had a result already."""
    allowed_s = (record.deadline_ms - record.accepted_ms) / 1_000
    cause = Reason(code="deadline", detail=f"the job's {allowed_s:g} s were up")
    return conclude(store, ref, record, origin=origin, cause=cause)


def give_up(
    store: JobStore,
    ref: JobRef,
    *,
    origin: dict[str, Any],
    why: str,
    goal: str = "(unreadable)",
    plan: Plan | None = None,
) -> bool:
    """End a job whose record cannot be read, or cannot be made a result of. False where it had a result already."""
    result = Result(
        task_id=ref.task_id,
        tenant=ref.tenant,
        status="failed",
        reasons=(Reason(code="internal", detail=why),),
        goal=goal,
        language="en",
        answer=f"There is no answer: {why}. Send the job again.",
        mode=plan.mode if plan else None,
        plan=plan,
        eval=EvalReport(task_id=ref.task_id),
        provenance=Provenance(triptych=__version__, llm_used=False),
    )
    return _finish(store, ref, result, origin, "synthesis")


def _result(store: JobStore, ref: JobRef, record: JobRecord, cause: Reason | None) -> Result:
    found = store.closing(ref, record.plan)
    evaluation, said = judge_and_repair(record.spec, record.said, found.passages)
    timings = job_timings(found.events, now_ms=found.now_ms)
    return assemble(
        record.spec,
        record.plan,
        said,
        found.passages,
        evaluation=evaluation,
        timings=timings.model_copy(update={"total_ms": found.now_ms - record.accepted_ms}),
        cause=cause,
    )


def _finish(
    store: JobStore,
    ref: JobRef,
    result: Result,
    origin: dict[str, Any],
    final_step: str,
    *before: KnownEvent,
) -> bool:
    end = JobEnd(
        **{**origin, "event_id": end_id(ref)},
        status=result.status,
        reasons=tuple(_without_text(reason) for reason in result.reasons),
        notes=result.notes,
        mode=result.mode,
        total_ms=result.timings.total_ms,
        sequential_ms=result.timings.sequential_ms,
        usage=result.usage,
        evidence_ok=result.eval.evidence_ok,
        assignment=result.plan.assignment if result.plan else None,
    )
    finished = store.finish(ref, result, events=(*before, end), final_step=final_step, counts=counted(end))
    if finished.owes:
        settle(store.client, ref)
    return finished.first


def _repaired(report: EvalReport) -> dict[str, Any]:
    if report.repair is None:
        return {}
    return {
        "verdict_before": report.repair.verdict_before,
        "findings_before": report.repair.findings_before,
        "repairs": len(report.repair.repairs),
    }


def _without_text(reason: Reason) -> Reason:
    """The ledger holds no document text: what the gate found is quoted in the result alone."""
    detail = "" if reason.code == "evidence_failed" else reason.detail[:200]
    return reason.model_copy(update={"detail": detail})
