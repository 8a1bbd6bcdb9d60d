"""``triptych compare``: the same goals through several arms, and a verdict that can be lost."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import asking
from orchestrator.errors import InvalidInput, WorldError

if TYPE_CHECKING:
    from orchestrator.comparing import Journal, Runner
    from orchestrator.contracts import Passage
    from orchestrator.experiment import Arm, Comparison, Goal
    from orchestrator.experiment.figures import Prices
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings

MAX_ARMS = 6
PIPE_COLUMNS = 120
_PRICES = 3

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
FOLDER/report.html and FOLDER/report.json are the report. The same mode twice is an A/A run: nothing should win it.
`single` is one plain call with the same evidence and token budget: what an argument has to beat.

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
            help="Modes to compare, the reference first: sequential, parallel, pipelined, single (one plain call).",
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

    from orchestrator.cli.compared import show
    from orchestrator.cli.output import emit, stderr_console, stdout_console, write_file
    from orchestrator.comparing import Header, Journal
    from orchestrator.experiment import Margins, compare, fingerprint_of
    from orchestrator.experiment.page import render
    from orchestrator.settings import load_settings

    notes = stderr_console()
    settings, sides, priced = load_settings(), _arms(arms), _prices(prices)
    asked = _read(goals)
    evidence = _evidence(settings, asked, [*docs, *(paths or ())], corpus, quiet=json_out)
    kept = [goal for goal in asked if evidence[goal.id]]
    for goal in asked:
        if not evidence[goal.id]:
            notes.print(f"skipped {goal.id}: nothing in the documents bears on it", style="yellow")
    if not kept:
        raise InvalidInput("--docs", "bear on none of the goals; name the documents that the goals are about")
    wanted = Header(
        seed=SystemRandom().randrange(2**31) if seed is None else seed,
        arms=sides,
        goals=_fingerprint(goal.model_dump_json(exclude={"passages"}) for goal in kept),
        evidence=_fingerprint(fingerprint_of(evidence[goal.id]) for goal in kept),
    )
    with Journal.open(out, wanted, seed_given=seed is not None) as journal:
        notes.print(
            f"{len(kept)} goals through {', '.join(arm.name for arm in sides)}; seed {journal.header.seed}"
        )
        with ExitStack() as stack:
            _run(journal, kept, evidence, settings, stack, at_a_time=at_a_time, deadline_s=deadline)
        found = compare(
            kept,
            sides,
            journal.trials,
            margins=Margins(margin_latency / 100, margin_rate / 100),
            seed=journal.header.seed,
            prices=priced,
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


def _run(
    journal: Journal,
    goals: Sequence[Goal],
    evidence: dict[str, tuple[Passage, ...]],
    settings: Settings,
    stack: ExitStack,
    *,
    at_a_time: int,
    deadline_s: float | None,
) -> None:
    """Run what the journal lacks."""
    from orchestrator.cli import interrupt
    from orchestrator.cli.compared import Following
    from orchestrator.cli.run import engine_line, join_fleet
    from orchestrator.client import Client
    from orchestrator.comparing import Runner
    from orchestrator.experiment import interleaved
    from orchestrator.settings import require_keys

    done = {(trial.goal, trial.arm) for trial in journal.trials}
    order = interleaved(goals, journal.header.arms, journal.header.seed)
    left = [(goal, arm) for goal, arm in order if (goal.id, arm.name) not in done]
    if not left:
        return
    if settings.redis_url is None:
        require_keys(settings)
    following = stack.enter_context(Following(len(order), journal, at_a_time))
    following.say(engine_line(settings))
    fleet = join_fleet(settings, stack)
    client = stack.enter_context(closing(Client(fleet.settings if fleet else settings)))
    client.check()

    def look() -> None:
        interrupt.check()
        if fleet is not None and fleet.worker_died():
            raise WorldError(f"the private worker died: {fleet.log('worker')[-600:]}")

    runner = Runner(client, evidence, at_a_time=at_a_time, look=look, deadline_s=deadline_s)
    try:
        _warm_up(runner, fleet, left[0])
        for trial in runner.run(left):
            journal.add(trial)
            following.ended(trial, [arm for goal, arm in left if (goal.id, arm.name) not in following.done])
    except KeyboardInterrupt:
        following.say(f"{len(journal.trials)} of {len(order)} jobs are done; the same command goes on.")
        raise


def _warm_up(runner: Runner, fleet: PrivateFleet | None, first: tuple[Goal, Arm]) -> None:
    """Let a private worker start before anything is measured; a fleet's workers run already."""
    if fleet is not None:
        runner.warm_up(*first)


def _read(file: Path) -> tuple[Goal, ...]:
    from orchestrator.experiment import parse_goals

    if str(file) == "-":
        return parse_goals(sys.stdin, "stdin")
    try:
        with file.open(encoding="utf-8") as lines:
            return parse_goals(lines, str(file))
    except OSError as error:
        raise InvalidInput("--goals", f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidInput("--goals", f"{file} is no UTF-8 text; write it as UTF-8") from None


def _arms(names: str) -> tuple[Arm, ...]:
    from typing import cast, get_args

    from orchestrator.contracts import Mode
    from orchestrator.experiment import Arm

    wanted = [name.strip() for name in names.split(",")]
    known = get_args(Mode)
    for name in wanted:
        if name not in known:
            raise InvalidInput("--arms", f"{name[:80]!r} is no mode; there are {', '.join(known)}")
    if not 2 <= len(wanted) <= MAX_ARMS:
        raise InvalidInput(
            "--arms", f"takes 2 to {MAX_ARMS} modes, separated by commas; the first is the reference"
        )
    return tuple(
        Arm(
            name=name if wanted.index(name) == number else f"{name}-{wanted[: number + 1].count(name)}",
            mode=cast("Mode", name),
        )
        for number, name in enumerate(wanted)
    )


def _prices(text: str | None) -> Prices | None:
    from orchestrator.experiment.figures import Prices

    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != _PRICES or not all(0 <= value < float("inf") for value in values):
        raise InvalidInput("--prices", "takes three: of input, output and cached input, as in 0.25,2,0.025")
    return Prices(input=values[0], output=values[1], cached=values[2])


def _evidence(
    settings: Settings, goals: Sequence[Goal], docs: Sequence[Path], corpus: str | None, *, quiet: bool
) -> dict[str, tuple[Passage, ...]]:
    """Each goal's passages: its own, or what is found once in the documents."""
    from orchestrator.cli.documents import corpus_for
    from orchestrator.contracts import TaskSpec
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.routing import PASSAGES_PER_JOB, outline

    found = {goal.id: goal.passages for goal in goals}
    searching = [goal for goal in goals if not goal.passages]
    if not searching:
        if docs or corpus:
            raise InvalidInput("--docs", "go unused: every goal brings its passages; leave them out")
        return found
    documents = Corpus.open(settings.home, corpus_for(settings, docs, corpus, quiet=quiet))
    for goal in searching:
        spec = TaskSpec(task_id="compare", goal=goal.goal, constraints=goal.constraints, scope=goal.scope)
        queries = outline(spec, goal.language or detect_language(goal.goal)).search_queries
        found[goal.id] = tuple(hit.passage for hit in documents.search(queries, PASSAGES_PER_JOB))
    return found


def _fingerprint(parts: Iterable[str]) -> str:
    import hashlib

    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
