"""``triptych report``: how the fleet does, per mode, against the three criteria that started this."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli.output import emit, pipe_safe, stdout_console

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.report import FleetReport, ModeReport

_STYLES = {"met": "green", "missed": "bold red", "too_few": "yellow", "reference": "dim"}
_WORDS = {"met": "met", "missed": "MISSED", "too_few": "too few jobs", "reference": "reference"}
_NAMES = {"mean_latency_s": "mean latency", "evidence_kept": "evidence kept", "max_latency_s": "longest job"}


@pipe_safe
def command(
    since: Annotated[str, typer.Option(help="From then on: 30m, 24h, 7d, or a date (and time).")] = "24h",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the modes: mean latency <= 20 s, evidence pass rate kept, longest job <= 25 s. Live, from the ledger."""
    from orchestrator.cli.ledger import parse_since
    from orchestrator.cli.sources import open_source
    from orchestrator.report import summarise

    since_ms = parse_since(since)
    report = summarise(
        open_source().events(since_ms=since_ms), since_ms=since_ms, until_ms=int(time.time() * 1_000)
    )
    if as_json:
        emit(report.model_dump_json())
    else:
        show(report, since, stdout_console())


def show(report: FleetReport, since: str, console: Console) -> None:
    """Print a report for people: a table of figures, then one line per criterion."""
    from rich.table import Table

    ended = sum(mode.jobs + mode.cancelled for mode in report.modes)
    console.print(f"since {since}: {report.submitted} jobs accepted, {ended} ended", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    columns = ("mode", "jobs", "complete", "degraded", "failed", "evidence", "mean", "p50", "p95", "longest")
    for column in columns:
        side: Literal["left", "right"] = "left" if column == "mode" else "right"
        table.add_column(column, justify=side, header_style="dim", no_wrap=True, min_width=len(column))
    for mode in report.modes:
        table.add_row(
            mode.mode,
            str(mode.jobs),
            str(mode.complete),
            str(mode.degraded),
            str(mode.failed),
            "-" if mode.evidence_rate is None else f"{100 * mode.evidence_rate:.1f} %",
            *(_seconds(value) for value in (mode.mean_s, mode.p50_s, mode.p95_s, mode.max_s)),
        )
    # A table that has to fit shortens its words first; in a pipe there is nothing to fit into.
    console.print(table, width=None if console.is_terminal else 120)
    for mode in report.modes:
        _criteria(mode, console)


def _criteria(mode: ModeReport, console: Console) -> None:
    from rich.text import Text

    for criterion in mode.criteria:
        console.print(
            Text.assemble(
                f"{mode.mode:<11} {_NAMES[criterion.name]:<14} ",
                (f"{_WORDS[criterion.verdict]:<13}", _STYLES[criterion.verdict]),
                (criterion.reason, "dim"),
            ),
            soft_wrap=True,
        )
    if mode.reasons:
        counted = ", ".join(f"{code} {count}" for code, count in mode.reasons.items())
        console.print(Text(f"{mode.mode:<11} {'reasons':<14} {counted}"), soft_wrap=True)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
