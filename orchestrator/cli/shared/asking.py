"""The options that describe a job, for every command that takes a question, and the ``TaskSpec`` they make."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from orchestrator.contracts import TaskSpec

Question = Annotated[
    str, typer.Argument(metavar="QUESTION", help="The question in quotes, or - to read it from stdin.")
]
MorePaths = Annotated[
    list[Path] | None,
    # A shell makes several arguments of `--docs *.md`, and an option takes one.
    typer.Argument(metavar="PATH", help="Further documents, after --docs PATH.", show_default=False),
]
Docs = Annotated[
    list[Path],
    typer.Option(
        "--docs",
        "-d",
        default_factory=list,
        metavar="PATH...",
        show_default=False,
        help="Files and folders: .txt .md .html .pdf .docx.",
    ),
]
CorpusName = Annotated[
    str | None,
    typer.Option("--corpus", metavar="NAME", help="A corpus that was indexed before, instead of --docs."),
]
ModeName = Annotated[
    Literal["auto", "sequential", "parallel", "pipelined", "single"],
    typer.Option(
        "--mode",
        metavar="MODE",
        help="sequential, parallel (side by side), pipelined (claim by claim), single (one call, nobody argues), "
        "or auto: the complexity decides.",
    ),
]
SectionCount = Annotated[
    int | None,
    typer.Option(
        "--sections",
        metavar="1..4",
        show_default=False,
        help="Where it runs parallel: write the synthesis in so many sections side by side, then merge them.",
    ),
]
Constraints = Annotated[
    list[str],
    typer.Option(
        "--constraint",
        "-c",
        default_factory=list,
        metavar="TEXT",
        show_default=False,
        help="What the answer must respect; repeatable.",
    ),
]
Scope = Annotated[
    str,
    typer.Option(metavar="TEXT", show_default=False, help="What the answer should be limited to."),
]
Context = Annotated[
    Path | None,
    typer.Option(help="JSON file with the conversation so far: a list of {role, text}.", metavar="FILE"),
]
Complexity = Annotated[
    float | None, typer.Option(metavar="0..10", help="The complexity, instead of the computed score.")
]
LanguageName = Annotated[
    str | None,
    typer.Option(
        "--language", metavar="CODE", help="Language of the answer (en, ko); default: the question's."
    ),
]
Deadline = Annotated[float | None, typer.Option(metavar="SECONDS", help="When the job has to have ended.")]
MergeAfter = Annotated[
    float | None,
    typer.Option(
        "--merge-after",
        metavar="SECONDS",
        help="pipelined, or in sections: when to merge what is settled by then, and name the rest.",
    ),
]
OnPartial = Annotated[
    Literal["deliver", "fail"], typer.Option(help="When a persona is lost: deliver the rest, or fail.")
]
TenantName = Annotated[
    str, typer.Option("--tenant", metavar="NAME", help="Whose job it is; a part of its address.")
]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, as submit printed it.")]


def asked(question: str) -> str:
    """The question itself: ``-`` stands for stdin."""
    return sys.stdin.read() if question == "-" else question


def spec_from_options(question: str, *, context: Path | None, **fields: Any) -> TaskSpec:  # noqa: ANN401 - see build_spec
    """Make the job of the options, under a fresh id and without its documents. Raises ``InvalidInput``."""
    from orchestrator.cli.shared.context import read_context
    from orchestrator.cli.shared.task import build_spec
    from orchestrator.client import new_task_id

    return build_spec(
        task_id=new_task_id(),
        goal=asked(question),
        conversation_context=read_context(context) if context else (),
        **fields,
    )
