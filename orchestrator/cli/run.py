"""``triptych run``: one question, from the documents to the answer, on a private fleet or on yours."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.cli.view import LiveTable, PlainLines
    from orchestrator.client import Client
    from orchestrator.contracts import Result
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings
    from orchestrator.store import JobRef

EXIT = {"complete": 0, "failed": 1, "degraded": 3}
NOBODY_AFTER_S = 6.0


def run(
    question: str = typer.Argument(help="The question, or - to read it from stdin."),
    docs: list[Path] = typer.Option(
        [], "--docs", "-d", help="File or folder (.txt .md .html .pdf .docx); may be given several times."
    ),
    corpus: str | None = typer.Option(None, help="A corpus that was indexed before, instead of --docs."),
    mode: str = typer.Option("auto", help="sequential, parallel, or auto: let the complexity decide."),
    constraint: list[str] = typer.Option(
        [], "--constraint", "-c", help="What the answer must respect; repeatable."
    ),
    scope: str = typer.Option("", help="What the answer should be limited to."),
    context: Path | None = typer.Option(
        None, help="JSON file with the conversation so far: a list of {role, text}.", metavar="FILE"
    ),
    complexity: float | None = typer.Option(None, help="0 to 10, instead of the computed score."),
    language: str | None = typer.Option(
        None, help="Language of the answer (en, ko, ...); default: the question's."
    ),
    model: str | None = typer.Option(None, help="provider:model, instead of TRIPTYCH_MODEL.", metavar="NAME"),
    deadline: float | None = typer.Option(None, help="Seconds until the job has to have ended."),
    on_partial: str = typer.Option("deliver", help="When a persona is lost: deliver the rest, or fail."),
    json_out: bool = typer.Option(
        False, "--json", help="Print the whole result as one JSON object on stdout."
    ),
    plain: bool = typer.Option(False, "--plain", help="No live table: progress as lines on stderr."),
) -> None:
    """Answer QUESTION from your documents, by argument, with a citation for every claim.

    With REDIS_URL unset, a private Valkey and one worker run for as long as the command does. With it set, the
    job goes to that fleet (start workers with `triptych worker`).

    Example: triptych run "Should we move order processing to an event queue?" --docs examples/queue-migration
    """
    from rich.console import Console

    from orchestrator.cli import interrupt
    from orchestrator.cli.context import read_context
    from orchestrator.cli.documents import corpus_for
    from orchestrator.cli.report import print_answer, print_figures
    from orchestrator.cli.task import build_spec
    from orchestrator.client import Client, new_task_id
    from orchestrator.contracts import Inputs
    from orchestrator.errors import JobNotFound
    from orchestrator.store import JobRef
    from orchestrator.store.archiving import drain

    notes = Console(stderr=True, highlight=False)
    settings = _settings(model)
    spec = build_spec(
        task_id=new_task_id(),
        goal=sys.stdin.read() if question == "-" else question,
        mode=mode,
        constraints=constraint,
        scope=scope,
        conversation_context=read_context(context) if context else (),
        complexity=complexity,
        language=language,
        deadline_s=deadline,
        on_partial=on_partial,
    )
    if not json_out:
        notes.print(engine_line(settings), markup=False)
    with ExitStack() as stack:
        fleet = _join(settings, stack)
        # The documents are read while the private worker starts.
        name = corpus_for(settings, docs, corpus, quiet=json_out)
        spec = spec.model_copy(update={"inputs": Inputs(corpus=name)})
        client = Client(fleet.settings if fleet else settings)
        stack.callback(client.close)
        client.check()
        interrupt.check()
        live = not plain and not json_out and sys.stderr.isatty()
        try:
            ref = client.submit(spec).ref
            result = _watch(client, ref, fleet, notes, live=live, quiet=json_out)
        except KeyboardInterrupt:
            # Whatever is at it stops; a fleet does not go on for a caller who left.
            with suppress(JobNotFound):
                client.cancel(JobRef(spec.tenant, spec.task_id), who="its caller")
            raise
        if fleet is not None:
            # The private Redis is about to go; its ledger stays, for `triptych timeline` and `triptych ledger`.
            drain(client.redis, settings.home)
    if json_out:
        print(result.to_wire())
    else:
        print_answer(result, plain=plain or not sys.stdout.isatty())
        print_figures(result, notes)
    raise typer.Exit(EXIT[result.status])


def _settings(model: str | None) -> Settings:
    from orchestrator.errors import InvalidInput, InvalidSettings
    from orchestrator.settings import load_settings, require_keys

    try:
        settings = load_settings(**({"model": model} if model else {}))
    except InvalidSettings as error:
        if model and error.field == "TRIPTYCH_MODEL":
            raise InvalidInput("--model", error.problem) from None
        raise
    if settings.redis_url is None:
        require_keys(settings)
    return settings


def engine_line(settings: Settings) -> str:
    """The first line of every run: who will answer."""
    names = {p: settings.model_for(p) for p in ("thesis", "antithesis", "synthesis")}
    if settings.redis_url is not None:
        return "The fleet on REDIS_URL answers with the models its workers are configured for."
    if set(names.values()) == {"extractive"}:
        hint = ""
        if settings.openai_api_key or settings.anthropic_api_key:
            hint = " A key is set: TRIPTYCH_MODEL=openai:NAME or anthropic:NAME would use it."
        return (
            "No model is configured (TRIPTYCH_MODEL): the extractive engine answers with sentences from your "
            f"documents, no LLM is used.{hint}"
        )
    if len(set(names.values())) == 1:
        return f"Model: {names['thesis']}"
    return "Models: " + ", ".join(f"{persona} {name}" for persona, name in names.items())


def _join(settings: Settings, stack: ExitStack) -> PrivateFleet | None:
    """The private fleet, unless REDIS_URL names another."""
    if settings.redis_url is not None:
        return None
    from orchestrator.local import private_fleet

    return stack.enter_context(private_fleet(settings))


def _watch(
    client: Client, ref: JobRef, fleet: PrivateFleet | None, notes: Console, *, live: bool, quiet: bool
) -> Result:
    """Follow the job to its end. Raises ``WorldError`` where its private worker dies."""
    from orchestrator.cli import interrupt
    from orchestrator.cli.view import LiveTable, PlainLines
    from orchestrator.contracts.events import TaskStart
    from orchestrator.errors import WorldError

    def say(line: str) -> None:
        if not quiet:
            notes.print(line, markup=False)

    view: LiveTable | PlainLines = LiveTable(notes) if live else PlainLines(say)
    began, taken = time.monotonic(), fleet is not None
    with view:
        for _, event in client.stream(ref, timeout_s=60.0):
            interrupt.check()
            view.show(event)
            if event is not None:
                taken = taken or isinstance(event, TaskStart)
            elif fleet is not None and fleet.worker_died():
                raise WorldError(f"the private worker died: {fleet.log('worker')[-600:]}")
            elif not taken and time.monotonic() - began >= NOBODY_AFTER_S:
                say("No worker has taken the job yet; is one running? (triptych worker)")
                taken = True
    return client.wait(ref)
