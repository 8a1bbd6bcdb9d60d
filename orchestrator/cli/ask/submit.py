"""``triptych submit``: hand a question to the fleet and go."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from orchestrator.cli.shared import asking


def submit(
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
    deadline: asking.Deadline = None,
    merge_after: asking.MergeAfter = None,
    on_partial: asking.OnPartial = "deliver",
    tenant: asking.TenantName = "default",
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key again finds the first job.")
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Send QUESTION to the fleet on REDIS_URL and print the job's id; `triptych watch ID` follows it.

    Documents given here are indexed on this machine, in a folder that the workers have to share; better name a
    corpus of theirs.
    """
    from orchestrator.cli.shared.documents import all_paths, corpus_for
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.contracts import Inputs

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
        tenant=tenant,
        idempotency_key=key,
    )
    with fleet_client() as client:
        name = corpus_for(client.settings, all_paths(question, docs, paths), corpus, quiet=json_out)
        submitted = client.submit(spec.model_copy(update={"inputs": Inputs(corpus=name)}))
    ref = submitted.ref
    if json_out:
        print(json.dumps({"task_id": ref.task_id, "tenant": ref.tenant, "created": submitted.created}))
    else:
        print(ref.task_id)
