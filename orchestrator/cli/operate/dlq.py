"""``triptych dlq``: messages that no worker could take, why, and what to do with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from orchestrator.broker.deadletters import DeadLetter

app = typer.Typer(help="Look after messages that no worker could take.", no_args_is_help=True)
LetterId = Annotated[str, typer.Argument(metavar="ID", help="A dead letter's id, as list prints it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
MAX_SHOWN = 2_000


@app.command("list")
def list_command(json_out: AsJson = False) -> None:
    """List them, the newest first: id, reason, task and size, never their content."""
    from datetime import UTC, datetime

    from orchestrator.broker.deadletters import DeadLetters
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.plaintext import one_line

    with fleet_client() as client:
        letters = list(DeadLetters(client.redis).all())
    if json_out:
        print(json.dumps({"letters": [summary(letter) for letter in letters]}, ensure_ascii=False))
        return
    console = stdout_console()
    for letter in letters:
        moment = datetime.fromtimestamp(letter.at_ms / 1_000, UTC).astimezone()
        where = f"{letter.id:<20}  {moment:%m-%d %H:%M:%S}  {letter.size:>9,} B  {letter.code:<16}  "
        console.print(where + one_line(f"{letter.task} {letter.reason}".strip(), 200), soft_wrap=True)


@app.command("show")
def show_command(letter_id: LetterId, json_out: AsJson = False) -> None:
    """Show one with what was kept of it. That may be a question or a document: mind who watches."""
    from orchestrator.broker.deadletters import DeadLetters
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.plaintext import one_line

    with fleet_client() as client:
        letter = DeadLetters(client.redis).get(letter_id)
    if json_out:
        print(json.dumps({**summary(letter), "raw_base64": letter.raw}, ensure_ascii=False))
        return
    console = stdout_console()
    for name, value in summary(letter).items():
        console.print(f"{name:<8}  {one_line(str(value), 500)}", soft_wrap=True)
    console.print(one_line(letter.content().decode(errors="replace"), MAX_SHOWN), soft_wrap=True)


@app.command("replay")
def replay_command(letter_id: LetterId, json_out: AsJson = False) -> None:
    """Put one back into its queue; if it still cannot be taken, it comes back."""
    from orchestrator.broker.deadletters import DeadLetters
    from orchestrator.cli.shared.fleet import fleet_client

    with fleet_client() as client:
        letter = DeadLetters(client.redis).replay(letter_id)
    if json_out:
        print(json.dumps({"replayed": letter.id, "queue": letter.queue}))
    else:
        print(f"{letter.id} is in {letter.queue} again")


@app.command("drop")
def drop_command(
    letter_id: Annotated[str | None, typer.Argument(metavar="ID", help="A dead letter's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    json_out: AsJson = False,
) -> None:
    """Forget one, or with --all every one."""
    from orchestrator.broker.deadletters import DeadLetters
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.errors import InvalidInput

    if (letter_id is None) != everything:
        raise InvalidInput("ID", "give one id, or --all")
    with fleet_client() as client:
        letters = DeadLetters(client.redis)
        dropped = letters.drop_all() if letter_id is None else len([letters.drop(letter_id)])
    print(json.dumps({"dropped": dropped}) if json_out else f"{dropped} dropped")


def summary(letter: DeadLetter) -> dict[str, Any]:
    """What may be listed of a letter."""
    return {"at_ms": letter.at_ms, **letter.model_dump(exclude={"raw"}), "whole": letter.whole}
