"""``triptych run``: one question, from the documents to the answer, on a private fleet or on yours."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared import asking
from orchestrator.cli.shared.fleet import EXIT, follow

if TYPE_CHECKING:
    from orchestrator.settings import Settings


def run(
    question: asking.Question,
    paths: asking.MorePaths = None,
    *,
    docs: asking.Docs,
    corpus: asking.CorpusName = None,
    mode: asking.ModeName = "auto",
    sections: asking.SectionCount = None,
    constraint: asking.Constraints,
    scope: asking.Scope = "",
    context: asking.Context = None,
    complexity: asking.Complexity = None,
    language: asking.LanguageName = None,
    evidence_optional: Annotated[
        bool,
        typer.Option(
            "--evidence-optional",
            help="Answer also where the documents say nothing; claims may go uncited.",
        ),
    ] = False,
    model: Annotated[
        str | None, typer.Option(metavar="PROVIDER:NAME", help="The model, instead of TRIPTYCH_MODEL.")
    ] = None,
    deadline: asking.Deadline = None,
    merge_after: asking.MergeAfter = None,
    on_partial: asking.OnPartial = "deliver",
    json_out: Annotated[
        bool, typer.Option("--json", help="Print the whole result as one JSON object on stdout.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="No live table: progress as lines on stderr.")
    ] = False,
) -> None:
    """Answer QUESTION from your documents, by argument, with a citation for every claim.

    With REDIS_URL unset, a private Valkey and one worker run for as long as the command does. With it set, the
    job goes to that fleet (start workers with `triptych worker`).

    Example: triptych run "Should we move order processing to an event queue?" --docs examples/queue-migration
    """
    from orchestrator.cli.shared import interrupt
    from orchestrator.cli.shared.answer import print_answer, print_figures
    from orchestrator.cli.shared.documents import all_paths, corpus_for
    from orchestrator.cli.shared.joining import engine_line, join_fleet, keep_ledger
    from orchestrator.cli.shared.output import stderr_console
    from orchestrator.client import Client
    from orchestrator.contracts import Inputs
    from orchestrator.errors import JobNotFound, StoreUnavailable
    from orchestrator.store import JobRef

    notes = stderr_console()
    settings = _settings(model)
    spec = asking.spec_from_options(
        question,
        context=context,
        mode=mode,
        sections=sections,
        constraints=constraint,
        scope=scope,
        complexity=complexity,
        language=language,
        deadline_s=deadline,
        merge_after_s=merge_after,
        on_partial=on_partial,
        evidence_required=not evidence_optional,
    )
    documents = all_paths(question, docs, paths)
    if not json_out:
        notes.print(engine_line(settings))
    with ExitStack() as stack:
        fleet = join_fleet(settings, stack)
        # The documents are read while the private worker starts.
        name = corpus_for(settings, documents, corpus, quiet=json_out)
        spec = spec.model_copy(update={"inputs": Inputs(corpus=name)})
        client = Client(fleet.settings if fleet else settings)
        stack.callback(client.close)
        if fleet is not None:
            # The private Redis will go; its ledger stays, for `triptych timeline` and `triptych ledger`.
            stack.callback(keep_ledger, client, settings, notes)
        client.check()
        interrupt.check()
        try:
            ref = client.submit(spec).ref
            result = follow(client, ref, quiet=json_out, plain=plain, private=fleet)
        except KeyboardInterrupt:
            # Whatever is at it stops; a fleet does not go on for a caller who left.
            with suppress(JobNotFound, StoreUnavailable):
                client.cancel(JobRef(spec.tenant, spec.task_id), who="its caller")
            raise
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
