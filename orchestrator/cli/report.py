"""A result, as people read it: the answer, then how long each step took and what decided the length."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from orchestrator.contracts import Result


def print_answer(result: Result, *, plain: bool) -> None:
    """The answer on stdout: rendered for a terminal, Markdown otherwise."""
    if plain:
        print(result.answer)
        return
    console = Console(highlight=False)
    console.print()
    console.print(Markdown(result.answer, hyperlinks=False))


def print_figures(result: Result, console: Console) -> None:
    """Latencies, critical path, gate and tokens."""
    t = result.timings
    table = Table(box=None, pad_edge=False, title=None)
    for name, side in (("step", "left"), ("start", "right"), ("took", "right"), ("", "left")):
        table.add_column(name, justify="left" if side == "left" else "right", header_style="dim")
    for step in t.steps:
        table.add_row(
            step.step.replace("_", " "),
            f"{step.start_ms / 1_000:.2f} s",
            f"{(step.end_ms - step.start_ms) / 1_000:.2f} s",
            ("critical path" if step.critical else "") + ("" if step.status == "ok" else f" {step.status}"),
        )
    console.print()
    console.print(table)
    saved = t.sequential_ms - t.critical_path_ms
    console.print(
        f"total {t.total_ms / 1_000:.2f} s, critical path {t.critical_path_ms / 1_000:.2f} s"
        + (f", {saved / 1_000:.2f} s less than the steps one after another" if saved > 0 else ""),
        style="dim",
    )
    checked = [
        f"{level.name} {level.passed}/{level.checked}" for level in result.eval.levels if level.checked
    ]
    verdict = "evidence holds" if result.eval.evidence_ok else "evidence does NOT hold"
    console.print(f"gate: {verdict} ({', '.join(checked) or 'nothing to check'})", style="dim", markup=False)
    if result.usage.calls:
        u = result.usage
        console.print(
            f"tokens: {u.input_tokens:,} in ({u.cached_tokens:,} cached), {u.output_tokens:,} out, {u.calls} calls",
            style="dim",
        )
    console.print(
        f"{result.status}, mode {result.mode or 'none'}; job {result.task_id} "
        f"(triptych timeline {result.task_id})",
        style="dim",
        markup=False,
    )
