"""``triptych route``: which mode a question would run in and why, and what a comparison says of the boundary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import asking
from orchestrator.cli.output import emit, pipe_safe, stdout_console
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.experiment.boundary import Learnt
    from orchestrator.experiment.figures import Comparison
    from orchestrator.routing import Policy
    from orchestrator.settings import Settings

TOO_FEW = 3

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

    With REDIS_URL set, the fleet's switch and rollout count (`triptych mode`, `triptych rollout`). Boundary and share
    are this machine's settings; a fleet's jobs go by those of the worker that plans them.
    """
    import json

    from orchestrator.cli.documents import all_paths, corpus_for
    from orchestrator.cli.task import build_spec
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.routing import PASSAGES_PER_JOB, assess, choose, outline
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
    policy = _policy(settings)
    choice = choose("auto", score, policy, draw=0.0)  # a job that the share takes, where it is asked
    sources = sorted({passage.source for passage in passages})
    if json_out:
        body = {
            "mode": choice.mode,
            "reason": choice.reason,
            "boundary": policy.boundary,
            "share": choice.assignment.share if choice.assignment else None,
            "complexity": score.model_dump(),
            "passages": [passage.id for passage in passages],
            "sources": sources,
        }
        emit(json.dumps(body, ensure_ascii=False))
        return
    console = stdout_console()
    console.print(f"{choice.mode}: {choice.reason}", style="bold")
    for factor in sorted(score.factors, key=lambda factor: -factor.points):
        console.print(f"  {factor.points:5.2f}  {factor.name:<14} {factor.why}")
    if choice.assignment and choice.assignment.share < 100:
        other = policy.steering.from_mode if policy.steering else "sequential"
        console.print(f"  the other {100 - choice.assignment.share:g} % of such jobs run {other}")
    found = f"{len(passages)} passages from {len(sources)} documents: {', '.join(sources)}"
    console.print(
        found if passages else "nothing in the documents bears on it: the job would fail", style="dim"
    )


def _policy(settings: Settings) -> Policy:
    """What a job would be planned by: a private fleet's, or the fleet's with its switch and its rollout."""
    from contextlib import closing
    from dataclasses import replace

    from orchestrator.local import private_share
    from orchestrator.rolling import Orders, orders, policy_of
    from orchestrator.store import connect

    if settings.redis_url is None:
        return replace(policy_of(settings, Orders()), share=private_share(settings))
    with closing(connect(settings.redis_url.get_secret_value())) as client:
        return policy_of(settings, orders(client))


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
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Learn `auto`'s boundary from a comparison: up to which complexity the faster arm stays within the risk.

    Lost is a goal that one arm answers with evidence that holds and the faster one does not. With too few goals there
    is no boundary, and the exit code is 3. Nothing is changed: TRIPTYCH_COMPLEXITY_BOUNDARY sets it.
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
    if json_out:
        emit(learnt.model_dump_json())
    else:
        _show(learnt, stdout_console())
    if learnt.boundary is None:
        raise typer.Exit(TOO_FEW)


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


def _show(learnt: Learnt, console: Console) -> None:
    if learnt.boundary is None:
        console.print(
            f"No boundary: {learnt.goals} goals ran through both arms, and a risk of {learnt.risk:.1%} takes "
            f"{learnt.goals + learnt.more}: {learnt.more} more.",
            style="yellow",
        )
        return
    console.print(f"TRIPTYCH_COMPLEXITY_BOUNDARY={learnt.boundary:g}", style="bold")
    console.print(f"from {learnt.goals} goals, at a risk of {learnt.risk:.1%}")
    console.print("boundary  goals below  lost  risk at most  saved per job", style="dim")
    for step in learnt.steps:
        chosen = step.boundary == learnt.boundary
        line = (
            f"{step.boundary:8g}  {step.goals:11}  {step.lost:4}  {step.risk:12.1%}  {step.saved_s:11.2f} s"
        )
        console.print(line, style="bold" if chosen else "")
