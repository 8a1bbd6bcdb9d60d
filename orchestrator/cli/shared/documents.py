"""Documents named on the command line become a corpus of this machine, indexed once and updated when they change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.shared.output import counted, stderr_console
from orchestrator.errors import DocumentError, InvalidInput
from orchestrator.settings import FOLDER, Settings

if TYPE_CHECKING:
    from orchestrator.corpus.sync import Progress


@contextmanager
def reading(*, quiet: bool) -> Iterator[Progress]:
    """A progress bar on stderr for reading documents; none where ``quiet`` or where there is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    hidden = quiet or not sys.stderr.isatty()
    with Bars(*columns, console=stderr_console(), transient=True, disable=hidden) as bars:
        task = bars.add_task("", total=None)

        def advance(done: int, total: int, source: str) -> None:
            bars.update(task, completed=done, total=total, description=source[-40:])

        yield advance


def all_paths(question: str, docs: Sequence[Path], more: Sequence[Path] | None) -> list[Path]:
    """The paths of ``--docs a b c``: the option takes one of them, the others come as arguments after QUESTION.

    Raises ``InvalidInput`` where what came along is no path: a question without quotes, or one that came last.
    """
    from orchestrator.corpus.files import Root

    if more and not docs:
        raise InvalidInput(
            "QUESTION", f"ends before {str(more[0])[:80]!r}; put it in quotes, and documents after --docs"
        )
    if more and os.path.exists(question):  # noqa: PTH110 - Path's raises for what is too long to be one
        raise InvalidInput("QUESTION", f"{question[:80]!r} is a document; write the question before --docs")
    for path in more or ():
        if not os.path.lexists(Root.of(path).path):
            problem = "does not exist; if it belongs to the question, put that in quotes, before --docs"
            raise DocumentError(str(path)[:200], problem)
    return [*docs, *(more or ())]


def corpus_for(settings: Settings, docs: Sequence[Path], corpus: str | None, *, quiet: bool) -> str:
    """The name of the corpus that the options stand for. Raises ``DocumentError`` before anything is started.

    A fleet's producer need not see the corpora: on a machine that holds none, a name is left to the workers to know.
    """
    from orchestrator.corpus import Corpus, adhoc_name, check_name

    if corpus and docs:
        raise InvalidInput("--corpus", "cannot be combined with --docs; give one of them")
    if corpus:
        check_name(corpus)
        if settings.retriever == FOLDER and (settings.redis_url is None or Corpus.list(settings.home)):
            Corpus.open(settings.home, corpus)
        return corpus
    if not docs:
        raise InvalidInput("--docs", "is missing; name the files or folders that the answer must rest on")
    if settings.retriever != FOLDER:
        raise InvalidInput(
            "--docs",
            f"are indexed in a folder, and TRIPTYCH_RETRIEVER is {settings.retriever}; name one of its corpora",
        )
    name = adhoc_name(docs)
    with reading(quiet=quiet) as progress:
        stats = Corpus.build(settings.home, name, docs, progress=progress)
    if not quiet:
        console = stderr_console()
        changed = stats.added + stats.updated
        console.print(
            f"{counted(stats.documents, 'document')}, {counted(stats.passages, 'passage')}"
            + (f" ({changed} read, {stats.unchanged} unchanged)" if stats.unchanged else ""),
            style="dim",
        )
        for path, reason in stats.skipped:
            console.print(f"skipped {path}: {reason}", style="yellow")
    return name
