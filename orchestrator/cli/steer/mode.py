"""``triptych mode``: the switch that sets the mode of all new jobs, on every worker at once."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared.operator import Who, me, since

if TYPE_CHECKING:
    from orchestrator.switch import Switch

app = typer.Typer(help="Show or set the mode that new jobs run in, on every worker at once.")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


class ModeName(StrEnum):
    """What the switch can be set to."""

    sequential = "sequential"
    auto = "auto"
    parallel = "parallel"
    pipelined = "pipelined"


@app.callback(invoke_without_command=True)
def show_command(context: typer.Context, json_out: AsJson = False) -> None:
    """Show the switch: set by whom, since when, why. Where it is not set, each deployment's settings decide."""
    if context.invoked_subcommand is not None:
        return
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.switch import current

    with fleet_client() as client:
        _show(current(client.redis), as_json=json_out)


@app.command("set")
def set_command(
    mode: Annotated[ModeName, typer.Argument(help="auto lets complexity and the share decide.")],
    why: Annotated[str, typer.Option(help="For whoever finds jobs in another mode than expected.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also for jobs that ask for a mode.")] = False,
    who: Who = None,
    json_out: AsJson = False,
) -> None:
    """Set the mode of all jobs that have no plan yet. Jobs under way keep theirs; the ledger keeps who and why."""
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.switch import set_mode

    with fleet_client() as client:
        switch = set_mode(client.redis, mode.value, force=force, who=who or me(), why=why)
        _show(switch, as_json=json_out)


@app.command("clear")
def clear_command(
    why: Annotated[str, typer.Option(help="Kept in the ledger.")] = "",
    who: Who = None,
    json_out: AsJson = False,
) -> None:
    """Let the settings decide again: TRIPTYCH_PARALLEL_MODE, TRIPTYCH_PARALLEL_SHARE."""
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.switch import clear_mode

    with fleet_client() as client:
        clear_mode(client.redis, who=who or me(), why=why)
        _show(None, as_json=json_out)


def _show(switch: Switch | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"switch": switch.model_dump() if switch else None}, ensure_ascii=False))
        return
    from rich.text import Text

    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.plaintext import one_line

    if switch is None:
        said = "not set: TRIPTYCH_PARALLEL_MODE and TRIPTYCH_PARALLEL_SHARE of the workers decide"
    else:
        whose = "all new jobs" if switch.force else "new jobs that ask for auto"
        said = (
            f"{switch.mode} for {whose}, since {since(switch.since_ms)} by {one_line(switch.who, 60)}: "
            f"{one_line(switch.why, 300)}"
        )
    stdout_console().print(Text(said), soft_wrap=True)
