"""What was measured, as tables, JSON, HTML and PNG, held against what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Target
from benchmarks.latency import picture
from benchmarks.latency.fleet import Sample
from benchmarks.latency.steady import ALLOWED, JUDGED, Level, where_it_rises
from benchmarks.latency.streams import Reading
from benchmarks.latency.summary import BOUNDS_S, Figures, targets
from benchmarks.machine import Machine
from orchestrator.timeline import png, svg
from orchestrator.timeline.drawing import Drawing

SIMULATED = (
    "The models are simulated: an endpoint answers over HTTP and SSE in the time that a seed decides. All else is "
    "real: provider client, workers, Valkey, retrieval, gate, ledger. No cache of answers is used."
)
WIDTH = 210
_COLUMNS = (
    "", "jobs", "mean", "p50", "p95", "max", *(f"<= {bound:g}" for bound in BOUNDS_S), "first words",
    "first claim", "degraded", "calls", "tokens", "cost", "cached", "added, ms", "of argument",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """One run. ``worlds`` are those that were run, ``skipped`` says why an arm was not, ``took_s`` is wall time.

    ``longest``: the jobs that took longer than any should, to be looked into by their number.
    """

    seed: int
    scale: float
    workers: int
    in_flight: int
    machine: Machine
    worlds: Sequence[str]
    figures: Sequence[Figures]
    levels: Sequence[Level] = ()
    readings: Sequence[Reading] = ()
    longest: Sequence[Sample] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    took_s: float = 0.0
    simulated: str = SIMULATED

    @property
    def setting(self) -> str:
        """What the run was made with, in a line."""
        scaled = "" if self.scale == 1 else "; every duration was divided by it and is scaled back"
        return (
            f"seed {self.seed}, scale {self.scale:g}{scaled}, {self.in_flight} jobs in flight, "
            f"{self.workers} worker processes for each set of settings"
        )

    def targets(self) -> list[Target]:
        """What was asked for of what was run."""
        found = targets(self.figures, self.worlds)
        if self.levels:
            judged = next((level.rise_pct for level in self.levels if level.in_flight == JUDGED), None)
            found.append(
                Target(f"rise of the mean at {JUDGED} pipelined jobs in flight", judged, ALLOWED, "%")
            )
        return found

    @property
    def met(self) -> bool:
        """Whether all targets of what was run are met."""
        return all(target.met for target in self.targets())

    def to_dict(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "simulated": self.simulated,
            "seed": self.seed,
            "scale": self.scale,
            "workers": self.workers,
            "in_flight": self.in_flight,
            "took_s": round(self.took_s, 1),
            "machine": self.machine.model_dump(),
            "skipped": self.skipped,
            "targets": [asdict(target) | {"met": target.met} for target in self.targets()],
            "figures": [asdict(each) for each in self.figures],
            "longest": [asdict(each) | {"usage": each.usage.model_dump()} for each in self.longest],
            "rises_by_10_percent_at": where_it_rises(self.levels),
            "levels": [asdict(level) for level in self.levels],
            "streams": [asdict(reading) | {"fits": reading.fits} for reading in self.readings],
        }

    def show(self, console: Console) -> None:
        """Print it for people."""
        console.width = max(console.width, WIDTH)  # a table that leaves figures out is no use
        console.print(f"[bold]{self.simulated}[/bold]\n{self.machine}\n{self.setting}")
        for name, why in self.skipped.items():
            console.print(f"not run: {name}: {why}")
        for title, columns, rows in self._tables():
            table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
            for number, column in enumerate(columns):
                table.add_column(column, justify="right" if number else "left", no_wrap=True)
            for row in rows:
                table.add_row(*row)
            console.print()
            console.print(table)

    def html(self) -> str:
        """One page that loads nothing from anywhere."""
        tables = "\n".join(_html_table(*table) for table in self._tables())
        skipped = "".join(f"<li>{escape(name)}: {escape(why)}</li>" for name, why in self.skipped.items())
        drawn = svg.render(self._drawing()) if self.figures else ""
        return (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Latency with simulated models</title>\n'
            f"<style>{_STYLE}</style>\n<h1>Latency with simulated models</h1>\n<p>{escape(self.simulated)}</p>\n"
            f"<p>{escape(str(self.machine))}<br>{escape(self.setting)}</p>\n"
            + (f"<p>Not run:</p><ul>{skipped}</ul>\n" if skipped else "")
            + f"{drawn}\n{tables}\n</html>\n"
        )

    def png(self) -> bytes:
        """The picture. Raises ``InvalidInput`` without Pillow."""
        return png.render(self._drawing())

    def _drawing(self) -> Drawing:
        return picture.drawing(
            self.figures, title="How long a job takes, with simulated models", below=self.setting
        )

    def _tables(self) -> list[_TableRows]:
        found: list[_TableRows] = [
            (f"{world}, s", _COLUMNS, [_row(each) for each in rows])
            for world, rows in groupby(self.figures, key=lambda each: each.world)
        ]
        if self.levels:
            found.append(self._rises())
        if self.readings:
            found.append(_fitting(self.readings))
        judged: list[tuple[str, ...]] = [
            (
                target.name,
                "not measured" if target.value is None else f"{target.value:.2f} {target.unit}",
                f"{target.bound} {target.limit:g} {target.unit}",
                "met" if target.met else "missed",
            )
            for target in self.targets()
        ]
        return [*found, ("Targets", ("", "measured", "asked for", ""), judged)]

    def _rises(self) -> _TableRows:
        at = where_it_rises(self.levels)
        said = f"it rises by 10 % at {at:.0f}" if at else f"not by 10 % up to {self.levels[-1].in_flight}"
        rows: list[tuple[str, ...]] = [
            (
                str(level.in_flight),
                str(level.jobs),
                *(f"{value:.2f}" for value in (level.mean_s, level.p50_s, level.p95_s)),
                f"{level.rise_pct:+.1f} %",
                str(level.failed),
                f"{level.workers_cpu:.2f}",
                f"{level.model_cpu:.2f}",
            )
            for level in self.levels
        ]
        columns: tuple[str, ...] = (
            "in flight", "jobs", "mean, s", "p50", "p95", "mean rises", "not complete", "workers, cores",
            "simulated model, cores",
        )  # fmt: skip
        return f"Pipelined jobs of 6 claims in flight, no luck: {said}", columns, rows


_TableRows = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600;padding:.4rem 0}"
    "td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884;font-variant-numeric:tabular-nums}"
    "td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"
    ":root{color-scheme:light dark}"
)


def _row(each: Figures) -> tuple[str, ...]:
    def number(value: float | None, digits: int = 2) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    return (
        each.arm,
        str(each.jobs),
        *(f"{value:.2f}" for value in (each.mean, each.p50, each.p95, each.max)),
        *(f"{share:.1%}" for share in each.within),
        number(each.words_s, 1),
        number(each.first_s, 1),
        f"{each.degraded:.1%}",
        number(each.calls, 1),
        number(each.tokens),
        number(each.cost),
        number(each.cached),
        number(each.added_ms, 0),
        number(each.added_to_argument_ms, 0),
    )


def _fitting(readings: Sequence[Reading]) -> _TableRows:
    rows: list[tuple[str, ...]] = [
        (
            reading.client,
            str(reading.streams),
            f"{reading.cores:.2f}",
            f"{reading.cores / reading.streams / 60 * 1e6:.0f}",
            f"{reading.rss_mb:.0f}",
            f"{reading.slowest:.2f}",
            "fits" if reading.fits else "does not fit",
        )
        for reading in readings
    ]
    columns = ("", "streams", "cores", "us a token", "MB", "slowest, of its time", "")
    return "Streams of 60 tokens/s read by one process, in one core and 200 MB", columns, rows


def _html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption><tr>{head}</tr>\n{body}</table>"
