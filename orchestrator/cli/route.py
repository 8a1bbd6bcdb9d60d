"""``triptych route``: which mode a question would run in and why, and what a comparison says of the boundary."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import asking
from orchestrator.cli.operator import Who, me
from orchestrator.cli.output import emit, pipe_safe, stdout_console
from orchestrator.cli.route_view import Explained, as_json, show_choice, show_learnt
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from orchestrator.contracts import Complexity, Lesson
    from orchestrator.experiment.boundary import Learnt
    from orchestrator.experiment.figures import Comparison
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

    from orchestrator.cli.documents import all_paths, corpus_for
    from orchestrator.cli.task import build_spec
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.routing import PASSAGES_PER_JOB, assess, outline
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

    from orchestrator.foresight import Foresight
    from orchestrator.local import private_share
    from orchestrator.rolling import Orders, orders, policy_of
    from orchestrator.routing import Outlook, Room, choose
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
        Path, typer.Argument(metavar="REPORT", help="report.json of a comparison (`triptych compare`).")
    ],
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
    """Learn `auto`'s boundary from a comparison: up to which complexity the faster arm stays within the risk.

    Lost is a goal that one arm answers with evidence that holds and the faster one does not. With too few goals there
    is no boundary, and the exit code is 3. Nothing is changed without --apply. Then `auto` goes by it where the models
    are those of the comparison; pipelined also has to be better there, or not worse.
    """
    from orchestrator.experiment.boundary import learn_boundary

    found = _read(report)
    for option, arm in (("--reference", reference), ("--candidate", candidate)):
        if arm not in {each.arm for each in found.arms}:
            raise InvalidInput(
                option,
                f"the comparison has no arm {arm[:80]!r}; it has {', '.join(a.arm for a in found.arms)}",
            )
    learnt = learn_boundary(found.trials, reference=reference, candidate=candidate, risk=risk)
    lesson = None
    if apply and learnt.boundary is not None:
        lesson = _taught(_lesson(found, learnt, reference, candidate, who=who or me(), why=why))
    if json_out:
        emit(lesson.model_dump_json() if lesson else learnt.model_dump_json())
    else:
        show_learnt(learnt, stdout_console(), lesson)
    if learnt.boundary is None:
        raise typer.Exit(TOO_FEW)


def _lesson(
    found: Comparison, learnt: Learnt, reference: str, candidate: str, *, who: str, why: str
) -> Lesson:
    """What a comparison teaches. Raises ``InvalidInput`` where it does not carry that."""
    from orchestrator.contracts import Lesson
    from orchestrator.experiment.boundary import configured_in

    modes = {arm.arm: arm.mode for arm in found.arms}
    mode, models = modes[candidate], configured_in(found.trials, (reference, candidate))
    if modes[reference] != "sequential" or mode not in ("parallel", "pipelined"):
        raise InvalidInput(
            "--apply", "teaches parallel or pipelined, held against sequential; name such arms"
        )
    verdicts = {
        pair.verdict for pair in found.pairs if (pair.reference, pair.candidate) == (reference, candidate)
    }
    if mode == "pipelined" and not verdicts & {"better", "not_worse"}:
        raise InvalidInput(
            "REPORT",
            "does not show pipelined better than sequential, or not worse; auto runs it only where one does. "
            "TRIPTYCH_AUTO_PIPELINED=on allows it all the same",
        )
    if models is None:
        raise InvalidInput(
            "REPORT",
            "has runs on different models, or does not say on which; compare again, on one set of models",
        )
    boundary = 0.0 if learnt.boundary is None else learnt.boundary
    return Lesson(
        mode=mode,
        models=models,
        boundary=boundary,
        risk=learnt.risk,
        source="comparison",
        jobs=learnt.goals,
        lost=next(step.lost for step in learnt.steps if step.boundary == boundary),
        who=who[:200],
        why=why.strip()[:500],
        since_ms=0,
    )


def _taught(lesson: Lesson) -> Lesson:
    from orchestrator.cli.fleet import fleet_client
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
    from orchestrator.cli.fleet import fleet_client
    from orchestrator.lessons import forget, models_of
    from orchestrator.settings import load_settings

    models = models_of(load_settings())
    with fleet_client() as client:
        known = forget(client.redis, mode.value, models, who=who or me(), why=why)
    said = "forgotten" if known else "nothing was taught"
    emit(f"{mode.value} on {', '.join(dict.fromkeys(models))}: {said}")


def _read(path: Path) -> Comparison:
    from pydantic import ValidationError

    from orchestrator.experiment import Comparison

    try:
        return Comparison.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput("REPORT", f"{path} cannot be read ({error.strerror})") from None
    except ValidationError:
        raise InvalidInput(
            "REPORT", f"{path} is no report of this version; name a comparison's report.json"
        ) from None
