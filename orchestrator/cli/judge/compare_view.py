"""What a comparison looks like on a terminal: its progress on stderr, its report on stdout."""

from __future__ import annotations

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from orchestrator.cli.shared.output import stderr_console
from orchestrator.experiment import Comparison
from orchestrator.experiment.figures import ArmReport
from orchestrator.experiment.words import (
    MEASURED,
    VERDICTS,
    caveat,
    contrast,
    headline,
    judged_by,
    preferred,
    told,
)

_STYLES = {"better": "green", "worse": "bold red", "too_few": "yellow", "not_worse": ""}


class Following:
    """Shows how far something is: a bar where there is a terminal, otherwise a line for each that is done."""

    def __init__(self, title: str, total: int, done: int) -> None:
        self._console = stderr_console()
        self._total, self._done = total, done
        self._bar = Progress(
            TextColumn(title),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=total, completed=done)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Tell something beside the progress."""
        self._console.print(line)

    def ended(self, line: str, seconds_left: float | None) -> None:
        """Show that one more is done, and how long the others take, where that can be told."""
        self._done += 1
        eta = "" if seconds_left is None else f"about {_duration(seconds_left)} left"
        self._bar.update(self._task, completed=self._done, description=eta)
        if self._bar.disable:
            self.say(f"{self._done}/{self._total}  {line}" + (f"  {eta}" if eta else ""))


def show(found: Comparison, console: Console) -> None:
    """Print the report: verdicts first, then the figures per arm. The page has the rest."""
    if said := caveat(found):
        console.print(said, style="yellow")
    for pair in found.pairs:
        console.print(Text(headline(pair), style=_STYLES[pair.verdict]))
        for j in pair.judgements:
            verdict = Text(f"{VERDICTS[j.verdict]:<28}", style=_STYLES[j.verdict])
            console.print(Text.assemble(f"  {MEASURED[j.measure]:<15}", verdict, told(j)))
        if pair.preference:
            j = pair.preference.judgement
            verdict = Text(f"{VERDICTS[j.verdict]:<28}", style=_STYLES[j.verdict])
            console.print(Text.assemble(f"  {MEASURED[j.measure]:<15}", verdict, preferred(pair.preference)))
        if said := contrast(pair):
            console.print(f"  {said}", style="yellow")
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("arm", header_style="dim")
    for column in (
        "runs",
        "whole",
        "evidence",
        "mean",
        "95 %",
        "p95",
        "tokens",
        "cost",
        "settled",
        "quoting",
    ):
        table.add_column(column, justify="right", header_style="dim", no_wrap=True)
    for arm in found.arms:
        table.add_row(arm.arm, *_cells(arm))
    console.print(table)
    if found.judge:
        console.print(f"blind judge: {judged_by(found.judge)}; counted for no arm", style="dim", markup=False)
    for arm in found.arms:
        if arm.reasons:
            counted = ", ".join(f"{reason} {count}" for reason, count in arm.reasons.items())
            console.print(f"{arm.arm}: {counted}", style="dim")


def _cells(arm: ArmReport) -> tuple[str, ...]:
    debate = arm.debate
    return (
        str(arm.runs),
        f"{arm.whole}/{arm.runs}",
        f"{arm.evidence_ok}/{arm.runs}",
        _s(arm.mean_s),
        "-" if arm.low_s is None else f"{arm.low_s:.2f}-{arm.high_s:.2f}",
        _s(arm.p95_s),
        f"{arm.usage.tokens:,}",
        "-" if arm.cost is None else f"{arm.cost:,.4f}",
        _of(debate.settled, debate.positions),
        _of(debate.quoting, debate.objections),
    )


def _of(part: int, whole: int) -> str:
    """A single call argues with nobody: it has no share of nothing."""
    return f"{part}/{whole}" if whole else "-"


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
