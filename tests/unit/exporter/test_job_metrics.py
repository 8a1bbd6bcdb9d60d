"""Ended jobs as metrics: counted once, by mode, status and reason, with every series there from the start."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from orchestrator.contracts import Reason
from orchestrator.contracts.events import JobEnd
from orchestrator.contracts.result import JobTimings
from orchestrator.exporter.jobs import JobMetrics
from orchestrator.exporter.serving import new_registry
from orchestrator.timeline import job_timings
from tests.unit.timeline.ledger_of import event_id, parallel_job, planned, submitted, troubled_job


def ended(status: Any, *codes: Any, mode: Any = "parallel", total_ms: int = 26_000, **more: Any) -> JobEnd:
    reasons = tuple(Reason(code=code) for code in codes)
    return JobEnd(
        event_id=event_id(), task_id="job1", status=status, reasons=reasons, mode=mode, total_ms=total_ms, **more
    )  # fmt: skip


def nothing_known(end: JobEnd) -> JobTimings:
    return JobTimings()


@pytest.fixture
def registry() -> CollectorRegistry:
    return new_registry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> JobMetrics:
    return JobMetrics(registry)


def test_before_the_first_job_every_series_is_there_and_zero(metrics, registry):
    for mode in ("sequential", "parallel", "none"):
        for status in ("complete", "degraded", "failed"):
            assert registry.get_sample_value("triptych_jobs_total", {"mode": mode, "status": status}) == 0
    reason = {"status": "failed", "reason": "deadline"}
    assert registry.get_sample_value("triptych_job_reasons_total", reason) == 0


def test_a_job_is_counted_by_mode_status_and_each_reason_once(metrics, registry):
    metrics.observe(ended("degraded", "persona_lost", "evidence_failed", "evidence_failed"), nothing_known)
    metrics.observe(ended("failed", "deadline", mode=None), nothing_known)
    value = registry.get_sample_value
    assert value("triptych_jobs_total", {"mode": "parallel", "status": "degraded"}) == 1
    assert value("triptych_jobs_total", {"mode": "none", "status": "failed"}) == 1
    assert value("triptych_job_reasons_total", {"status": "degraded", "reason": "evidence_failed"}) == 1
    assert value("triptych_job_reasons_total", {"status": "degraded", "reason": "persona_lost"}) == 1
    assert value("triptych_job_reasons_total", {"status": "failed", "reason": "deadline"}) == 1


@pytest.mark.parametrize(("holds", "counted"), [(True, 1), (False, 0)])
def test_evidence_that_holds_is_counted_beside_all_jobs(metrics, registry, holds, counted):
    metrics.observe(ended("complete", evidence_ok=holds), nothing_known)
    assert registry.get_sample_value("triptych_jobs_evidence_ok_total", {"mode": "parallel"}) == counted


def test_latency_critical_path_and_time_saved_come_from_the_jobs_time_line(metrics, registry):
    events = parallel_job()
    metrics.observe(ended("complete"), lambda _: job_timings(events))
    value, mode = registry.get_sample_value, {"mode": "parallel"}
    assert value("triptych_job_duration_seconds_sum", mode) == 26.0
    # plan 0.2 + antithesis 10.8 + synthesis 14.2; all four steps 29.7
    assert value("triptych_job_critical_path_seconds_sum", mode) == pytest.approx(25.2, abs=0.05)
    assert value("triptych_job_sequential_seconds_total", mode) == pytest.approx(29.7, abs=0.05)
    assert value("triptych_job_saved_seconds_total", mode) == pytest.approx(3.7, abs=0.05)


def test_a_job_slower_than_its_steps_in_sequence_saved_nothing(metrics, registry):
    metrics.observe(ended("degraded", "persona_lost", total_ms=90_000), lambda _: job_timings(troubled_job()))
    assert registry.get_sample_value("triptych_job_saved_seconds_total", {"mode": "parallel"}) == 0


def test_a_job_whose_events_are_gone_still_has_its_latency(metrics, registry):
    metrics.observe(ended("complete"), nothing_known)
    assert registry.get_sample_value("triptych_job_duration_seconds_count", {"mode": "parallel"}) == 1
    assert registry.get_sample_value("triptych_job_critical_path_seconds_count", {"mode": "parallel"}) == 0


def test_what_is_not_an_end_asks_for_no_timings(metrics, registry):
    def never(end):
        raise AssertionError

    metrics.observe(submitted(), never)
    metrics.observe(planned(5), never)
    assert registry.get_sample_value("triptych_jobs_submitted_total") == 1


def test_no_series_names_a_job(metrics, registry):
    metrics.observe(ended("complete", tenant="acme"), lambda _: job_timings(parallel_job()))
    body = generate_latest(registry).decode()
    assert "job1" not in body
    assert "acme" not in body


def test_a_smoke_job_is_nobodys_work(metrics, registry):
    metrics.observe(submitted().model_copy(update={"tenant": "doctor"}), nothing_known)
    metrics.observe(ended("complete", tenant="doctor"), nothing_known)
    assert registry.get_sample_value("triptych_jobs_submitted_total") == 0
    assert registry.get_sample_value("triptych_jobs_total", {"mode": "parallel", "status": "complete"}) == 0
