"""``triptych rollout``: move traffic to another mode in stages, and back by itself where it fails more often."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared.operator import Who, me
from orchestrator.cli.shared.output import emit, pipe_safe

if TYPE_CHECKING:
    from orchestrator.client import Client
    from orchestrator.contracts.rollout import Move, Stage
    from orchestrator.store.rollouts import Rollout

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Move traffic to another mode in stages: 5, 25, 50, 100 % of the eligible jobs.

Eligible are jobs that ask for `auto` and lie below the complexity boundary. Which of them run in the new mode follows
from their ids: a job keeps its mode, and a larger share moves none back.

**Back by itself.** A job fails where it is failed, degraded, or its evidence does not hold. As soon as the new mode has
more of the failures than its share explains (E reaches 20), all new jobs run in the old mode again, until somebody
starts another rollout. That is looked at every second, also while the rollout is paused.

**On by itself**, when a stage has had its time (`--hold`), its jobs (`--count`), and the bounds hold: the new mode
fails less than `--margin` more often (95 %), and its mean latency is at most `--slower` longer. `status` says what is
waited for.

`triptych mode set` stands above it: while a mode is set by hand, no job is assigned and the rollout holds.
""",
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Why = Annotated[str, typer.Option(help="Kept in the ledger.")]
WENT_BACK = {"rolled_back": 1, "aborted": 1}


@app.command("start")
def start_command(
    to: Annotated[str, typer.Option("--to", help="The new mode.", metavar="MODE")] = "parallel",
    frm: Annotated[
        str, typer.Option("--from", help="The mode of all other eligible jobs.", metavar="MODE")
    ] = "sequential",
    stages: Annotated[str, typer.Option(help="Percent of the eligible jobs, rising.")] = "5,25,50,100",
    hold: Annotated[str, typer.Option(help="Least time of a stage; longer than a job may take.")] = "30m",
    count: Annotated[int, typer.Option(min=1, help="Least ended jobs of each mode, a stage.")] = 60,
    margin: Annotated[str, typer.Option(help="How much more often the new mode may fail.")] = "2%",
    slower: Annotated[str, typer.Option(help="How much longer its mean latency may be.")] = "10%",
    why: Annotated[str, typer.Option(help="For whoever finds jobs in another mode than expected.")] = "",
    who: Who = None,
    json_out: AsJson = False,
) -> None:
    """Begin at the first stage. Takes the place of TRIPTYCH_PARALLEL_SHARE, on every worker, with the next plan."""
    from pydantic import ValidationError

    from orchestrator import rolling
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.cli.steer.rollout_options import mode_named, parse_duration, parse_percent, parse_shares
    from orchestrator.errors import InvalidInput

    held_s, shares = parse_duration(hold), parse_shares(stages)
    try:
        spec = rolling.new_spec(
            from_mode=mode_named("--from", frm),
            to_mode=mode_named("--to", to),
            stages=tuple(_stage(share, held_s, count) for share in shares),
            margin=parse_percent("--margin", margin),
            slower=parse_percent("--slower", slower),
        )
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        where = ".".join(str(part) for part in first["loc"]) or "rollout"
        raise InvalidInput(where, said) from None
    with fleet_client() as client:
        _show(client, rolling.start(client.redis, spec, who=who or me(), why=why), as_json=json_out)


@app.command("status")
@pipe_safe
def status_command(
    watch: Annotated[bool, typer.Option("--watch", help="Go on until it has ended, or Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.2, max=3_600, help="Seconds between looks, with --watch.", metavar="S")
    ] = 2.0,
    json_out: AsJson = False,
) -> None:
    """Show stage, share, jobs of both arms, E against 20, the bounds, what is waited for, and the history.

    Exit code 0; 1 where the rollout was rolled back or aborted.
    """
    from orchestrator.cli.shared import interrupt
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.rollout.decide import UNDER_WAY
    from orchestrator.store.rollouts import RolloutStore

    with fleet_client() as client:
        store = RolloutStore(client.redis)
        stands = store.load()
        while True:
            _show(client, stands, as_json=json_out)
            if not watch or stands is None or stands.status.phase not in UNDER_WAY:
                break
            end = time.monotonic() + every
            while (left := end - time.monotonic()) > 0:
                interrupt.check()
                time.sleep(min(left, 0.2))
            stands = store.load()
    raise typer.Exit(WENT_BACK.get(stands.status.phase, 0) if stands else 0)


@app.command("pause")
def pause_command(why: Why = "", who: Who = None, json_out: AsJson = False) -> None:
    """Stay at this stage: jobs go on being assigned and counted, and the guard goes on."""
    _ask("pause", why, who, as_json=json_out)


@app.command("resume")
def resume_command(why: Why = "", who: Who = None, json_out: AsJson = False) -> None:
    """Let a paused rollout go on by itself."""
    _ask("resume", why, who, as_json=json_out)


@app.command("promote")
def promote_command(why: Why = "", who: Who = None, json_out: AsJson = False) -> None:
    """Go to the next stage now, whatever it waits for; from the last, complete. The guard goes on."""
    _ask("promote", why, who, as_json=json_out)


@app.command("abort")
def abort_command(why: Why = "", who: Who = None, json_out: AsJson = False) -> None:
    """End it: all new jobs run in the old mode. Jobs under way keep theirs."""
    _ask("abort", why, who, as_json=json_out)


@app.command("clear")
def clear_command(why: Why = "", who: Who = None, json_out: AsJson = False) -> None:
    """Forget a rollout that has ended: TRIPTYCH_PARALLEL_SHARE decides again."""
    from orchestrator import rolling
    from orchestrator.cli.shared.fleet import fleet_client

    with fleet_client() as client:
        rolling.clear(client.redis, who=who or me(), why=why)
        _show(client, None, as_json=json_out)


def _ask(move: Move, why: str, who: str | None, *, as_json: bool) -> None:
    from orchestrator import rolling
    from orchestrator.cli.shared.fleet import fleet_client

    with fleet_client() as client:
        _show(client, rolling.ask(client.redis, move, who=who or me(), why=why), as_json=as_json)


def _show(client: Client, stands: Rollout | None, *, as_json: bool) -> None:
    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.cli.steer.rollout_view import as_object, layout
    from orchestrator.store.rollouts import RolloutStore
    from orchestrator.switch import current

    history, switch = RolloutStore(client.redis).history(), current(client.redis)
    if as_json:
        emit(as_object(stands, history))
    else:
        stdout_console().print(layout(stands, history, switch), soft_wrap=True)


def _stage(share: float, hold_s: float, count: int) -> Stage:
    from orchestrator.contracts.rollout import Stage

    return Stage(share=share, hold_s=hold_s, count=count)
