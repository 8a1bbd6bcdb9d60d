"""Endpoints, judged by what the fleet's own calls met with."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from orchestrator.contracts.events import Event, StepEnd
from orchestrator.contracts.persona import ErrorKind
from orchestrator.doctor.calls import RECENT_MS, REMEDIES, judge_calls
from tests.unit.timeline.ledger_of import event_id, parallel_job

NOW = 10_000_000


def ended(kind: ErrorKind | None = None, *, at_ms: int = NOW - 1_000, provider: str = "openai") -> StepEnd:
    return StepEnd(
        event_id=event_id(), task_id="a", step="thesis", event="thesis_end", duration_ms=1, at_ms=at_ms,
        status="failed" if kind else "ok", kind=kind, provider=provider,
    )  # fmt: skip


def found(*events: Event) -> dict[str, str]:
    findings = list(judge_calls(events, now_ms=NOW))
    assert all(finding.do for finding in findings if finding.level != "ok")
    return {finding.check: finding.level for finding in findings}


@pytest.mark.parametrize(
    ("kinds", "level"),
    [
        (["auth"], "error"),
        (["unreachable"], "warning"),
        (["unreachable"] * 3, "error"),
        (["overloaded", "overloaded", "unreachable"], "error"),
        (["unreachable", "unreachable", None], "ok"),
        ([None, "auth"], "error"),
        (["auth", None, "overloaded"], "warning"),
        # What a job or a model does wrong says nothing of the endpoint, good or bad.
        (["unparseable", "deadline", "token_budget"], "ok"),
        (["auth", "deadline"], "error"),
        ([None], "ok"),
    ],
)
def test_an_endpoint_is_judged_by_its_last_calls(kinds: list[Any], level: str) -> None:
    assert found(*(ended(kind) for kind in kinds)) == {"calls to openai": level}


def test_what_is_long_ago_and_what_called_nobody_says_nothing() -> None:
    assert found() == {}
    assert found(ended("auth", at_ms=NOW - RECENT_MS - 1)) == {}
    assert found(ended("auth", provider=""), ended(provider="extractive"), *parallel_job()) == {}


def test_each_endpoint_is_judged_apart_and_the_remedy_names_its_variable() -> None:
    findings = list(judge_calls([ended("auth", provider="anthropic"), ended()], now_ms=NOW))
    assert [(f.check, f.level) for f in findings] == [
        ("calls to anthropic", "error"),
        ("calls to openai", "ok"),
    ]
    assert "ANTHROPIC_API_KEY" in findings[0].do


def test_every_remedy_is_for_a_kind_that_exists() -> None:
    assert set(REMEDIES) <= set(get_args(ErrorKind))
