"""A time line from ledger events, whatever state the ledger is in."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Note
from orchestrator.contracts.events import LeaseLost, StepRecovered, UnknownEvent
from orchestrator.timeline import Row, Timeline, job_timings, timeline
from tests.unit.timeline.ledger_of import (
    ACCEPTED,
    end,
    event_id,
    job_end,
    late_critic_job,
    parallel_job,
    pipelined_job,
    planned,
    start,
    submitted,
    troubled_job,
)


def row(line: Timeline, step: str, attempt: int = 1) -> Row:
    return next(r for r in line.rows if (r.step, r.attempt) == (step, attempt))


def test_a_parallel_job_is_laid_out_from_its_acceptance():
    line = timeline(parallel_job())
    assert (line.task_id, line.mode, line.status) == ("job1", "parallel", "complete")
    assert line.accepted_at_ms == ACCEPTED
    assert [(r.step, r.start_ms, r.end_ms) for r in line.rows] == [
        ("plan", 20, 220),
        ("thesis", 250, 4_750),
        ("antithesis_standalone", 900, 11_700),
        ("synthesis", 11_760, 25_960),
    ]
    antithesis = row(line, "antithesis_standalone")
    assert (antithesis.queued_ms, antithesis.first_token_ms) == (660, 720)
    assert (antithesis.worker, antithesis.process_id, antithesis.thread_id) == ("w2@host", 42, 7)


def test_the_critical_path_is_the_chain_that_determined_the_end():
    line = timeline(parallel_job())
    assert [r.step for r in line.rows if r.critical] == ["plan", "antithesis_standalone", "synthesis"]
    assert line.total_ms == 26_000
    assert line.critical_path_ms == 200 + 10_800 + 14_200
    assert line.sequential_ms == 200 + 4_500 + 10_800 + 14_200
    assert line.saved_ms == line.sequential_ms - 26_000


def test_of_a_pipelined_job_the_path_leads_through_the_thesis_as_far_as_its_claim():
    line = timeline(pipelined_job())
    assert [r.step for r in line.rows if r.critical] == [
        "plan", "thesis", "rebuttal:2", "resolution:2", "synthesis",
    ]  # fmt: skip
    assert line.critical_path_ms == 200 + (2_300 - 250) + 3_000 + 3_000 + 2_000
    assert line.saved_ms == line.sequential_ms - line.total_ms > 8_000
    assert line.at_once == 4


def test_a_sequential_job_saves_nothing_and_all_of_it_is_critical():
    line = timeline([
        submitted(), start("plan", 10), end("plan", 110, 100), start("thesis", 130), end("thesis", 630, 500),
        start("antithesis", 640), end("antithesis", 1_640, 1_000), start("synthesis", 1_660),
        end("synthesis", 3_060, 1_400), job_end(3_070),
    ])  # fmt: skip
    assert all(r.critical for r in line.rows)
    assert line.saved_ms == 0


def test_a_lost_attempt_counts_on_the_critical_path_but_not_as_a_step():
    line = timeline(troubled_job())
    lost = row(line, "antithesis_standalone", 1)
    assert (lost.status, lost.end_ms, lost.last, lost.critical) == ("lost", 9_500, False, True)
    assert row(line, "antithesis_standalone", 2).critical
    assert not row(line, "thesis").critical
    assert line.sequential_ms == 200 + 2_750 + 10_800 + 10_650


@pytest.mark.parametrize("attempt", [1, None])
def test_a_loss_ends_the_attempt_when_it_was_noticed(attempt):
    lost = LeaseLost(
        event_id=event_id(),
        task_id="job1",
        at_ms=ACCEPTED + 900,
        step="thesis",
        attempt=attempt,
        why="lost",
    )
    recovered = StepRecovered(event_id=event_id(), task_id="job1", at_ms=ACCEPTED + 1_100, step="thesis")
    line = timeline([submitted(), start("thesis", 100), lost, recovered, start("thesis", 1_500, attempt=2)])
    assert (row(line, "thesis").status, row(line, "thesis").end_ms) == ("lost", 900)
    assert row(line, "thesis", 2).status == "running"


def test_a_running_job_is_cut_at_its_last_event_or_now():
    events = parallel_job()[:6]
    assert timeline(events).total_ms == 900
    line = timeline(events, now_ms=ACCEPTED + 3_000)
    assert (line.status, line.total_ms) == ("running", 3_000)
    assert (row(line, "thesis").status, row(line, "thesis").end_ms) == ("running", 3_000)


def test_a_step_that_outlives_the_job_did_not_determine_its_end():
    late = [*parallel_job(), end("thesis", 30_000, 1, attempt=9)]
    line = timeline(late)
    assert line.total_ms == 26_000
    assert not row(line, "thesis", 9).critical
    assert row(line, "synthesis").critical


def test_a_lost_step_is_not_critical_where_the_synthesis_went_on_without_it():
    events = [e for e in parallel_job() if getattr(e, "event", "") != "thesis_end"]
    line = timeline(events)
    assert row(line, "thesis").status == "lost"
    assert [r.step for r in line.rows if r.critical] == ["plan", "antithesis_standalone", "synthesis"]


def test_a_critic_that_the_merge_did_not_wait_for_is_late_and_not_lost():
    line = timeline(late_critic_job())
    assert (row(line, "critic").status, row(line, "critic").end_ms) == ("late", 10_900)
    assert not row(line, "critic").critical
    assert line.total_ms == 10_430
    unheard = timeline(late_critic_job(Note(code="one_claim")))
    assert row(unheard, "critic").status == "lost", "nothing says that it was only late"


def test_an_attempt_before_the_late_one_was_lost():
    again = start("critic", 5_000, attempt=2)
    line = timeline([*late_critic_job(), again])
    assert [row(line, "critic", n).status for n in (1, 2)] == ["lost", "late"]


def test_an_end_without_its_start_begins_where_its_duration_says():
    line = timeline([submitted(), end("thesis", 4_750, 4_500)])
    assert (row(line, "thesis").start_ms, row(line, "thesis").end_ms) == (250, 4_750)


def test_without_its_acceptance_a_job_begins_where_its_end_says():
    line = timeline(parallel_job()[3:])
    assert line.accepted_at_ms == ACCEPTED
    assert line.total_ms == 26_000


def test_without_acceptance_and_end_a_job_begins_in_the_queue():
    assert timeline([start("plan", 20, queued=15)]).accepted_at_ms == ACCEPTED + 5


def test_repeated_events_count_once_and_a_second_start_changes_nothing():
    events = parallel_job()
    again = start("thesis", 2_000)
    assert timeline([*events, *events, again]) == timeline(events)


def test_events_never_appended_and_unknown_ones_are_left_out():
    unknown = UnknownEvent(
        event="rebuttal_start", event_id=event_id(), task_id="job1", at_ms=ACCEPTED + 99_000
    )
    pending = start("thesis", -ACCEPTED, attempt=2)
    assert timeline([*parallel_job(), unknown, pending]) == timeline(parallel_job())


def test_nothing_gives_an_empty_time_line():
    assert timeline([]).rows == ()
    assert job_timings([]).steps == ()


def test_events_of_two_jobs_are_refused():
    other = submitted().model_copy(update={"task_id": "job2"})
    with pytest.raises(ValueError, match="one job"):
        timeline([submitted(), other])


def test_steps_of_no_length_at_one_instant_do_not_go_in_circles():
    line = timeline(
        [submitted(), *(e for s in ("thesis", "antithesis") for e in (start(s, 5), end(s, 5, 0)))]
    )
    assert [r.critical for r in line.rows] == [True, True]


def test_timings_for_the_result_name_every_step_once():
    timings = job_timings(troubled_job()[:-1])
    assert [(s.step, s.status) for s in timings.steps] == [
        ("plan", "ok"),
        ("thesis", "failed"),
        ("antithesis_standalone", "ok"),
        ("synthesis", "ok"),
    ]
    assert timings.total_ms == 31_000
    assert [s.critical for s in timings.steps] == [True, False, True, True]


def test_timings_call_a_step_left_behind_a_timeout_and_a_lost_one_failed():
    running = job_timings([submitted(), planned(5), start("thesis", 10)], now_ms=ACCEPTED + 50)
    assert [s.status for s in running.steps] == ["timeout"]
    lost = job_timings([submitted(), start("thesis", 10), job_end(60, "failed")])
    assert [s.status for s in lost.steps] == ["failed"]


@given(st.randoms(use_true_random=False), st.integers(0, 2**11 - 1))
def test_any_part_of_a_ledger_in_any_order_gives_one_sound_time_line(rng: random.Random, kept: int):
    events = [e for i, e in enumerate([*parallel_job()]) if kept >> i & 1]
    shuffled = [*events]
    rng.shuffle(shuffled)
    line = timeline(shuffled)
    assert line == timeline(events)
    for r in line.rows:
        assert 0 <= r.start_ms <= r.end_ms
    chain = [r for r in line.rows if r.critical]
    assert bool(chain) == bool(line.rows)
    chain.sort(key=lambda r: (r.start_ms, r.end_ms))
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(chain))
    assert line.critical_path_ms <= max(line.total_ms, *(r.end_ms for r in line.rows), 0, 0)
