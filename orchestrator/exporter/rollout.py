"""The staged rollout as gauges: its phase, its share, the guard's E, and both sides' jobs. No label names a rollout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric

from orchestrator.contracts.rollout import Phase
from orchestrator.rollout.decide import read
from orchestrator.rollout.moving import share_in_force
from orchestrator.store.rollouts import Rollout

PHASES: tuple[Phase, ...] = get_args(Phase)


def rolled(rollout: Rollout | None) -> Iterator[Metric]:
    """Lay a rollout out; where there is none it is in no phase, and has no figures."""
    phases = GaugeMetricFamily(
        "triptych_rollout_phase", "Whether the rollout in force is in this phase.", labels=("phase",)
    )
    for phase in PHASES:
        phases.add_metric([phase], float(rollout is not None and rollout.status.phase == phase))
    yield phases
    if rollout is None:
        return
    spec, status = rollout.spec, rollout.status
    yield GaugeMetricFamily(
        "triptych_rollout_share",
        "Percent of the eligible jobs that run in the new mode.",
        value=share_in_force(spec, status),
    )
    yield GaugeMetricFamily(
        "triptych_rollout_evidence",
        "The guard's E: how much speaks for the new mode failing more often.",
        value=read(spec, status.stage, rollout.tallies).evidence,
    )
    jobs = GaugeMetricFamily(
        "triptych_rollout_jobs", "Jobs counted for the rollout, by side.", labels=("side",)
    )
    failures = GaugeMetricFamily("triptych_rollout_failures", "And those that failed.", labels=("side",))
    stages = rollout.tallies.values()
    for side, arms in (("canary", [s.canary for s in stages]), ("control", [s.control for s in stages])):
        jobs.add_metric([side], sum(arm.jobs for arm in arms))
        failures.add_metric([side], sum(arm.failures for arm in arms))
    yield from (jobs, failures)
