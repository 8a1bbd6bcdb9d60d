"""``triptych timeline JOB``: who ran what when, in the terminal and as SVG, PNG or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared.output import emit, pipe_safe, stderr_console, stdout_console, write_file
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.store.source import EventSource
    from orchestrator.timeline import Timeline


@pipe_safe
def command(
    job: Annotated[
        str, typer.Argument(metavar="JOB", help="A job's id, the start of one, or: last.")
    ] = "last",
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the chart to this .svg file instead.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the chart to this .png file instead.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the time line as one JSON object.")] = False,
    width: Annotated[int | None, typer.Option(min=40, max=400, help="Columns to draw in.")] = None,
) -> None:
    """Draw a job's Gantt chart: steps, waits, first tokens and the critical path."""
    from orchestrator.cli.shared.sources import open_source

    for option, path in (("svg", svg), ("png", png)):
        if path and path.suffix.lower() != f".{option}":
            raise InvalidInput(f"--{option}", f"{path} does not end in .{option}; give it a name that does")
    line = load(open_source(), job)
    save(line, svg=svg, png=png, notes=stderr_console())
    if as_json:
        emit(line.model_dump_json())
    elif not (svg or png):
        show(line, console=stdout_console(width), width=width)


def load(source: EventSource, job: str) -> Timeline:
    """Read a job's time line. Raises ``JobNotFound`` or ``InvalidInput`` where ``job`` names none."""
    from orchestrator.timeline import timeline

    return timeline(list(source.events(source.resolve(job))))


def save(line: Timeline, *, svg: Path | None, png: Path | None, notes: Console) -> None:
    """Write the pictures that were asked for, and say where they are."""
    if svg:
        from orchestrator.timeline.svg import svg as draw_svg

        write_file(svg, draw_svg(line))
    if png:
        from orchestrator.timeline.png import png as draw_png

        write_file(png, draw_png(line))
    for path in (svg, png):
        if path:
            notes.print(f"wrote {path}", soft_wrap=True)


def show(line: Timeline, *, console: Console, width: int | None = None) -> None:
    """Print the chart; in plain ASCII where the terminal's encoding knows no more."""
    from rich.text import Text

    from orchestrator.timeline.terminal import ASCII, UNICODE, chart

    fancy = not console.options.ascii_only
    console.print(f"job {line.task_id}", style="bold", soft_wrap=True)
    for pieces in chart(line, width=width or console.width, glyphs=UNICODE if fancy else ASCII):
        console.print(Text.assemble(*pieces), soft_wrap=True)
