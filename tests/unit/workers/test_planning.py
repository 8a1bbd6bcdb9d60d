"""Evidence that is given as it stands, which planning neither searches nor translates; and when a job is merged."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.contracts import Inputs, Passage, Plan, TaskSpec
from orchestrator.rolling import Orders
from orchestrator.settings import Settings
from orchestrator.store import JobRef
from workers.execution import Attempt
from workers.planning import Planner, merge_after_ms

PASSAGES = tuple(
    Passage(id=f"p{n}", source="메모", text=text)
    for n, text in enumerate(["비용은 월 840유로이다.", "아무 상관 없는 문장.", "이벤트 큐는 빠르다."])
)


def never(*_: object) -> Any:
    raise AssertionError("planning asked for more than it was given")


def test_given_evidence_is_all_of_it_in_its_order_without_search_or_translation(tmp_path: Path) -> None:
    retriever = SimpleNamespace(search=never, language=never)
    planner = Planner(
        Settings(home=tmp_path), retriever=cast("Any", retriever), translate=never, orders=Orders
    )
    spec = TaskSpec(task_id="job", goal="What does it cost?", inputs=Inputs(passages=PASSAGES, as_given=True))
    record = cast("Any", SimpleNamespace(spec=spec))
    attempt = Attempt(
        JobRef("default", "job"),
        "plan",
        1,
        record,
        time.monotonic() + 60,
        held=cast("Any", None),
        claims=cast("Any", None),
    )
    worked = planner(attempt)
    assert isinstance(worked.output, Plan)
    assert worked.passages == PASSAGES
    assert worked.output.passage_ids == ("p0", "p1", "p2")
    assert worked.cause is None


@pytest.mark.parametrize(
    ("allowed_ms", "wished_s", "after_ms"),
    [
        (180_000, None, 90_000),
        (180_000, 18.0, 18_000),
        (20_000, 18.0, 15_000),  # the merge keeps a quarter, so that a slow one ends in time
        (20_000, 15.0, 15_000),
        (1, None, 0),
    ],
)
def test_a_job_is_merged_when_it_wishes_and_in_time(
    allowed_ms: int, wished_s: float | None, after_ms: int
) -> None:
    assert merge_after_ms(allowed_ms, wished_s) == after_ms
