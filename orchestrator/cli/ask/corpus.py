"""``triptych corpus``: documents indexed under a name, where workers can read them (TRIPTYCH_HOME, a shared folder)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestrator.corpus import CorpusStats

app = typer.Typer(
    help="Index documents under a name that jobs can use (--corpus NAME).", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The corpus' name.")]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command("add")
def add(name: Name, paths: Paths, json_out: AsJson = False) -> None:
    """Add files and folders to NAME, making it if need be; what it has is brought up to date."""
    from orchestrator.cli.shared.documents import reading
    from orchestrator.corpus import Corpus
    from orchestrator.settings import load_settings

    with reading(quiet=json_out) as progress:
        stats = Corpus.add(load_settings().home, name, paths, progress)
    _say(name, stats, as_json=json_out)


@app.command("update")
def update(name: Name, json_out: AsJson = False) -> None:
    """Read again what has changed under NAME's files and folders, and drop what is gone."""
    from orchestrator.cli.shared.documents import reading
    from orchestrator.corpus import Corpus
    from orchestrator.settings import load_settings

    with reading(quiet=json_out) as progress:
        stats = Corpus.update(load_settings().home, name, progress)
    _say(name, stats, as_json=json_out)


@app.command("list")
def list_command(json_out: AsJson = False) -> None:
    """List all corpora: documents, passages, size and where they come from."""
    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.corpus import Corpus
    from orchestrator.plaintext import one_line
    from orchestrator.settings import load_settings

    found = Corpus.list(load_settings().home)
    if json_out:
        print(json.dumps({"corpora": [asdict(corpus) for corpus in found]}, ensure_ascii=False))
        return
    console = stdout_console()
    for corpus in found:
        what = f"{corpus.documents:>6} documents {corpus.passages:>8} passages {corpus.size_bytes:>12,} B  "
        rest = corpus.problem or ", ".join(corpus.roots)
        console.print(f"{corpus.name:<24} {what}{one_line(rest, 200)}", soft_wrap=True)


@app.command("remove")
def remove(
    name: Name,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH...]", help="Files or folders that were added.")
    ] = None,
    json_out: AsJson = False,
) -> None:
    """Take files and folders out of NAME, or without a PATH remove NAME whole. The documents themselves stay."""
    from orchestrator.corpus import Corpus
    from orchestrator.settings import load_settings

    home = load_settings().home
    if paths:
        _say(name, Corpus.remove(home, name, paths), as_json=json_out)
        return
    Corpus.delete(home, name)
    print(json.dumps({"name": name, "removed": True}) if json_out else f"corpus {name} is gone")


def _say(name: str, stats: CorpusStats, *, as_json: bool) -> None:
    from orchestrator.cli.shared.output import stderr_console

    if as_json:
        print(json.dumps({"name": name, **asdict(stats)}, ensure_ascii=False))
        return
    notes = stderr_console()
    for path, reason in stats.skipped:
        notes.print(f"skipped {path}: {reason}", style="yellow")
    print(
        f"{name}: {stats.documents} documents, {stats.passages} passages ({stats.added} added, "
        f"{stats.updated} updated, {stats.removed} removed, {stats.unchanged} unchanged)"
    )
