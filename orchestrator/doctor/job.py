"""A smoke job through the fleet: two short passages, a question that they answer, all personas."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Inputs, Passage, Result, TaskSpec
from orchestrator.contracts.base import SMOKE_TENANT
from orchestrator.doctor.finding import Finding, error, ok, warning
from orchestrator.errors import IdempotencyConflict, JobError, WorldError
from orchestrator.store import JobRef

DEADLINE_S = 60.0
GRACE_MS = 10_000
"""How long past its deadline a job may take to be ended by the sweep."""

PASSAGES = (
    Passage(
        id="p1",
        source="smoke-test.md",
        heading="Results",
        text="The event queue reduced the order delay from 9 hours to 4 minutes in the pilot. "
        "The pilot processed 12,000 orders a day without a lost order.",
    ),
    Passage(
        id="p2",
        source="smoke-test.md",
        heading="Concerns",
        text="However, the event queue was tested with two of eleven shops only. "
        "The event queue needs an operator on call, which the team does not have.",
    ),
)


def smoke_spec(deadline_s: float = DEADLINE_S) -> TaskSpec:
    """Make a fresh smoke job; with a model configured it costs about 5,000 tokens."""
    return TaskSpec(
        task_id=new_task_id(),
        title="triptych doctor",
        goal="Should the order processing move to an event queue?",
        inputs=Inputs(passages=PASSAGES),
        mode="parallel",
        tenant=SMOKE_TENANT,
        deadline_s=deadline_s,
        token_budget=50_000,
    )


def run_smoke_job(client: Client, *, deadline_s: float = DEADLINE_S) -> Iterator[Finding]:
    """Send one and wait for its result. Blocks for a few seconds longer than its deadline at most."""
    spec = smoke_spec(deadline_s)
    try:
        submitted = client.submit(spec)
        result = _waited(client, submitted.ref, deadline_s)
    except (WorldError, JobError, IdempotencyConflict) as problem:
        yield error("smoke job", str(problem), "mend what is wrong above, then try again")
        return
    if result is None:
        client.cancel(submitted.ref, who="triptych doctor")
        yield error(
            "smoke job",
            f"{spec.task_id} had no result {deadline_s:g} s after it was sent",
            f"see how far it came: triptych ledger show {spec.task_id}",
        )
        return
    yield judge_result(result)


def _waited(client: Client, ref: JobRef, deadline_s: float) -> Result | None:
    """The result; ``None`` where nobody made one although the deadline has long passed: nobody sweeps."""
    give_up_ms = client.store.now_ms() + int(deadline_s * 1_000) + GRACE_MS
    for _, event in client.stream(ref, timeout_s=10.0):
        if event is None and client.store.now_ms() > give_up_ms:
            return None
    return client.result(ref)


def judge_result(result: Result) -> Finding:
    """Judge what came back."""
    took = f"{result.task_id}: {result.status} in {result.timings.total_ms / 1_000:.2f} s"
    if result.status == "complete":
        return ok("smoke job", f"{took}, mode {result.mode}")
    why = "; ".join(
        " ".join(part for part in (reason.code, reason.persona, reason.kind, reason.detail[:200]) if part)
        for reason in result.reasons
    )
    look = f"triptych ledger show {result.task_id}"
    made = warning if result.status == "degraded" else error
    return made("smoke job", f"{took}: {why}", look)
