"""``triptych compare``: the same goals through several arms, and a verdict that can be lost."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared import asking
from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from orchestrator.experiment import Comparison

PIPE_COLUMNS = 120

HELP = """Run the same goals through several arms and judge which one is better, if any.

FILE holds one JSON object a line; only `goal` has to be there:

```json
{"id": "q1", "goal": "Should we move to four-day weeks?", "complexity": 6, "constraints": ["within the budget"]}
```

The first arm is what the others are held against. Each goal's evidence is retrieved once and given to every arm; the
arms of a goal run one after the other in a random order (`--seed`), and nothing is cached. Latency is judged on runs
that lost nothing, by a paired bootstrap; the gate's verdict and lost personas by exact paired tests. The verdict on an
arm: better, not worse within the margin, worse, or not enough data, with how many more goals it would take.

Every finished job is in FOLDER/journal.jsonl before the next begins: after Ctrl-C or a crash the same command goes on.
FOLDER/report.html and FOLDER/report.json are the report. The same arm twice is an A/A run: nothing should win it.
`single` is one plain call with the same evidence and token budget: what an argument has to beat.

With `--judge` the model of TRIPTYCH_MODEL_JUDGE (or TRIPTYCH_MODEL) says of each two answers to a goal which one is
better, without knowing the arms, in both orders; only what it prefers in both counts as won. That is a row of its own,
beside the verdict. It is asked twice a pair and goal; its votes are kept in FOLDER/votes.jsonl.

Exit codes: 0 no arm is worse than the first, 1 one is, 3 not enough data, 2 bad input or the fleet is away.
"""


def command(
    goals: Annotated[
        Path, typer.Option("--goals", metavar="FILE", help="The goals, one JSON object a line; - is stdin.")
    ],
    paths: asking.MorePaths = None,
    *,
    docs: asking.Docs,
    corpus: asking.CorpusName = None,
    arms: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Modes to compare, the reference first: sequential, parallel, parallel/3 (synthesis in 3 sections), "
            "pipelined, single (one plain call).",
        ),
    ] = "sequential,parallel",
    margin_latency: Annotated[
        float,
        typer.Option(min=0.1, max=100, metavar="PERCENT", help="How much slower still counts as not worse."),
    ] = 10.0,
    margin_rate: Annotated[
        float,
        typer.Option(
            min=0.1, max=50, metavar="POINTS", help="How much lower a pass rate may be that is not worse."
        ),
    ] = 5.0,
    judge: Annotated[
        bool,
        typer.Option(
            "--judge",
            help="Have a model prefer one of each two answers, blind and in both orders; beside the verdicts.",
        ),
    ] = False,
    margin_preference: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=50,
            metavar="POINTS",
            help="How far below 50 % of goals the judge's preference may be that is not worse.",
        ),
    ] = 10.0,
    prices: Annotated[
        str | None,
        typer.Option(
            metavar="IN,OUT,CACHED", help="Prices of a million tokens, in any currency: 0.25,2,0.025."
        ),
    ] = None,
    at_a_time: Annotated[
        int,
        typer.Option(min=1, max=64, metavar="N", help="Jobs at a time; more than one slow each other down."),
    ] = 1,
    deadline: asking.Deadline = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="NUMBER", help="Of the order; default: drawn, and kept in the journal."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the journal and the report are.")] = Path(
        "triptych-compare"
    ),
    json_out: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object on stdout.")
    ] = False,
) -> None:
    """Compare arms; see ``HELP``."""
    from random import SystemRandom

    from orchestrator.cli.judge.compare_input import arms_of, evidence_of, fingerprint, prices_of, read_goals
    from orchestrator.cli.judge.compare_run import Fleet, ask_judge, require_judge, run_arms
    from orchestrator.cli.judge.compare_view import show
    from orchestrator.cli.shared.output import emit, stderr_console, stdout_console, write_file
    from orchestrator.comparing import Header, Journal, Votes
    from orchestrator.experiment import Margins, compare, fingerprint_of
    from orchestrator.experiment.page import render
    from orchestrator.settings import load_settings

    notes = stderr_console()
    settings, sides, priced = load_settings(), arms_of(arms), prices_of(prices)
    if judge:
        require_judge(settings)
    asked = read_goals(goals)
    evidence = evidence_of(settings, asked, [*docs, *(paths or ())], corpus, quiet=json_out)
    kept = [goal for goal in asked if evidence[goal.id]]
    for goal in asked:
        if not evidence[goal.id]:
            notes.print(f"skipped {goal.id}: nothing in the documents bears on it", style="yellow")
    if not kept:
        raise InvalidInput("--docs", "bear on none of the goals; name the documents that the goals are about")
    wanted = Header(
        seed=SystemRandom().randrange(2**31) if seed is None else seed,
        arms=sides,
        goals=fingerprint(goal.model_dump_json(exclude={"passages"}) for goal in kept),
        evidence=fingerprint(fingerprint_of(evidence[goal.id]) for goal in kept),
    )
    with Journal.open(out, wanted, seed_given=seed is not None) as journal, ExitStack() as kept_open:
        notes.print(
            f"{len(kept)} goals through {', '.join(arm.name for arm in sides)}; seed {journal.header.seed}"
        )
        votes = kept_open.enter_context(Votes.open(out)) if judge or Votes.begun(out) else None
        with ExitStack() as stack:
            fleet = Fleet(settings, stack)
            run_arms(journal, kept, evidence, settings, fleet, at_a_time=at_a_time, deadline_s=deadline)
            if judge and votes is not None:
                ask_judge(votes, journal, kept, fleet)
        found = compare(
            kept,
            sides,
            journal.trials,
            margins=Margins(margin_latency / 100, margin_rate / 100, margin_preference / 100),
            seed=journal.header.seed,
            prices=priced,
            votes=votes.all if votes else None,
        )
    write_file(out / "report.json", found.model_dump_json(indent=1))
    write_file(out / "report.html", render(found))
    if json_out:
        emit(found.model_dump_json())
    else:
        show(found, stdout_console(None if sys.stdout.isatty() else PIPE_COLUMNS))
    notes.print(f"report: {out / 'report.html'}", style="dim")
    raise typer.Exit(exit_code(found))


def exit_code(found: Comparison) -> int:
    """0 where no arm is worse than the first, 1 where one is, 3 where that cannot be told."""
    verdicts = {pair.verdict for pair in found.pairs if pair.reference == found.arms[0].arm}
    return 1 if "worse" in verdicts else 3 if "too_few" in verdicts else 0
