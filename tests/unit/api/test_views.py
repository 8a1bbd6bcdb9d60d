"""What a job's view says that its events decide."""

from __future__ import annotations

import pytest

from orchestrator.api.views import of_ledger
from orchestrator.contracts import Reason
from orchestrator.contracts.events import JobEnd, JobSubmitted
from orchestrator.store import JobRef

ASKED = JobSubmitted(event_id="a" * 32, task_id="j1", requested_mode="parallel", deadline_s=60, at_ms=1_000)


@pytest.mark.parametrize(
    ("status", "codes", "sequential_ms", "saved_ms"),
    [
        ("complete", [], 9_500, 2_500),
        ("complete", [], 6_500, -500),
        ("complete", [], None, None),  # as older versions wrote it
        ("degraded", ["evidence_failed"], 9_500, 2_500),
        ("degraded", ["persona_lost"], 9_500, None),
        ("failed", ["cancelled"], 9_500, None),
    ],
)
def test_what_a_job_saved_is_said_where_it_did_all_its_work(status, codes, sequential_ms, saved_ms):
    reasons = tuple(Reason(code=code) for code in codes)
    end = JobEnd(
        event_id="e" * 32,
        task_id="j1",
        status=status,
        total_ms=7_000,
        sequential_ms=sequential_ms,
        reasons=reasons,
        at_ms=8_000,
    )
    assert of_ledger(JobRef("default", "j1"), [ASKED, end], now_ms=9_000).saved_ms == saved_ms
    assert of_ledger(JobRef("default", "j1"), [ASKED], now_ms=9_000).saved_ms is None
