"""What is refused at a job's door, before anything is recorded."""

from __future__ import annotations

from typing import cast

import pytest
from celery import Celery

from orchestrator.contracts import TaskSpec
from orchestrator.errors import InvalidInput
from orchestrator.settings import Settings
from orchestrator.store import JobStore
from orchestrator.submission import submit


def test_a_merge_has_to_end_before_the_deadline_that_the_fleet_gives() -> None:
    spec = TaskSpec(task_id="1", goal="Should we?", merge_after_s=76)
    nowhere = cast("JobStore", None)
    with pytest.raises(InvalidInput, match=r"merge_after_s: .* at most 75 of 100 s"):
        submit(spec, store=nowhere, app=Celery(), settings=Settings(deadline_s=100))
