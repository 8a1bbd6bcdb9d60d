"""Documents named on the command line become a corpus of this machine, indexed once and updated when they change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import InvalidInput
from orchestrator.settings import Settings


def corpus_for(settings: Settings, docs: Sequence[Path], corpus: str | None, *, quiet: bool) -> str:
    """The name of the corpus that the options stand for. Raises ``DocumentError`` before anything is started."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from orchestrator.corpus import Corpus, adhoc_name

    if corpus and docs:
        raise InvalidInput("--corpus", "cannot be combined with --docs; give one of them")
    if corpus:
        Corpus.open(settings.home, corpus)
        return corpus
    if not docs:
        raise InvalidInput("--docs", "is missing; name the files or folders that the answer must rest on")
    name = adhoc_name(docs)
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=quiet or not sys.stderr.isatty()) as bar:
        job = bar.add_task("", total=None)

        def advance(done: int, total: int, source: str) -> None:
            bar.update(job, completed=done, total=total, description=source[-40:])

        stats = Corpus.build(settings.home, name, docs, progress=advance)
    if not quiet:
        changed = stats.added + stats.updated
        console.print(
            f"{stats.documents} documents, {stats.passages} passages"
            + (f" ({changed} read, {stats.unchanged} unchanged)" if stats.unchanged else ""),
            style="dim",
        )
        for path, reason in stats.skipped:
            console.print(f"skipped {path}: {reason}", style="yellow", markup=False)
    return name
