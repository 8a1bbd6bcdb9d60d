"""What a person sees of a running job, wide and narrow, on a terminal and in a log."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from orchestrator.cli.shared.answer import print_figures
from orchestrator.cli.shared.output import counted, stderr_console
from orchestrator.cli.shared.tree import bar
from orchestrator.cli.shared.view import LiveTable, PlainLines
from orchestrator.contracts import EvalReport, JobTimings, Note, Provenance, Result
from orchestrator.contracts.events import Event, PlanReady
from orchestrator.contracts.result import StepTiming
from orchestrator.store import LiveText
from tests.unit.timeline.ledger_of import parallel_job, pipelined_job, submitted

REASON = (
    "complexity 3.95 (12 disagreements between sentences of two sources) is below 5: side by side is faster"
)


def planned_job(passages: int = 3) -> list[Event]:
    return [
        e.model_copy(update={"mode_reason": REASON, "passages": passages}) if isinstance(e, PlanReady) else e
        for e in parallel_job()
    ]


def screen(events: Sequence[Event | LiveText], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    table = LiveTable(console, "starting a private worker")
    for event in events:
        table.show(event)
    with console.capture() as drawn:
        console.print(table)
    return drawn.get().splitlines()


def test_until_the_plan_starts_it_says_what_it_waits_for() -> None:
    assert "starting a private worker ..." in screen([], 100)[0]
    assert "starting a private worker ..." in screen([submitted()], 100)[0]
    assert not any("starting" in line for line in screen(planned_job()[:2], 100))


@pytest.mark.parametrize("width", [38, 60, 80, 100, 200])
def test_why_a_mode_was_chosen_is_read_to_its_end(width: int) -> None:
    drawn = screen(planned_job(), width)
    text = "".join("".join(line.split()) for line in drawn)
    for word in (*REASON.split(), "parallel:"):
        assert word in text
    assert max(map(len, drawn)) <= width


def test_where_a_step_runs_is_shown_where_there_is_room() -> None:
    assert any("w2@host:42/7" in line for line in screen(planned_job(), 100))
    assert not any("w2@" in line for line in screen(planned_job(), 60))


def test_a_plan_that_found_nothing_names_no_mode_and_lists_no_steps() -> None:
    drawn = screen(planned_job(passages=0)[:4], 100)
    assert len(drawn) == 1
    assert "no passages found" in drawn[0]
    assert "parallel" not in drawn[0]


def test_a_log_says_the_same_in_lines() -> None:
    lines: list[str] = []
    with PlainLines(lines.append, "starting a private worker") as plain:
        for event in planned_job():
            plain.show(event)
    assert lines[0] == "starting a private worker"
    assert f"plan: parallel: {REASON}, 3 passages" in lines


def test_a_pipelined_job_is_a_tree_of_claims_with_a_bar_for_each_step() -> None:
    claim = LiveText(step="claim:1", attempt=1, text="The queue is faster.", chars=20)
    drawn = screen([*pipelined_job()[:-4], claim], 100)
    named = [line[3:24].rstrip() for line in drawn]
    assert named == [
        "plan", "thesis", "  t1", "  ├ rebuttal", "  └ resolution", "  t2", "  ├ rebuttal", "  └ resolution",
        "critic", "synthesis",
    ]  # fmt: skip
    assert "The queue is faster." in drawn[2]
    begins = [line.find("█") for line in drawn]
    assert begins[2] == begins[-1] == -1, "a claim takes no time, and the synthesis has not begun"
    assert begins[1] < begins[3] < begins[4]
    assert not any("█" in line for line in screen(pipelined_job(), 60)), "no room"


def test_sections_have_rows_from_the_plan_on_with_a_bar_each() -> None:
    events = [
        event.model_copy(update={"sections": 2}) if isinstance(event, PlanReady) else event
        for event in parallel_job()
    ]
    drawn = screen(events, 100)
    named = [line[3:24].rstrip() for line in drawn]
    assert named == ["plan", "thesis", "antithesis standalone", "section 1", "section 2", "synthesis"]
    assert "█" in drawn[1]


@pytest.mark.parametrize(
    ("start", "ran", "expected"),
    [
        (0, 100, "██████████"),
        (50, 50, "     █████"),
        (99, 1, "         █"),
        (100, 0, "         █"),
        (20, 1, "  █"),
        (None, 10, ""),
        (10, None, ""),
    ],
)
def test_a_bar_is_a_stretch_of_the_time_so_far(start: int | None, ran: int | None, expected: str) -> None:
    assert bar(start, ran, first_ms=0, now_ms=100, cells=10) == expected


def test_a_log_tells_each_claim_once() -> None:
    lines: list[str] = []
    plain = PlainLines(lines.append)
    for event in pipelined_job()[:8]:
        plain.show(event)
    for _ in range(2):
        plain.show(LiveText(step="claim:1", attempt=1, text="The queue is faster.", chars=20))
    assert lines.count("t1: The queue is faster.") == 1


@pytest.mark.parametrize(("number", "text"), [(0, "0 passages"), (1, "1 passage"), (1_200, "1,200 passages")])
def test_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "passage") == text


def test_a_line_for_a_pipe_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 60 + "triptych timeline 9343a91aa07c4127"
    stderr_console().print(long)
    assert capsys.readouterr().err == f"{long}\n"


def test_the_figures_of_a_result_call_a_critic_late_that_was_not_waited_for() -> None:
    ran = (
        StepTiming(step="thesis", start_ms=0, end_ms=1_000, status="ok"),
        StepTiming(step="critic", start_ms=0, end_ms=1_000, status="timeout"),
    )
    result = Result(
        task_id="job", status="complete", goal="Why?", language="en", answer="Because.", mode="pipelined",
        notes=(Note(code="critic_late"),), timings=JobTimings(total_ms=1_000, steps=ran),
        eval=EvalReport(task_id="job", evidence_ok=True), provenance=Provenance(triptych="0", llm_used=True),
    )  # fmt: skip
    out = io.StringIO()
    print_figures(result, Console(file=out, width=80))
    assert [line.split()[-1] for line in out.getvalue().splitlines() if "1.00 s" in line][:2] == ["s", "late"]
    assert "timeout" not in out.getvalue()
