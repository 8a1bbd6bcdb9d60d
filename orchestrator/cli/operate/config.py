"""``triptych config``: the settings in effect, where each comes from, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared.output import emit, pipe_safe, stderr_console, stdout_console

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.settings import Settings


@dataclass(frozen=True)
class Shown:
    """One setting as it may be shown: secrets are masked already."""

    name: str
    value: str | int | float | None
    source: str
    variable: str


@pipe_safe
def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 2 where something needs mending.")
    ] = False,
) -> None:
    """Print every effective setting with its source; secrets are masked."""
    import os

    from orchestrator.settings import load_settings

    settings = load_settings()
    problems = complaints(settings, os.environ)
    show(shown(settings), as_json=as_json, console=stdout_console())
    notes = stderr_console()
    for problem in problems:
        notes.print(f"{'error' if check else 'warning'}: {problem}", soft_wrap=True)
    if check and problems:
        raise SystemExit(2)


def shown(settings: Settings) -> tuple[Shown, ...]:
    """List the settings in their order of definition."""
    from orchestrator.settings import origins, variables

    sources = origins()
    return tuple(
        Shown(name, _masked(name, getattr(settings, name)), str(sources[name]), variables(name)[0])
        for name in type(settings).model_fields
    )


def complaints(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Say what would surprise: variables that nothing reads, and models that lack their key."""
    from orchestrator.settings import unknown_variables
    from orchestrator.settings.places import missing_keys

    problems = [
        f"{name}: nothing reads this variable{f'; did you mean {nearest}?' if nearest else '; unset it'}"
        for name, nearest in unknown_variables(environ)
    ]
    problems += map(str, missing_keys(settings))
    return tuple(problems)


def show(rows: tuple[Shown, ...], *, as_json: bool, console: Console) -> None:
    """Print the settings as a table, or as ``{name: {"value", "source", "variable"}}``."""
    if as_json:
        emit(
            json.dumps({r.name: {"value": r.value, "source": r.source, "variable": r.variable} for r in rows})
        )
        return
    from rich.text import Text

    widths = [max(len(str(getattr(row, c))) for row in rows) for c in ("variable", "value", "source")]
    if console.is_terminal and sum(widths) + 4 > console.width:
        widths = [0, 0]  # no columns: what a line has beyond the terminal's width would be torn from it
    for row in rows:
        value = "-" if row.value is None else str(row.value)
        line = Text(f"{row.variable:<{widths[0]}}  {value:<{widths[1]}}  ")
        line.append(row.source, style="dim" if row.source == "default" else "green")
        console.print(line, soft_wrap=True)


def _masked(name: str, value: object) -> str | int | float | None:
    from pydantic import SecretStr

    from orchestrator.settings import masked_url

    if isinstance(value, SecretStr):
        return masked_url(value.get_secret_value()) if name.endswith("_url") else "***"
    return value if value is None or isinstance(value, str | int | float) else str(value)
