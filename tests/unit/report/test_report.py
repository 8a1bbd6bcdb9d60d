"""The report: honest figures per mode, and verdicts that no lack of data can turn into a pass."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats

from orchestrator.cli.look import report as fleet_report
from orchestrator.contracts import Reason
from orchestrator.contracts.events import Event, JobEnd
from orchestrator.report import Criteria, FleetReport, ModeReport, Tally, criteria, summarise
from orchestrator.report.criteria import Rate, difference_bounds, evidence_kept, wilson
from orchestrator.report.summary import percentile
from orchestrator.store.archive import archive_in
from orchestrator.store.source import EventSource
from tests.unit.timeline.ledger_of import ACCEPTED, event_id, parallel_job, submitted

NOW = ACCEPTED + 3_600_000


def ended(
    seconds: float = 15.0, *, mode: Any = "parallel", status: Any = "complete", ok: bool = True, why: Sequence[Any] = ()
) -> JobEnd:  # fmt: skip
    return JobEnd(
        event_id=event_id(), task_id="job1", at_ms=ACCEPTED, status=status, mode=mode, evidence_ok=ok,
        total_ms=int(seconds * 1_000), reasons=tuple(Reason(code=code) for code in why),
    )  # fmt: skip


def report(*events: Event) -> FleetReport:
    return summarise(events, until_ms=NOW)


def mode(found: FleetReport, name: str = "parallel") -> ModeReport:
    return next(m for m in found.modes if m.mode == name)


def verdicts(found: ModeReport) -> dict[str, str]:
    return {criterion.name: criterion.verdict for criterion in found.criteria}


def jobs(count: int, seconds: float = 15.0, **more: Any) -> list[Event]:
    return [ended(seconds, **more) for _ in range(count)]


def test_no_jobs_at_all_is_never_a_pass():
    found = report()
    assert [m.mode for m in found.modes] == ["sequential", "parallel"]
    assert verdicts(mode(found)) == {
        "mean_latency_s": "too_few", "evidence_kept": "too_few", "max_latency_s": "too_few"
    }  # fmt: skip
    assert verdicts(mode(found, "sequential"))["mean_latency_s"] == "too_few"
    assert mode(found).mean_s is None
    assert mode(found).evidence_rate is None


@pytest.mark.parametrize(
    ("count", "seconds", "verdict"),
    [
        (19, 15.0, "too_few"),
        (20, 15.0, "met"),
        (20, 20.0, "met"),
        (20, 20.001, "missed"),
        (19, 400.0, "too_few"),
    ],
)
def test_mean_latency(count, seconds, verdict):
    assert verdicts(mode(report(*jobs(count, seconds))))["mean_latency_s"] == verdict


@pytest.mark.parametrize(
    ("times", "verdict"),
    [
        ([15.0] * 19, "too_few"),
        ([15.0] * 19 + [25.0], "met"),
        ([15.0] * 19 + [25.001], "missed"),
        ([25.001], "missed"),
    ],
)
def test_the_longest_job_misses_at_once_and_passes_only_with_enough(times, verdict):
    assert verdicts(mode(report(*(ended(s) for s in times))))["max_latency_s"] == verdict


def test_a_job_that_lost_a_persona_is_not_fast():
    found = mode(
        report(
            *jobs(20, 30.0),
            *jobs(20, 1.0, status="degraded", why=["persona_lost"]),
            *jobs(20, 1.0, status="failed", why=["all_personas_lost"]),
        )
    )
    assert (found.jobs, found.measured) == (60, 20)
    assert found.mean_s == 30.0
    assert verdicts(found)["mean_latency_s"] == "missed"


def test_a_job_degraded_by_its_evidence_alone_did_all_its_work_and_is_measured():
    assert mode(report(ended(12.0, status="degraded", ok=False, why=["evidence_failed"]))).measured == 1


def test_a_job_that_failed_at_its_deadline_counts_as_the_longest():
    found = mode(report(*jobs(20), ended(180.0, status="failed", ok=False, why=["deadline"])))
    assert found.max_s == 180.0
    assert verdicts(found)["max_latency_s"] == "missed"
    assert found.mean_s == 15.0


def test_failures_stand_in_the_denominator_of_the_evidence_rate():
    found = mode(report(*jobs(3), ended(status="failed", ok=False, why=["all_personas_lost"])))
    assert (found.evidence_ok, found.jobs, found.evidence_rate) == (3, 4, 0.75)


def test_a_failed_job_does_not_pass_by_the_evidence_of_what_it_had():
    assert mode(report(ended(status="failed", ok=True, why=["partial_refused"]))).evidence_ok == 0


def test_cancelled_jobs_are_their_callers_wish_and_count_nowhere():
    found = mode(report(*jobs(20), ended(500.0, status="failed", ok=False, why=["cancelled"])))
    assert (found.jobs, found.cancelled, found.failed) == (20, 1, 0)
    assert verdicts(found)["max_latency_s"] == "met"
    assert found.evidence_rate == 1.0


@pytest.mark.parametrize(
    ("parallel", "sequential", "verdict"),
    [
        ((200, 200), (200, 200), "met"),
        ((196, 200), (196, 200), "met"),
        ((20, 20), (20, 20), "too_few"),  # 100 % of 20 may still be 10 points worse
        ((51, 51), (20, 20), "too_few"),
        ((52, 52), (20, 20), "met"),
        ((200, 200), (0, 0), "too_few"),
        ((0, 0), (200, 200), "too_few"),
        ((180, 200), (200, 200), "missed"),
        ((5, 10), (200, 200), "missed"),
        ((200, 200), (150, 200), "met"),
        ((2000, 2000), (19, 19), "too_few"),
    ],
)
def test_the_evidence_pass_rate_against_sequential(parallel, sequential, verdict):
    assert evidence_kept(Rate(*parallel), Rate(*sequential), Criteria()).verdict == verdict


def test_sequential_is_the_reference_and_passes_nothing_by_being_it():
    found = report(*jobs(50, mode="sequential"))
    assert verdicts(mode(found, "sequential"))["evidence_kept"] == "reference"
    assert verdicts(mode(found))["evidence_kept"] == "too_few"


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_rates_interval_is_wilsons(counts):
    hits, count = counts
    ours = wilson(Rate(hits, count))
    theirs = stats.binomtest(hits, count).proportion_ci(confidence_level=0.90, method="wilson")
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-4)


@pytest.mark.parametrize(
    ("a", "b", "published"),
    # Newcombe 1998, table II, method 10, two-sided 95 %.
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
    ],
)
def test_the_differences_interval_is_newcombes(monkeypatch, a, b, published):
    monkeypatch.setattr(criteria, "ONE_SIDED_95", 1.959964)
    assert difference_bounds(Rate(*a), Rate(*b)) == pytest.approx(published, abs=1e-4)


@given(st.integers(0, 60), st.integers(0, 60))
def test_no_verdict_is_met_on_fewer_jobs_than_the_least(hits, count):
    hits = min(hits, count)
    found = evidence_kept(Rate(hits, count), Rate(5, 5), Criteria())
    assert found.verdict in ("too_few", "missed")


def test_percentiles_are_nearest_rank():
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 95), percentile([7.0], 95)) == (50.0, 95.0, 7.0)
    assert percentile([], 50) is None


def test_an_end_that_the_ledger_has_twice_counts_once():
    one = ended()
    assert mode(report(one, one)).jobs == 1


def test_reasons_are_counted_per_job_and_accepted_jobs_are_told():
    found = report(
        submitted(), ended(status="degraded", why=["persona_lost", "persona_lost", "evidence_failed"])
    )
    assert mode(found).reasons == {"evidence_failed": 1, "persona_lost": 1}
    assert found.submitted == 1


def test_jobs_that_ended_before_a_mode_was_chosen_have_a_line_of_their_own():
    assert mode(report(ended(mode=None, status="failed", ok=False, why=["plan_failed"])), "none").failed == 1


def test_the_json_is_the_whole_report():
    found = json.loads(report(*jobs(2)).model_dump_json())
    assert set(found) == {"since_ms", "until_ms", "submitted", "modes"}
    assert found["modes"][1]["criteria"][0]["verdict"] == "too_few"


def test_people_get_figures_and_a_reason_for_each_verdict():
    out = io.StringIO()
    found = report(*jobs(25, 30.0), ended(status="failed", ok=False, why=["deadline"]))
    fleet_report.show(found, "24h", Console(file=out, width=200))
    text = out.getvalue()
    assert "MISSED" in text
    assert "mean of 25 jobs 30.00 s, over 20 s" in text
    assert "no sequential jobs to compare with" in text
    assert "deadline 1" in text


def test_a_report_that_goes_on_reads_each_event_once_and_drops_what_is_too_old():
    tally = Tally()
    tally.add([submitted(), ended(mode="parallel")])
    again = ended(mode="parallel")
    tally.add([again, again])
    found = tally.report(until_ms=NOW)
    assert (found.submitted, mode(found).jobs) == (1, 2)
    assert tally.latest_ms == ACCEPTED
    tally.forget(ACCEPTED + 1)
    found = tally.report(until_ms=NOW)
    assert (found.submitted, mode(found).jobs) == (0, 0)


def test_the_first_look_at_a_ledger_finds_beginnings_and_ends_and_later_ones_what_is_new():
    there: list[Event] = [submitted(), ended()]
    asked: list[tuple[str, int]] = []

    class Source:
        def milestones(self, *, since_ms: int, begun: bool) -> list[Event]:
            asked.append(("milestones", since_ms))
            assert begun
            return there

        def events(self, *, since_ms: int) -> list[Event]:
            asked.append(("events", since_ms))
            return there

    looks = fleet_report.reports(cast("EventSource", Source()), "2020-01-01")
    first = next(looks)
    assert first.since_ms is not None
    assert (first.submitted, mode(first).jobs) == (1, 1)
    there.append(ended())
    assert mode(next(looks)).jobs == 2
    assert asked == [("milestones", first.since_ms), ("events", ACCEPTED)]


def test_a_smoke_job_is_nobodys_work():
    found = report(
        submitted().model_copy(update={"tenant": "doctor"}), ended().model_copy(update={"tenant": "doctor"})
    )
    assert (found.submitted, mode(found).jobs) == (0, 0)


def test_the_table_fits_a_terminal_of_80_columns():
    out = io.StringIO()
    fleet_report.show(
        report(*jobs(25, 180.0), *jobs(25, 30.0, mode="sequential")), "24h", Console(file=out, width=80)
    )
    table = out.getvalue().splitlines()[1:4]
    assert table[0].split()[-1] == "longest"
    assert [row.split()[0] for row in table[1:]] == ["sequential", "parallel"]
    assert "…" not in "".join(table)


def test_the_command_reads_this_machines_ledger(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    batch = [(f"{e.at_ms}-{i}", e.model_dump_json()) for i, e in enumerate(parallel_job())]
    archive_in(tmp_path).append("s", batch)
    fleet_report.command(since="2020-01-01", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [m["jobs"] for m in found["modes"]] == [0, 1]
    fleet_report.command(since="1s", as_json=True)
    assert [m["jobs"] for m in json.loads(capsys.readouterr().out)["modes"]] == [0, 0]
