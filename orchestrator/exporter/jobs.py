"""Jobs as metrics: every ended job is counted once, from the ledger. No label names a job, a tenant or a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from orchestrator.contracts.base import SMOKE_TENANT, Mode
from orchestrator.contracts.events import Event, JobEnd, JobSubmitted
from orchestrator.contracts.result import JobStatus, JobTimings, ReasonCode

SECONDS = (0.25, 0.5, 1, 2.5, 5, 7.5, 10, 12.5, 15, 18.5, 20, 25, 30, 45, 60, 90, 120, 180, 300)
"""18.5, 20 and 25 s are the targets that are asked about."""
NO_MODE = "none"
"""The mode of a job that ended before one was chosen."""
MODES: Sequence[str] = (*get_args(Mode), NO_MODE)
STATUSES: Sequence[str] = get_args(JobStatus)
REASONS: Sequence[str] = get_args(ReasonCode)


class JobMetrics:
    """Counts what the ledger says. Every series that can be is there from the start: a first failure is an increase."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._submitted = Counter("triptych_jobs_submitted", "Jobs accepted.", registry=registry)
        self._jobs = Counter(
            "triptych_jobs", "Jobs ended, by mode and status.", ("mode", "status"), registry=registry
        )
        self._reasons = Counter(
            "triptych_job_reasons",
            "Why jobs were degraded or failed; a job may have several reasons.",
            ("status", "reason"),
            registry=registry,
        )
        self._evidence_ok = Counter(
            "triptych_jobs_evidence_ok", "Jobs ended whose evidence holds.", ("mode",), registry=registry
        )
        self._duration = Histogram(
            "triptych_job_duration_seconds",
            "From a job's acceptance to its result.",
            ("mode",),
            buckets=SECONDS,
            registry=registry,
        )
        self._critical = Histogram(
            "triptych_job_critical_path_seconds",
            "The steps that decided when a job ended, added up.",
            ("mode",),
            buckets=SECONDS,
            registry=registry,
        )
        self._sequential = Counter(
            "triptych_job_sequential_seconds",
            "All steps of ended jobs, one after another.",
            ("mode",),
            registry=registry,
        )
        self._saved = Counter(
            "triptych_job_saved_seconds",
            "How much sooner jobs ended than their steps one after another would have.",
            ("mode",),
            registry=registry,
        )
        for mode in MODES:
            for status in STATUSES:
                self._jobs.labels(mode, status)
            for family in (self._evidence_ok, self._duration, self._critical, self._sequential, self._saved):
                family.labels(mode)
        for status in STATUSES[1:]:
            for reason in REASONS:
                self._reasons.labels(status, reason)

    def observe(self, event: Event, timings_of: Callable[[JobEnd], JobTimings]) -> None:
        """Count one event; most change nothing. ``timings_of`` is asked once per ended job."""
        if isinstance(event, JobSubmitted) and event.tenant != SMOKE_TENANT:
            self._submitted.inc()
        elif isinstance(event, JobEnd) and event.tenant != SMOKE_TENANT:
            self._ended(event, timings_of(event))

    def _ended(self, end: JobEnd, timings: JobTimings) -> None:
        mode = end.mode or NO_MODE
        self._jobs.labels(mode, end.status).inc()
        for code in {reason.code for reason in end.reasons}:
            self._reasons.labels(end.status, code).inc()
        if end.evidence_ok:
            self._evidence_ok.labels(mode).inc()
        self._duration.labels(mode).observe(max(0, end.total_ms) / 1_000)
        if timings.steps:
            self._critical.labels(mode).observe(timings.critical_path_ms / 1_000)
            self._sequential.labels(mode).inc(timings.sequential_ms / 1_000)
            self._saved.labels(mode).inc(max(0, timings.sequential_ms - end.total_ms) / 1_000)
