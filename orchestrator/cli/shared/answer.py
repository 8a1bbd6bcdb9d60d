"""A result, as people read it: the answer, then how long each step took and what decided the length."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from orchestrator.cli.shared.output import counted, stdout_console
from orchestrator.contracts import Result
from orchestrator.routing.flow import CRITIC, STEPS, name_of


def print_answer(result: Result, *, plain: bool) -> None:
    """The answer on stdout: rendered for a terminal, Markdown otherwise."""
    if plain:
        print(result.answer)
        return
    console = stdout_console()
    console.print()
    console.print(Markdown(result.answer, hyperlinks=False))


def print_figures(result: Result, console: Console) -> None:
    """Latencies, critical path, gate and tokens of what ran, and how to look at it again."""
    console.print()
    # A job that ended with its plan ran in no mode; there is nothing to measure, and nothing that the gate could judge.
    ran = any(name_of(step.step) in STEPS for step in result.timings.steps)
    if ran:
        _print_latencies(result, console)
        _print_gate(result, console)
    console.print(
        f"{result.status}{f', mode {result.mode}' if ran else ''}; job {result.task_id} "
        f"(triptych timeline {result.task_id})",
        style="dim",
    )


def _print_latencies(result: Result, console: Console) -> None:
    t = result.timings
    late = any(note.code == "critic_late" for note in result.notes)
    table = Table(box=None, pad_edge=False, title=None)
    for name, side in (("step", "left"), ("start", "right"), ("took", "right"), ("", "left")):
        table.add_column(name, justify="left" if side == "left" else "right", header_style="dim")
    for step in t.steps:
        status = "late" if late and step.step == CRITIC else step.status
        table.add_row(
            step.step.replace("_", " "),
            f"{step.start_ms / 1_000:.2f} s",
            f"{(step.end_ms - step.start_ms) / 1_000:.2f} s",
            ("critical path" if step.critical else "") + ("" if status == "ok" else f" {status}"),
        )
    console.print(table)
    saved = t.sequential_ms - t.total_ms
    console.print(
        f"total {t.total_ms / 1_000:.2f} s, critical path {t.critical_path_ms / 1_000:.2f} s"
        + (f", {saved / 1_000:.2f} s less than the steps one after another" if saved > 0 else ""),
        style="dim",
    )


def _print_gate(result: Result, console: Console) -> None:
    checked = [
        f"{level.name} {level.passed}/{level.checked}" for level in result.eval.levels if level.checked
    ]
    verdict = "evidence holds" if result.eval.evidence_ok else "evidence does NOT hold"
    console.print(f"gate: {verdict} ({', '.join(checked) or 'nothing to check'})", style="dim")
    if result.usage.calls:
        u = result.usage
        console.print(
            f"tokens: {u.input_tokens:,} in ({u.cached_tokens:,} cached), {u.output_tokens:,} out, "
            + (
                f"about {u.estimated_tokens:,} that the endpoint did not count, "
                if u.estimated_tokens
                else ""
            )
            + counted(u.calls, "call"),
            style="dim",
        )
