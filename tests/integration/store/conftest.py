"""A store on a real, empty Redis, and jobs in it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import redis

from orchestrator.contracts import Complexity, EvalReport, PersonaOutput, Plan, Provenance, Result, TaskSpec
from orchestrator.contracts.events import JobSubmitted, StepEnd
from orchestrator.store import JobRef, JobStore

_number = itertools.count(1)


@pytest.fixture
def store(client: redis.Redis) -> JobStore:
    return JobStore(client, result_ttl_s=60)


@pytest.fixture
def accept(store: JobStore) -> Callable[..., JobRef]:
    """Accept a fresh job and return its address."""

    def accept(**fields: Any) -> JobRef:
        spec = TaskSpec(**{"task_id": f"job{next(_number)}", "goal": "Why?", **fields})
        status, task_id = store.accept(spec, deadline_s=spec.deadline_s or 60, event=submitted(spec))
        assert status == "created"
        return JobRef(spec.tenant, task_id)

    return accept


def submitted(spec: TaskSpec) -> JobSubmitted:
    return JobSubmitted(
        event_id=uuid.uuid4().hex,
        task_id=spec.task_id,
        tenant=spec.tenant,
        requested_mode=spec.mode,
        deadline_s=60,
    )


def ended(ref: JobRef, step: str = "thesis") -> StepEnd:
    return StepEnd(
        event_id=uuid.uuid4().hex,
        task_id=ref.task_id,
        tenant=ref.tenant,
        step=step,
        event="thesis_end",
        status="ok",
        duration_ms=1,
    )


def output(ref: JobRef, summary: str = "yes") -> PersonaOutput:
    return PersonaOutput(task_id=ref.task_id, persona="thesis", step="thesis", summary=summary)


def plan(ref: JobRef) -> Plan:
    return Plan(
        task_id=ref.task_id,
        complexity=Complexity(score=1, source="observed"),
        mode="parallel",
        mode_reason="test",
        language="en",
    )


def result(ref: JobRef, answer: str = "Because.") -> Result:
    return Result(
        task_id=ref.task_id,
        tenant=ref.tenant,
        status="complete",
        goal="Why?",
        language="en",
        answer=answer,
        eval=EvalReport(task_id=ref.task_id),
        provenance=Provenance(triptych="test", llm_used=False),
    )
