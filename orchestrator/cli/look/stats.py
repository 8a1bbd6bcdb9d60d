"""``triptych stats``: how fast the models answer, per kind of step, and what backups have brought. From Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli.shared.output import emit, pipe_safe, stdout_console

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.report.pace import BudgetStats, ModelStats, PaceStats, Quantiles

PIPE_COLUMNS = 160


@pipe_safe
def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how fast models answer, per kind of step: what the fleet has learned from its last calls."""
    import sys

    from orchestrator.errors import InvalidSettings
    from orchestrator.settings import load_settings
    from orchestrator.store import connect
    from orchestrator.store.paces import PaceStore

    settings = load_settings()
    if settings.redis_url is None:
        raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
    stats = PaceStore(connect(settings.redis_url.get_secret_value())).look(settings.hedge_share / 100)
    if as_json:
        emit(stats.model_dump_json())
    else:
        show(
            stats,
            stdout_console(None if sys.stdout.isatty() else PIPE_COLUMNS),
            backups=settings.hedge != "off",
        )


def show(stats: ModelStats, console: Console, *, backups: bool) -> None:
    """Print a table, a row per model and step, and a line per model on its backups."""
    from rich.table import Table

    if not stats.paces:
        console.print("No model was called of late. The extractive engine is none.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 0, 0, 2))
    columns = ("model", "step", "calls", "first token p50", "p95", "p99", "answer p50", "p95", "p99")
    for column in (*columns, "tokens in", "cached", "out", "backups", "won"):
        side: Literal["left", "right"] = "left" if column in ("model", "step") else "right"
        table.add_column(column, justify=side, header_style="dim", no_wrap=True)
    for pace in stats.paces:
        table.add_row(*_row(pace))
    console.print(table)
    for budget in stats.budgets if backups else ():
        console.print(_budget(budget), style="dim")
    for pace in stats.paces if backups else ():
        if pace.backup_after_s is None:
            console.print(_learning(pace), style="dim")


def _row(pace: PaceStats) -> tuple[str, ...]:
    share = pace.cached_share
    return (
        pace.model,
        pace.step,
        f"{pace.calls:,}",
        *_seconds(pace.first_token_s),
        *_seconds(pace.answer_s),
        _each(pace.input_tokens, pace.calls),
        "-" if share is None else f"{100 * share:.0f} %",
        _each(pace.output_tokens, pace.calls),
        f"{pace.backups:,}",
        f"{pace.backups_won:,}",
    )


def _seconds(quantiles: Quantiles) -> tuple[str, ...]:
    values = (quantiles.p50, quantiles.p95, quantiles.p99)
    return tuple("-" if value is None else f"{value:.{2 if value < 10 else 1}f} s" for value in values)


def _each(tokens: int, calls: int) -> str:
    return f"{tokens / calls:,.0f}" if calls else "-"


def _budget(budget: BudgetStats) -> str:
    return (
        f"{budget.model}: {budget.backups:,} of {budget.allowed:,} backups made "
        f"that {budget.calls:,} calls in the last {budget.window_s // 60} minutes allow"
    )


def _learning(pace: PaceStats) -> str:
    from orchestrator.report.pace import LEAST_SEEN

    return f"{pace.model} {pace.step}: no backups yet, {pace.seen} of {LEAST_SEEN} first tokens seen"
