"""Alert rules and dashboard against the code: every expression parses, every metric and label in it is exported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from orchestrator.api.metrics import ApiMetrics
from orchestrator.broker import ALL_QUEUES
from orchestrator.contracts import Usage
from orchestrator.contracts.events import StepEnd, StepStart
from orchestrator.exporter.fleet import families, gauge
from orchestrator.exporter.jobs import JobMetrics
from orchestrator.exporter.rollout import rolled
from orchestrator.exporter.sample import FleetSample, QueueSample
from orchestrator.exporter.serving import new_registry
from orchestrator.exporter.tail import LedgerTail
from orchestrator.store import connect
from orchestrator.store.rollouts import Rollout
from tests.unit.rollout.cases import GOING, NOW, spec
from workers.metrics import WorkerMetrics

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy/prometheus/rules/triptych.yml"
RULE_TESTS = sorted((ROOT / "deploy/prometheus/tests").glob("*.yml"))
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
GUIDE = ROOT / "docs/operations.md"

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (it comes with Prometheus)"
)


ROLLOUT = Rollout(spec(), GOING, {}, 0, NOW)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> dict[str, str]:
    found = {f"alert {rule['alert']}": rule["expr"] for rule in alerts()}
    for panel in panels():
        for target in panel["targets"]:
            found[f"panel {panel['id']} {panel['title']} {target['refId']}"] = target["expr"]
    return found


@cache
def exported() -> dict[str, set[str]]:
    """Every series that some process exports, with its labels, read from the code that exports it."""
    names: dict[str, set[str]] = {}
    for metric in _metrics():
        for sample in metric.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def _metrics() -> Iterator[Metric]:
    worker = WorkerMetrics(leases_held=lambda: 0, slots=1)
    worker.expect(["openai"])
    common: dict[str, Any] = {"event_id": "0" * 32, "task_id": "a", "step": "thesis"}
    worker.observe(StepStart(**common, event="thesis_start", queued_ms=1))
    worker.observe(
        StepEnd(
            **common, event="thesis_end", status="failed", duration_ms=1, kind="auth", provider="openai",
            usage=Usage(calls=1),
        )
    )  # fmt: skip
    yield from worker.registry.collect()
    jobs = new_registry()
    LedgerTail(connect("redis://127.0.0.1:1/0"), jobs)  # makes its metrics; connects to nothing yet
    yield from jobs.collect()
    yield from families(FleetSample(1, {"plan": QueueSample(1, 1.0)}, {"plan": 1}), {}, None)
    yield from rolled(ROLLOUT)
    api = ApiMetrics()
    api.answered("/healthz", "GET", 200, 0.001)
    yield from api.registry.collect()
    yield gauge("triptych_redis_up", "", 1)
    yield gauge("triptych_sweep_age_seconds", "", 1)


SERIES = re.compile(r"\b(triptych_[a-z_]+)(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


@pytest.mark.parametrize("where", sorted(expressions()))
def test_every_metric_and_label_in_use_is_exported(where):
    expression = expressions()[where]
    used = SERIES.findall(expression)
    assert used, "an expression over nothing of ours"
    for name, selector in used:
        assert name in exported(), f"nobody exports {name}"
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert labels <= exported()[name], f"{name} has no label {labels - exported()[name]}"
    known = set().union(*(exported()[name] for name, _ in used))
    for group in GROUPING.findall(expression):
        labels = {label.strip() for label in group.split(",")}
        assert labels <= known, f"no series here has {labels - known}"


def test_label_values_in_use_are_among_those_that_exist():
    values = {
        (sample.name, label, value)
        for metric in _metrics()
        for sample in metric.samples
        for label, value in sample.labels.items()
    }
    for where, expression in expressions().items():
        for name, selector in SERIES.findall(expression):
            for label, wanted in re.findall(r'(\w+)(?:=~|!=|=)"([^"]*)"', selector):
                for value in wanted.split("|"):
                    assert (name, label, value) in values, (
                        f"{where}: {name}{{{label}={value!r}}} never exists"
                    )


def test_every_metric_is_looked_at_by_somebody():
    used = {name for expression in expressions().values() for name, _ in SERIES.findall(expression)}
    ours = {name for name in exported() if name.startswith("triptych_")}
    histograms = {name.removesuffix("_bucket") for name in ours if name.endswith("_bucket")}
    families_in_use = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    plain = {
        name
        for name in ours
        if not any(name in (f"{h}_bucket", f"{h}_sum", f"{h}_count") for h in histograms)
    }
    assert (plain | histograms) - families_in_use == set()


def test_every_alert_has_a_severity_a_summary_and_a_section_in_the_guide():
    guide = GUIDE.read_text()
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"]
        assert f"\n### {rule['alert']}\n" in guide, (
            f"docs/operations.md does not say what to do on {rule['alert']}"
        )


def test_the_guide_has_no_section_for_an_alert_that_is_gone():
    named = set(re.findall(r"^### (Triptych\w+)$", GUIDE.read_text(), re.MULTILINE))
    assert named == {rule["alert"] for rule in alerts()}


def test_every_alert_is_tested_firing():
    cases = [case for file in RULE_TESTS for case in yaml.safe_load(file.read_text())["tests"]]
    fired = {check["alertname"] for case in cases for check in case["alert_rule_test"] if check["exp_alerts"]}
    assert fired == {rule["alert"] for rule in alerts()}


@promtool
def test_the_rules_fire_where_they_should_and_nowhere_else():
    done = subprocess.run(
        ["promtool", "test", "rules", *map(str, RULE_TESTS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_promtool_parses_every_expression(tmp_path: Path):
    rules = [
        {"record": f"x:{number}".replace(":", ":n"), "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions().values())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_the_one_that_the_script_writes():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/grafana_dashboard.py"), "--check"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_no_two_panels_lie_on_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_registries_of_jobs_and_workers_do_not_share_a_name():
    jobs = CollectorRegistry()
    JobMetrics(jobs)
    ours = {metric.name for metric in jobs.collect()}
    theirs = {metric.name for metric in WorkerMetrics(leases_held=lambda: 0, slots=1).registry.collect()}
    assert ours & theirs == set()
    assert set(ALL_QUEUES) == {"plan", "thesis", "antithesis", "synthesis", "judge"}, (
        "name it in the dashboard"
    )
