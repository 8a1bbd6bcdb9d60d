"""``triptych report``: how the fleet does, per mode, against the three criteria that started this."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli.shared.output import counted, emit, pipe_safe, stdout_console

if TYPE_CHECKING:
    from rich.console import Console, Group, RenderableType

    from orchestrator.report import FleetReport, ModeReport
    from orchestrator.store.source import EventSource

PIPE_COLUMNS = 120
_STYLES = {"met": "green", "missed": "bold red", "too_few": "yellow", "reference": "dim"}
_WORDS = {"met": "met", "missed": "MISSED", "too_few": "too few jobs", "reference": "reference"}
_NAMES = {"mean_latency_s": "mean latency", "evidence_kept": "evidence kept", "max_latency_s": "longest job"}


@pipe_safe
def command(
    since: Annotated[str, typer.Option(help="From then on: 30m, 24h, 7d, or a date (and time).")] = "24h",
    live: Annotated[
        bool, typer.Option("--live", help="Go on, refreshed in place as jobs end, until Ctrl-C.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.5, max=3_600, help="Seconds between looks, with --live.", metavar="S")
    ] = 2.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; with --live one a look.")
    ] = False,
) -> None:
    """Compare the modes: mean latency <= 20 s, evidence pass rate kept, longest job <= 25 s. From the ledger."""
    import sys

    from orchestrator.cli.shared.sources import open_source

    # A table that has to fit shortens its words first; in a pipe there is nothing to fit into.
    console = stdout_console(None if sys.stdout.isatty() else PIPE_COLUMNS)
    looks = reports(open_source(), since)
    if live:
        with suppress(KeyboardInterrupt):
            follow(looks, since, every_s=every, as_json=as_json, console=console)
    elif as_json:
        emit(next(looks).model_dump_json())
    else:
        show(next(looks), since, console)


def reports(source: EventSource, since: str) -> Iterator[FleetReport]:
    """Report again with every step: what is new is read, what ``since`` leaves behind is dropped.

    The first look finds beginnings and ends of jobs in a long ledger; the few events since the last look are read.
    """
    from orchestrator.cli.shared.sources import parse_since
    from orchestrator.report import Tally

    tally = Tally()
    while True:
        since_ms = parse_since(since) or 0
        if tally.latest_ms:
            tally.add(source.events(since_ms=max(since_ms, tally.latest_ms)))
        else:
            tally.add(source.milestones(since_ms=since_ms, begun=True))
        tally.forget(since_ms)
        yield tally.report(since_ms=since_ms, until_ms=int(time.time() * 1_000))


def follow(
    looks: Iterator[FleetReport], since: str, *, every_s: float, as_json: bool, console: Console
) -> None:
    """Show report after report: on a terminal each in the place of the one before."""
    from rich.live import Live

    if as_json:
        for report in looks:
            emit(report.model_dump_json())
            _wait(every_s)
    if not console.is_terminal:
        for report in looks:
            console.print(layout(report, since, note=f" ({_now()})"))
            _wait(every_s)
    with Live(console=console, auto_refresh=False) as shown:
        for report in looks:
            shown.update(layout(report, since, note=f" ({_now()}, Ctrl-C ends)"), refresh=True)
            _wait(every_s)


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _wait(seconds: float) -> None:
    import sys

    from orchestrator.cli.shared import interrupt

    sys.stdout.flush()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        interrupt.check()
        time.sleep(min(left, 0.2))


def show(report: FleetReport, since: str, console: Console) -> None:
    """Print a report for people."""
    console.print(layout(report, since))


def layout(report: FleetReport, since: str, *, note: str = "") -> Group:
    """Lay a report out: a table of figures, then one line per criterion; ``note`` ends the first line."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    ended = sum(mode.jobs + mode.cancelled for mode in report.modes)
    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 1))
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
    return Group(
        Text(f"since {since}: {counted(report.submitted, 'job')} accepted, {ended:,} ended{note}"),
        table,
        *(line for mode in report.modes for line in _criteria(mode)),
    )


def _criteria(mode: ModeReport) -> Iterator[RenderableType]:
    from rich.text import Text

    for criterion in mode.criteria:
        yield Text.assemble(
            f"{mode.mode:<10} {_NAMES[criterion.name]:<13} ",
            (f"{_WORDS[criterion.verdict]:<12} ", _STYLES[criterion.verdict]),
            (criterion.reason, "dim"),
        )
    if mode.reasons:
        counted = ", ".join(f"{code} {count}" for code, count in mode.reasons.items())
        yield Text(f"{mode.mode:<10} {'reasons':<13} {counted}")


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    # Three digits: the columns of both modes then fit 80 columns.
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} s"
