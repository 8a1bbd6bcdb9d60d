"""What one worker process exports: its steps, its model calls, its leases. Fed by the ledger events it writes.

Nothing is read for a metric that was not at hand: the store hands over each event once it is written, which costs a
few microseconds a step. Labels are bounded: steps, statuses, providers, error kinds; never a job or a tenant.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram, ProcessCollector

from orchestrator import __version__
from orchestrator.contracts.base import PROTOCOL
from orchestrator.contracts.events import KnownEvent, LeaseLost, StepEnd, StepRecovered, StepStart, Stopped
from orchestrator.contracts.persona import ErrorKind
from orchestrator.exporter.sample import STEPS
from orchestrator.exporter.serving import new_registry
from workers.model_metrics import ModelMetrics

STEP_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 60, 120, 300)
QUEUE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)
PROVIDERS = frozenset({"openai", "anthropic", "extractive"})
NO_PROVIDER = "none"
"""The provider of a step that called no model."""


class WorkerMetrics:
    """One process's metrics. Threads may share it."""

    def __init__(self, *, leases_held: Callable[[], int], slots: int) -> None:
        self.registry = new_registry()
        registry = self.registry
        ProcessCollector(registry=registry)
        self._step_seconds = Histogram(
            "triptych_step_duration_seconds",
            "Steps whose output was stored, by step and status.",
            ("step", "status"),
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self._queued_seconds = Histogram(
            "triptych_step_queued_seconds",
            "How long a step's message had waited when its first attempt began.",
            ("step",),
            buckets=QUEUE_SECONDS,
            registry=registry,
        )
        self._calls = Counter(
            "triptych_model_calls", "Requests that reached a model.", ("provider",), registry=registry
        )
        self._tokens = Counter(
            "triptych_model_tokens",
            "Tokens as the endpoint counted them; cached ones are part of the input, estimated ones it did not count.",
            ("provider", "direction"),
            registry=registry,
        )
        self._failures = Counter(
            "triptych_step_failures",
            "Persona steps that failed or timed out, by provider and kind of error.",
            ("provider", "kind"),
            registry=registry,
        )
        self._recovered = Counter(
            "triptych_steps_recovered", "Steps that a sweep sent again.", ("step",), registry=registry
        )
        self._lost = Counter(
            "triptych_leases_lost",
            "Attempts thrown away: another worker took the step over, or the job was cancelled.",
            ("why",),
            registry=registry,
        )
        self.models = ModelMetrics(registry)
        self.sweeps = Counter("triptych_sweeps", "Recovery sweeps this process ran.", registry=registry)
        self.live_dropped = Counter(
            "triptych_live_frames_dropped",
            "Frames of live text that could not be published.",
            registry=registry,
        )
        held = Gauge("triptych_leases_held", "Steps this process is running.", registry=registry)
        held.set_function(leases_held)
        Gauge("triptych_worker_slots", "Steps this process can run at a time.", registry=registry).set(slots)
        build = Gauge(
            "triptych_build_info",
            "1, labelled with what runs here.",
            ("version", "protocol", "python"),
            registry=registry,
        )
        build.labels(__version__, str(PROTOCOL), platform.python_version()).set(1)
        # A counter that appears with its first failure shows no increase: these are there from the start.
        for why in get_args(Stopped):
            self._lost.labels(why)
        for step in STEPS:
            self._recovered.labels(step)

    def expect(self, providers: Iterable[str]) -> None:
        """Show the series of these providers from the start."""
        for provider in providers:
            self._calls.labels(provider)
            self.models.expect(provider)
            for kind in get_args(ErrorKind):
                self._failures.labels(provider, kind)

    def observe(self, event: KnownEvent) -> None:
        """Count one event that was stored; most change nothing."""
        if isinstance(event, StepEnd):
            self._ended(event)
        elif isinstance(event, StepStart):
            if event.queued_ms is not None:
                self._queued_seconds.labels(_step(event)).observe(event.queued_ms / 1_000)
        elif isinstance(event, StepRecovered):
            self._recovered.labels(_step(event)).inc()
        elif isinstance(event, LeaseLost):
            self._lost.labels(event.why).inc()
            self._paid(event)

    def _ended(self, event: StepEnd) -> None:
        self._step_seconds.labels(_step(event), event.status).observe(event.duration_ms / 1_000)
        provider = event.provider if event.provider in PROVIDERS else NO_PROVIDER
        if event.kind is not None:
            self._failures.labels(provider, event.kind).inc()
        self._paid(event)

    def _paid(self, event: StepEnd | LeaseLost) -> None:
        provider = event.provider if event.provider in PROVIDERS else NO_PROVIDER
        usage = event.usage
        if usage.calls:
            self._calls.labels(provider).inc(usage.calls)
            self._tokens.labels(provider, "input").inc(usage.input_tokens)
            self._tokens.labels(provider, "cached").inc(usage.cached_tokens)
            self._tokens.labels(provider, "output").inc(usage.output_tokens)
            self._tokens.labels(provider, "estimated").inc(usage.estimated_tokens)


def _step(event: StepStart | StepEnd | StepRecovered) -> str:
    return (event.step or event.event.rpartition("_")[0]).partition(":")[0]
