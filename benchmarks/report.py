"""What was measured, as tables and as JSON, held against what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import load, noop
from benchmarks.figures import Spread, Target, middle, ratio
from benchmarks.load import Steady
from benchmarks.machine import Machine
from benchmarks.noop import Drain, Latency
from benchmarks.room import Size
from benchmarks.simulated import MEASURED

SECTIONS = ("latency", "drain", "steady", "scaling")
SHARES = ("p50", "p95", "p99")
SIMULATED = "Personas are simulated, on both sides: they sleep and say nothing. No model is called."


@dataclass(frozen=True)
class Report:
    """One run of the benchmark. A section that is empty was not measured, or not to its end."""

    seed: int
    size: Size
    machine: Machine
    latency: dict[str, list[Latency]] = field(default_factory=dict)
    drain: dict[str, list[Drain]] = field(default_factory=dict)
    steady: dict[str, dict[int, list[Steady]]] = field(default_factory=dict)
    scaling: dict[str, list[float]] = field(default_factory=dict)

    def targets(self) -> Iterator[Target]:
        """What was asked of each section, with what was measured: the median of the rounds, or of their ratios."""
        ours, naive = noop.TRIPTYCH, noop.DEFAULTS
        if self.latency:
            argument = {name: [r.argument.p50 for r in rounds] for name, rounds in self.latency.items()}
            yield Target("no-op p50, of the naive chord's", ratio(argument[ours], argument[naive]), 0.7, "x")
        if self.drain:
            cpu = {name: [r.worker_cpu_ms for r in rounds] for name, rounds in self.drain.items()}
            yield Target("CPU per no-op job, of the naive chord's", ratio(cpu[ours], cpu[naive]), 1.0, "x")
        if self.steady:
            by_level = self.steady[load.TRIPTYCH]
            most = max(by_level)
            judged = 200 if 200 in by_level else most
            over = f"over the critical path at {judged} in flight"
            yield Target(f"p50 {over}", _middle(by_level[judged], "p50"), 15.0, "ms")
            yield Target(f"p99 {over}", _middle(by_level[judged], "p99"), 50.0, "ms")
            rss = _largest([r.peak_rss_mb for r in by_level[most]])
            yield Target(f"RSS of a worker at {most} in flight", rss, 150.0, "MB")
        if self.scaling:
            throughput = ratio(self.scaling[load.TWO], self.scaling[load.ONE])
            yield Target("throughput of two workers, of one's", throughput, 1.8, "x", "at least")

    @property
    def missing(self) -> list[str]:
        """The sections that were not measured."""
        return [name for name in SECTIONS if not getattr(self, name)]

    @property
    def met(self) -> bool:
        """Whether all targets are."""
        return not self.missing and all(target.met for target in self.targets())

    def to_dict(self) -> dict[str, Any]:
        """Everything, each round apart, for programs."""
        targets = [asdict(target) | {"met": target.met} for target in self.targets()]
        machine = self.machine.model_dump()
        rounds = {name: asdict(self)[name] for name in ("seed", "size", *SECTIONS)}
        return {
            "simulated": SIMULATED, "machine": machine, "missing": self.missing, "targets": targets, **rounds
        }  # fmt: skip

    def show(self, console: Console) -> None:
        """Print it for people."""
        console.print(f"[bold]{SIMULATED}[/bold]\n{self.machine}; seed {self.seed}")
        tables = {name: getattr(self, f"_{name}") for name in SECTIONS if name not in self.missing}
        for table in (*tables.values(), self._verdict):
            console.print()
            console.print(table())
        if self.missing:
            console.print(f"[bold]not measured: {', '.join(self.missing)}[/bold]")

    def _latency(self) -> Table:
        table = _table(
            f"No-op jobs one at a time ({self.size.rounds} rounds of {self.size.latency_jobs}), ms",
            ("", "p50", "p95", "p99", "with planning: p50", "p50 of naive"),
        )
        naive = [r.argument.p50 for r in self.latency[noop.DEFAULTS]]
        for name, rounds in self.latency.items():
            share = ratio([r.argument.p50 for r in rounds], naive)
            whole = middle([r.whole.p50 for r in rounds]) if name == noop.TRIPTYCH else None
            spread = [_number(middle([getattr(r.argument, s) for r in rounds])) for s in SHARES]
            table.add_row(name, *spread, _number(whole), _number(share, 2))
        return table

    def _drain(self) -> Table:
        table = _table(
            f"No-op jobs drained ({self.size.drain_rounds} rounds of {self.size.drain_jobs}), per job",
            ("", "jobs/s", "worker CPU, ms", "Redis CPU, ms", "Redis commands", "CPU of naive"),
        )
        naive = [r.worker_cpu_ms for r in self.drain[noop.DEFAULTS]]
        for name, rounds in self.drain.items():
            table.add_row(
                name,
                _number(middle([r.jobs_per_s for r in rounds]), 0),
                _number(middle([r.worker_cpu_ms for r in rounds]), 2),
                _number(middle([r.server_cpu_ms for r in rounds]), 2),
                _number(middle([r.commands for r in rounds]), 0),
                _number(ratio([r.worker_cpu_ms for r in rounds], naive), 2),
            )
        return table

    def _steady(self) -> Table:
        personas = MEASURED.shorter(self.size.persona_speed)
        table = _table(
            f"Simulated personas that sleep {personas} at steady arrivals, ms over the critical path "
            f"({self.size.steady_rounds} rounds of {self.size.window_s:g} s)",
            ("", "in flight", "p50", "p95", "p99", "with planning: p50", "peak RSS of a worker, MB"),
        )
        for name, levels in self.steady.items():
            for level, rounds in levels.items():
                rss = _largest([r.peak_rss_mb for r in rounds])
                whole = _middle(rounds, "p50", of="whole") if name == load.TRIPTYCH else None
                spread = [_number(_middle(rounds, share)) or "not sustained" for share in SHARES]
                table.add_row(name, str(level), *spread, _number(whole), _number(rss, 0))
        return table

    def _scaling(self) -> Table:
        table = _table(
            f"A full queue on workers of {load.SCALED_SLOTS} slots, simulated personas "
            f"({self.size.scaling_rounds} rounds of {self.size.scaling_jobs} jobs)",
            ("", "jobs/s", "of one's"),
        )
        for name, rounds in self.scaling.items():
            share = ratio(rounds, self.scaling[load.ONE])
            table.add_row(name, _number(middle(list(rounds))), _number(share, 2))
        return table

    def _verdict(self) -> Table:
        table = _table("Targets", ("", "measured", "asked for", ""))
        for target in self.targets():
            value = "not measured" if target.value is None else f"{target.value:.2f} {target.unit}"
            asked = f"{target.bound} {target.limit:g} {target.unit}"
            table.add_row(target.name, value, asked, "met" if target.met else "[bold]missed[/bold]")
        return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _middle(rounds: Sequence[Steady], share: str, *, of: str = "argument") -> float | None:
    """The median over the rounds; ``None`` where one of them lost jobs."""
    spreads: list[Spread | None] = [getattr(r, of) for r in rounds]
    return middle([getattr(spread, share) if spread else None for spread in spreads])


def _largest(rounds: Sequence[float | None]) -> float | None:
    measured = [value for value in rounds if value is not None]
    return max(measured) if measured else None


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"
