"""``triptych search``: what a job would find."""

from __future__ import annotations

from pathlib import Path

import typer


def search(
    question: str = typer.Argument(help="What to look for."),
    docs: list[Path] = typer.Option([], "--docs", "-d", help="File or folder; may be given several times."),
    corpus: str | None = typer.Option(None, help="A corpus that was indexed before, instead of --docs."),
    limit: int = typer.Option(8, "--limit", "-n", min=1, max=50, help="How many passages."),
    json_out: bool = typer.Option(False, "--json", help="One JSON object on stdout."),
) -> None:
    """Show the passages that a job with this question would get from these documents, best first."""
    import json

    from rich.console import Console

    from orchestrator.cli.documents import corpus_for
    from orchestrator.cli.task import build_spec
    from orchestrator.contracts import Inputs, TaskSpec
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.plaintext import one_line
    from orchestrator.routing import outline
    from orchestrator.settings import load_settings

    settings = load_settings()
    spec: TaskSpec = build_spec(goal=question, task_id="search", inputs=Inputs())
    name = corpus_for(settings, docs, corpus, quiet=json_out)
    queries = outline(spec, detect_language(spec.goal)).search_queries
    hits = Corpus.open(settings.home, name).search(queries, limit)
    if json_out:
        found = [{"score": round(h.score, 4), "matched": h.matched, **h.passage.model_dump()} for h in hits]
        print(json.dumps({"queries": queries, "passages": found}, ensure_ascii=False))
        return
    console = Console(highlight=False)
    if not hits:
        console.print("Nothing in these documents bears on the question.")
        return
    for hit in hits:
        p = hit.passage
        where = " \N{MIDDLE DOT} ".join(
            x for x in (p.source, p.heading, f"p. {p.page}" if p.page else "") if x
        )
        console.print(f"[bold]{p.id}[/bold]  {hit.score:.2f}  ", end="")
        console.print(one_line(where, 200), markup=False, style="cyan")
        console.print(one_line(p.text, 400), markup=False, soft_wrap=True)
        console.print(f"matched: {', '.join(hit.matched)}\n", markup=False, style="dim")
