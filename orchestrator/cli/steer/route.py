"""``triptych route``: which mode a question would run in and why, and what a comparison says of the boundary."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared import asking
from orchestrator.cli.shared.operator import Who, me
from orchestrator.cli.shared.output import emit, pipe_safe, stdout_console
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from orchestrator.cli.steer.route_view import Explained
    from orchestrator.contracts import Complexity, Lesson
    from orchestrator.settings import Settings

TOO_FEW = 3


class TaughtName(StrEnum):
    """What there can be a lesson of."""

    parallel = "parallel"
    pipelined = "pipelined"


app = typer.Typer(help="How auto chooses a mode: for one question, and from what.", no_args_is_help=True)


@app.command("explain")
@pipe_safe
def explain(
    question: asking.Question,
    paths: asking.MorePaths = None,
    *,
    docs: asking.Docs,
    corpus: asking.CorpusName = None,
    constraint: asking.Constraints,
    complexity: asking.Complexity = None,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Say which mode `auto` gives QUESTION on these documents, why, and on what evidence. Nothing is run.

    With REDIS_URL set, the fleet's switch, its rollout, its free slots and what it has learned count (`triptych mode`,
    `triptych rollout`). Other settings are this machine's; a fleet's jobs go by those of the worker that plans them.
    """
    import json

    from orchestrator.cli.shared.documents import all_paths, corpus_for
    from orchestrator.cli.shared.task import build_spec
    from orchestrator.cli.steer.route_view import as_json, show_choice
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.routing.complexity import assess
    from orchestrator.routing.planning import PASSAGES_PER_JOB, outline
    from orchestrator.settings import load_settings

    settings = load_settings()
    spec = build_spec(
        goal=asking.asked(question), task_id="route", constraints=constraint, complexity=complexity
    )
    name = corpus_for(settings, all_paths(question, docs, paths), corpus, quiet=True)
    language = detect_language(spec.goal)
    queries = outline(spec, language).search_queries
    passages = [hit.passage for hit in Corpus.open(settings.home, name).search(queries, PASSAGES_PER_JOB)]
    score = assess(spec.goal, spec.constraints, passages, caller=spec.complexity, language=language)
    explained = _explained(settings, score, spec.goal, len(passages))
    sources = sorted({passage.source for passage in passages})
    if json_out:
        emit(json.dumps(as_json(explained, score, passages), ensure_ascii=False))
        return
    console = stdout_console()
    show_choice(explained, score, console)
    found = f"{len(passages)} passages from {len(sources)} documents: {', '.join(sources)}"
    console.print(
        found if passages else "nothing in the documents bears on it: the job would fail", style="dim"
    )


def _explained(settings: Settings, score: Complexity, goal: str, passages: int) -> Explained:
    """What a job would be planned by: a private fleet's, or the fleet's with switch, rollout and lessons."""
    from contextlib import closing
    from dataclasses import replace

    from orchestrator.cli.steer.route_view import Explained
    from orchestrator.foresight import Foresight
    from orchestrator.local import private_share
    from orchestrator.rolling import Orders, orders, policy_of
    from orchestrator.routing.modes import choose
    from orchestrator.routing.outlook import Outlook, Room
    from orchestrator.routing.questions import derivations
    from orchestrator.store import connect

    if settings.redis_url is None:
        policy = replace(policy_of(settings, Orders()), share=private_share(settings))
        claims = min(settings.pipeline_claims, passages)
        outlook = Outlook(claims, derivations(goal), room=Room(settings.concurrency))
        return Explained(choose("auto", score, policy, 0.0, outlook), policy)
    with closing(connect(settings.redis_url.get_secret_value())) as client:
        foresight = Foresight(client, settings)
        policy = replace(policy_of(settings, orders(client)), taught=foresight.taught())
        # A job that the share takes, where it is asked.
        choice = foresight.choose("auto", score, policy, 0.0, goal=goal, passages=passages)
        return Explained(choice, policy)


@app.command("learn")
@pipe_safe
def learn(
    report: Annotated[
        Path | None,
        typer.Argument(
            metavar="REPORT", help="report.json of a comparison (`triptych compare`).", show_default=False
        ),
    ] = None,
    *,
    live: Annotated[
        bool,
        typer.Option("--live", help="From the fleet's own jobs that were assigned at random, instead."),
    ] = False,
    since: Annotated[
        str, typer.Option(help="With --live, of jobs planned from then on: 24h, 30d, or a date.")
    ] = "30d",
    risk: Annotated[
        float,
        typer.Option(min=0.001, max=0.5, metavar="SHARE", help="Of jobs that may be lost by being faster."),
    ] = 0.02,
    reference: Annotated[
        str, typer.Option(metavar="ARM", help="What auto runs above the boundary.")
    ] = "sequential",
    candidate: Annotated[str, typer.Option(metavar="ARM", help="What auto runs below it.")] = "parallel",
    apply: Annotated[
        bool, typer.Option("--apply", help="Have auto go by it: on every worker with these models, at once.")
    ] = False,
    why: Annotated[str, typer.Option(help="With --apply, kept in the ledger.")] = "",
    who: Who = None,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Learn `auto`'s boundary from a comparison, or live: up to which complexity the faster arm stays within the risk.

    Lost is a goal that one arm answers with evidence that holds and the faster one does not. With --live it is a job
    that is not complete or whose evidence does not hold, and the risk bounds how many more the faster mode loses; only
    jobs that were assigned at random count (TRIPTYCH_AUTO_EXPLORE), on this machine's models. With too few there is no
    boundary, and the exit code is 3. Nothing is changed without --apply. Then `auto` goes by it on every worker with
    these models; a comparison teaches pipelined only where that was better, or not worse.
    """
    from orchestrator.cli.steer import route_learn
    from orchestrator.cli.steer.route_view import show_learnt

    if live == (report is not None):
        raise InvalidInput("REPORT", "or --live: name a comparison's report.json, or learn from live jobs")
    if report is None:
        found = route_learn.from_live(candidate, since, risk)
    else:
        found = route_learn.from_report(report, reference, candidate, risk)
    known = found.learnt.boundary is not None
    lesson = _taught(found.lesson(who or me(), why)) if apply and known else None
    if json_out:
        emit(lesson.model_dump_json() if lesson else found.learnt.model_dump_json())
    else:
        show_learnt(found.learnt, stdout_console(), lesson)
    if not known:
        raise typer.Exit(TOO_FEW)


def _taught(lesson: Lesson) -> Lesson:
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.lessons import teach

    with fleet_client() as client:
        return teach(client.redis, lesson)


@app.command("forget")
def forget_command(
    mode: Annotated[TaughtName, typer.Argument(help="What auto was taught of.")],
    why: Annotated[str, typer.Option(help="Kept in the ledger.")] = "",
    who: Who = None,
) -> None:
    """Have `auto` forget what it was taught of a mode on this machine's models: the settings decide again."""
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.lessons import forget, models_of
    from orchestrator.settings import load_settings

    models = models_of(load_settings())
    with fleet_client() as client:
        known = forget(client.redis, mode.value, models, who=who or me(), why=why)
    said = "forgotten" if known else "nothing was taught"
    emit(f"{mode.value} on {', '.join(dict.fromkeys(models))}: {said}")
