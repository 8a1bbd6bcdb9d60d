"""``triptych search``: what a job would find."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.shared import asking


def search(
    question: Annotated[
        str,
        typer.Argument(metavar="QUESTION", help="What to look for, in quotes, or - to read it from stdin."),
    ],
    paths: asking.MorePaths = None,
    *,
    docs: asking.Docs,
    corpus: asking.CorpusName = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", min=1, max=50, metavar="NUMBER", help="How many passages; a job takes 16."
        ),
    ] = 16,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show the passages that a job with this question would get from these documents, best first.

    Where question and documents differ in language, a job with a model searches in both; this does not.
    """
    import json

    from rich.text import Text

    from orchestrator.cli.shared.documents import all_paths, corpus_for
    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.cli.shared.task import build_spec
    from orchestrator.contracts import Inputs, TaskSpec
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.plaintext import one_line
    from orchestrator.routing.planning import outline
    from orchestrator.settings import load_settings

    settings = load_settings()
    spec: TaskSpec = build_spec(goal=asking.asked(question), task_id="search", inputs=Inputs())
    name = corpus_for(settings, all_paths(question, docs, paths), corpus, quiet=json_out)
    queries = outline(spec, detect_language(spec.goal)).search_queries
    hits = Corpus.open(settings.home, name).search(queries, limit)
    if json_out:
        found = [{"score": round(h.score, 4), "matched": h.matched, **h.passage.model_dump()} for h in hits]
        print(json.dumps({"queries": queries, "passages": found}, ensure_ascii=False))
        return
    console = stdout_console()
    if not hits:
        console.print("Nothing in these documents bears on the question.")
        return
    for hit in hits:
        p = hit.passage
        where = " \N{MIDDLE DOT} ".join(
            x for x in (p.source, p.heading, f"p. {p.page}" if p.page else "") if x
        )
        console.print(Text.assemble((p.id, "bold"), f"  {hit.score:.2f}  ", (one_line(where, 200), "cyan")))
        console.print(one_line(p.text, 400))
        console.print(f"matched: {', '.join(hit.matched)}\n", style="dim")
