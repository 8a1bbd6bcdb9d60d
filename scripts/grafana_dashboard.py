"""Writes deploy/grafana/dashboard.json; ``--check`` only says whether it is current.

The panels are a table here, because a dashboard's JSON is nine parts layout to one part meaning.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboard.json"
WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Panel:
    """A graph (or, with ``stat``, one figure) of (expression, legend) pairs; ``line`` draws a target across it."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 8
    stat: bool = False
    line: float | None = None
    what: str = ""


@dataclass(frozen=True)
class Row:
    """A headline and the panels below it, left to right."""

    title: str
    panels: tuple[Panel, ...] = field(default=())


def rate(metric: str, by: str) -> str:
    """Write the per-second rate of a counter, summed by a label."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def quantile(q: float, metric: str, by: str) -> str:
    """Write a quantile of a histogram."""
    return f"histogram_quantile({q}, {rate(f'{metric}_bucket', f'le, {by}')})"


def mean(metric: str, by: str) -> str:
    """Write the mean of a histogram."""
    return f"{rate(f'{metric}_sum', by)} / {rate(f'{metric}_count', by)}"


def ratio(part: str, whole: str, by: str) -> str:
    """Write one counter's rate as a share of another's."""
    return f"{rate(part, by)} / {rate(whole, by)}"


TAKEN = "sum(triptych_leases_held)"
SLOTS = "sum(triptych_worker_slots)"
IN_TIME = 'triptych_job_duration_seconds_bucket{le="25.0"}'

ROWS = (
    Row("Now", (
        Panel("Jobs open", (("triptych_jobs_active", ""),), width=4, stat=True),
        Panel("Steps running", (("sum(triptych_steps_running)", ""),), width=4, stat=True),
        Panel("Messages waiting", (("sum(triptych_queue_messages)", ""),), width=4, stat=True),
        Panel("Slots taken", ((f"{TAKEN} / {SLOTS}", ""),), "percentunit", 4, stat=True),
        Panel("Overdue jobs", (("triptych_jobs_overdue", ""),), width=4, stat=True),
        Panel("Redis answers", (("triptych_redis_up", ""),), width=4, stat=True),
    )),
    Row("Jobs", (
        Panel("Jobs a second", (
            ("rate(triptych_jobs_submitted_total[$__rate_interval])", "accepted"),
            (rate("triptych_jobs_total", "mode, status"), "{{mode}} {{status}}"),
        )),
        Panel("Why degraded or failed", (
            (rate("triptych_job_reasons_total", "status, reason"), "{{status}}: {{reason}}"),
        )),
        Panel("Evidence holds", (
            (ratio("triptych_jobs_evidence_ok_total", "triptych_jobs_total", "mode"), "{{mode}}"),
        ), "percentunit", what="Share of all jobs, failed ones in the denominator."),
    )),
    Row("Latency", (
        Panel("Mean, end to end", ((mean("triptych_job_duration_seconds", "mode"), "{{mode}}"),), "s", line=20),
        Panel("p50 and p95, end to end", (
            (quantile(0.5, "triptych_job_duration_seconds", "mode"), "{{mode}} p50"),
            (quantile(0.95, "triptych_job_duration_seconds", "mode"), "{{mode}} p95"),
        ), "s", line=25),
        Panel("Jobs over 25 s", (
            (f"1 - {ratio(IN_TIME, 'triptych_job_duration_seconds_count', 'mode')}", "{{mode}}"),
        ), "percentunit"),
        Panel("Critical path, mean", ((mean("triptych_job_critical_path_seconds", "mode"), "{{mode}}"),), "s",
              what="What end to end has beyond it was spent between steps."),
        Panel("Time saved against the steps in sequence", (
            (ratio("triptych_job_saved_seconds_total", "triptych_job_sequential_seconds_total", "mode"), "{{mode}}"),
        ), "percentunit"),
        Panel("Time saved a job", (
            (ratio("triptych_job_saved_seconds_total", "triptych_job_duration_seconds_count", "mode"), "{{mode}}"),
        ), "s"),
    )),
    Row("Queues", (
        Panel("Messages waiting", (("triptych_queue_messages", "{{queue}}"),)),
        Panel("Oldest message", (("triptych_queue_oldest_seconds", "{{queue}}"),), "s", line=60),
        Panel("Steps running", (("triptych_steps_running", "{{step}}"),)),
        Panel("Wait before a step, p95", ((quantile(0.95, "triptych_step_queued_seconds", "step"), "{{step}}"),), "s"),
        Panel("Slots", ((TAKEN, "taken"), (SLOTS, "there are"))),
        Panel("Jobs under way", (("triptych_jobs_active", "under way"), ("triptych_jobs_max", "may be"))),
        Panel("Paused", (("triptych_queue_paused", "{{queue}}"),)),
        Panel("Mode switched by hand", (("triptych_mode_switched", "{{mode}}"),)),
    )),
    Row("Rollout", (
        Panel("Share in the new mode", (("triptych_rollout_share / 100", "share"),), "percentunit"),
        Panel("Guard: E", (("triptych_rollout_evidence", "E"),), line=20,
              what="From 20 on the rollout is rolled back."),
        Panel("Jobs and failures", (
            ("triptych_rollout_jobs", "{{side}} jobs"),
            ("triptych_rollout_failures", "{{side}} failures"),
        )),
    )),
    Row("Steps and models", (
        Panel("Step, p50", ((quantile(0.5, "triptych_step_duration_seconds", "step"), "{{step}}"),), "s"),
        Panel("Step, p95", ((quantile(0.95, "triptych_step_duration_seconds", "step"), "{{step}}"),), "s"),
        Panel("Failed steps", ((rate("triptych_step_failures_total", "provider, kind"), "{{provider}} {{kind}}"),)),
        Panel("Model calls a second", ((rate("triptych_model_calls_total", "provider"), "{{provider}}"),)),
        Panel("Tokens a second", (
            (rate("triptych_model_tokens_total", "provider, direction"), "{{provider}} {{direction}}"),
        )),
        Panel("Sent again and thrown away", (
            (rate("triptych_steps_recovered_total", "step"), "{{step}} sent again"),
            (rate("triptych_leases_lost_total", "why"), "attempt {{why}}"),
        )),
    )),
    Row("Models' endpoints", (
        Panel("Wait at the gate, p95", (
            (quantile(0.95, "triptych_model_wait_seconds", "provider, why"), "{{provider}} {{why}}"),
        ), "s", what="Of calls that had to wait: for a pause, a breaker, a free place, or their turn in the minute."),
        Panel("Retries a second", ((rate("triptych_model_retries_total", "provider, kind"), "{{provider}} {{kind}}"),)),
        Panel("Fallbacks a second", (
            (rate("triptych_model_fallbacks_total", "provider, kind"), "{{provider}} {{kind}}"),
        ), what="By the provider that could not answer, and why."),
        Panel("Backups of late calls a second", (
            (rate("triptych_model_backups_total", "provider, outcome"), "{{provider}} {{outcome}}"),
        ), what="Calls that were late with their first word, by what became of their backup."),
        Panel("Breakers open", (("triptych_endpoints_open", "{{provider}}"),)),
        Panel("Models that asked for a pause", (("triptych_endpoints_cooling", "{{provider}}"),)),
        Panel("Pauses and breakers, changes a second", (
            (rate("triptych_endpoint_changes_total", "provider, change"), "{{provider}} {{change}}"),
        )),
    )),
    Row("HTTP API", (
        Panel("Requests a second", ((rate("triptych_api_requests_total", "status"), "{{status}}"),), width=6),
        Panel("Wait for an answer, p95", (
            (quantile(0.95, "triptych_api_request_seconds", "route"), "{{route}}"),
        ), "s", 6),
        Panel("Problems a second", ((rate("triptych_api_problems_total", "code"), "{{code}}"),), width=6),
        Panel("Under way", (
            ("sum(triptych_api_requests_under_way)", "requests"),
            ("sum(triptych_api_streams_open)", "of these streams"),
        ), width=6),
    )),
    Row("Redis, ledger, workers", (
        Panel("Redis' memory", (
            ("triptych_redis_memory_used_bytes", "used"),
            ("triptych_redis_memory_max_bytes", "limit"),
        ), "bytes"),
        Panel("Ledger's stream", (("triptych_ledger_entries", "entries"),)),
        Panel("Ledger: waits for the archive", (
            ("triptych_ledger_unarchived_entries", "entries"),
            ("triptych_ledger_backlog_entries", "new jobs are refused from here"),
        )),
        Panel("Ledger: longest wait for the archive", (("triptych_ledger_unarchived_seconds", "age"),), "s", line=120),
        Panel("Jobs refused a second", ((rate("triptych_jobs_refused_total", "bound"), "{{bound}}"),)),
        Panel("Since the last sweep", (("triptych_sweep_age_seconds", "age"),), "s", line=30),
        Panel("Sweeps a second; frames dropped", (
            ("sum(rate(triptych_sweeps_total[$__rate_interval]))", "sweeps"),
            ("sum(rate(triptych_live_frames_dropped_total[$__rate_interval]))", "live frames dropped"),
            ("rate(triptych_ledger_unreadable_total[$__rate_interval])", "unreadable ledger entries"),
        )),
        Panel("Workers by version", (("count by (version) (triptych_build_info)", "{{version}}"),)),
    )),
)  # fmt: skip


def dashboard() -> dict[str, Any]:
    """Lay the rows out as Grafana has it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row in ROWS:
        panels.append(
            {
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "panels": [],
                "gridPos": _place(0, top, WIDTH, 1),
            }
        )
        left, top = 0, top + 1
        height = 4 if row.panels[0].stat else 8
        for panel in row.panels:
            if left + panel.width > WIDTH:
                left, top = 0, top + height
            panels.append(_panel(panel, _place(left, top, panel.width, height)))
            left += panel.width
        top += height
    return {
        "uid": "triptych",
        "title": "Triptych",
        "tags": ["triptych"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, start=1)],
    }


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    custom: dict[str, Any] = {} if panel.stat else {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never"}
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.line is not None:
        steps.append({"color": "red", "value": panel.line})
        custom["thresholdsStyle"] = {"mode": "line"}
    return {
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "description": panel.what,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": custom,
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": expression,
                "legendFormat": legend,
                "datasource": SOURCE,
            }
            for number, (expression, legend) in enumerate(panel.queries)
        ],
    }


def _place(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def text() -> str:
    """Write the whole file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main() -> int:
    """Write the file, or with ``--check`` compare it: 0 where it is current, 1 where not."""
    if "--check" not in sys.argv[1:]:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text():
        return 0
    print(f"{FILE.name} is not current; run: python scripts/grafana_dashboard.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
