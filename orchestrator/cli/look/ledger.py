"""``triptych ledger tail | show | export``: what happened, for people and as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.shared.output import emit, pipe_safe, stdout_console, written

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from orchestrator.contracts.events import Event
    from orchestrator.store.source import EventSource

app = typer.Typer(help="Read the ledger: every event of every job.", no_args_is_help=True)

_SHOWN_ELSEWHERE = {
    "event", "event_id", "task_id", "tenant", "at_ms", "step", "attempt", "worker", "process_id", "thread_id"
}  # fmt: skip
FULL_WIDTH = 140
"""Columns from which on a terminal shows every part of an event in a column of its own."""
_STYLES = {"failed": "red", "timeout": "red", "degraded": "yellow", "fail": "red"}


@app.command("tail")
@pipe_safe
def tail_command(
    n: Annotated[int, typer.Option("-n", "--lines", min=0, max=10_000, help="How many events.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print the last events, and with --follow the next ones as they come."""
    from orchestrator.cli.shared.sources import open_source

    with suppress(KeyboardInterrupt):
        tail(open_source(), n, follow=follow, as_json=as_json, console=stdout_console())


@app.command("show")
@pipe_safe
def show_command(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job's id, the start of one, or: last.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with all events.")] = False,
) -> None:
    """Print all events of one job."""
    from orchestrator.cli.shared.sources import open_source

    show(open_source(), job, as_json=as_json, console=stdout_console())


@app.command("export")
@pipe_safe
def export_command(
    job: Annotated[
        str | None, typer.Option("--job", help="Only this job: an id, a prefix, or: last.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From then on: 2h, 7d, or a date (and time).")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
) -> None:
    """Write events as JSON Lines, oldest first."""
    from orchestrator.cli.shared.sources import open_source, parse_since

    export(open_source(), job=job, since_ms=parse_since(since), out=out)


def tail(source: EventSource, n: int, *, follow: bool, as_json: bool, console: Console) -> None:
    """Print the last ``n`` events and, with ``follow``, those that come after; none twice."""
    coming = source.follow() if follow else iter(())  # from before the look back, so that none falls between
    recent = source.recent(n)
    print_events(recent, as_json=as_json, console=console)
    seen = {event.event_id for event in recent if event.event_id}
    print_events((event for event in coming if event.event_id not in seen), as_json=as_json, console=console)


def show(source: EventSource, job: str, *, as_json: bool, console: Console) -> None:
    """Print one job's events; the JSON is ``{"task_id", "events"}``."""
    task_id = source.resolve(job)
    events = source.events(task_id)
    if as_json:
        emit(f'{{"task_id":"{task_id}","events":[{",".join(_json(event) for event in events)}]}}')
    else:
        print_events(events, as_json=False, console=console)


def export(source: EventSource, *, job: str | None, since_ms: int | None, out: Path | None) -> None:
    """Write events as JSON Lines to stdout or, whole or not at all, to a file."""
    events = source.events(source.resolve(job) if job else None, since_ms=since_ms)
    if out is None:
        for event in events:
            emit(_json(event))
        return
    with written(out) as draft, draft.open("w", encoding="utf-8") as file:
        file.writelines(f"{_json(event)}\n" for event in events)


def _json(event: Event) -> str:
    from orchestrator.contracts.events import event_json

    return event_json(event)


def print_events(events: Iterable[Event], *, as_json: bool, console: Console) -> None:
    """Print events, one a line, as JSON or for people."""
    import sys

    # On a terminal a line is a line; a file or a pipe gets all of it, in columns.
    layout: dict[str, Any] = (
        {"no_wrap": True, "overflow": "ellipsis"} if console.is_terminal else {"soft_wrap": True}
    )
    for event in events:
        if as_json:
            emit(_json(event))
            sys.stdout.flush()
        else:
            narrow = console.is_terminal and console.width < FULL_WIDTH
            console.print(readable(event, narrow=narrow), **layout)


def readable(event: Event, zone: tzinfo | None = None, *, narrow: bool = False) -> Text:
    """Lay one event out as a line: time, job, event, step, detail. Nothing in it can steer a terminal.

    ``narrow`` leaves room for the detail: no date, no columns, as much of the job's id as `triptych timeline` needs.
    """
    from rich.text import Text

    from orchestrator.plaintext import one_line

    fields: dict[str, Any] = event.model_dump(exclude_defaults=True)
    moment = datetime.fromtimestamp(event.at_ms / 1_000, UTC).astimezone(zone)
    step, attempt = fields.get("step"), fields.get("attempt")
    place = "" if not step else f"{step} #{attempt}" if attempt and attempt != 1 else str(step)
    detail = " ".join(
        f"{name}={_value(value)}" for name, value in fields.items() if name not in _SHOWN_ELSEWHERE
    )
    status = str(fields.get("status") or fields.get("verdict") or "")
    if narrow:
        return Text.assemble(
            (f"{moment:%H:%M:%S}.{event.at_ms % 1_000:03} ", "dim"),
            f"{one_line(event.task_id)[:6]} ",
            (f"{one_line(event.event, 24)} ", "bold"),
            # thesis_start says which step it is
            "" if event.event.rpartition("_")[0] == place or not place else f"{one_line(place, 24)} ",
            (one_line(detail, 2_000), _STYLES.get(status, "")),
        )
    return Text.assemble(
        (f"{moment:%m-%d %H:%M:%S}.{event.at_ms % 1_000:03}  ", "dim"),
        f"{one_line(event.task_id, 22):<22}  ",
        (f"{one_line(event.event, 24):<24}  ", "bold"),
        f"{one_line(place, 24):<24}  ",
        (one_line(detail, 2_000), _STYLES.get(status, "")),
    )


def _value(value: Any) -> str:  # noqa: ANN401 - an unknown event may hold anything
    if isinstance(value, dict):
        return ",".join(f"{k}:{_value(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ",".join(_value(v) for v in value)
    return str(value)
