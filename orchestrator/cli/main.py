"""``triptych``: the door. Every error a person can cause or mend is one line on stderr and an exit code.

0 complete, 1 the job failed, 2 bad input or a world that is away, 3 degraded, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import errno
import os
import sys

import typer
from typer.exceptions import TyperException

from orchestrator.cli.ask import cancel, corpus, jobs, result, run, search, submit, watch
from orchestrator.cli.help import Commands
from orchestrator.cli.judge import compare, gate
from orchestrator.cli.look import ledger, report, stats, timeline
from orchestrator.cli.operate import acl, config, dlq, doctor, exporter, flower, schema, serve, worker
from orchestrator.cli.shared import interrupt
from orchestrator.cli.steer import mode, pause, rollout, route
from orchestrator.errors import CallerError, JobError, WorldError

app = typer.Typer(
    name="triptych",
    cls=Commands,
    help="Answer a question by argument: a thesis, an antithesis and a synthesis, every claim with its source.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 complete, 3 degraded, 1 failed, 2 bad input or Redis away, 130 interrupted.",
)
ASK, JUDGE, LOOK, STEER, OPERATE = "Ask", "Judge", "Look back", "Steer", "Operate"
app.command("run", rich_help_panel=ASK)(run.run)
app.command("search", rich_help_panel=ASK)(search.search)
app.add_typer(corpus.app, name="corpus", rich_help_panel=ASK)
app.command("submit", rich_help_panel=ASK)(submit.submit)
app.command("watch", rich_help_panel=ASK)(watch.watch)
app.command("result", rich_help_panel=ASK)(result.result)
app.command("list", rich_help_panel=ASK)(jobs.command)
app.command("cancel", rich_help_panel=ASK)(cancel.cancel)
app.add_typer(gate.app, name="gate", rich_help_panel=JUDGE)
app.command("compare", help=compare.HELP, rich_help_panel=JUDGE)(compare.command)
app.command("timeline", rich_help_panel=LOOK)(timeline.command)
app.add_typer(ledger.app, name="ledger", rich_help_panel=LOOK)
app.command("report", rich_help_panel=LOOK)(report.command)
app.command("stats", rich_help_panel=LOOK)(stats.command)
app.add_typer(route.app, name="route", rich_help_panel=STEER)
app.add_typer(mode.app, name="mode", rich_help_panel=STEER)
app.add_typer(rollout.app, name="rollout", rich_help_panel=STEER)
app.command("pause", rich_help_panel=STEER)(pause.pause_command)
app.command("resume", rich_help_panel=STEER)(pause.resume_command)
app.command("worker", rich_help_panel=OPERATE)(worker.worker)
app.command("serve", rich_help_panel=OPERATE)(serve.command)
app.command("flower", rich_help_panel=OPERATE)(flower.command)
app.command("exporter", rich_help_panel=OPERATE)(exporter.command)
app.command("doctor", rich_help_panel=OPERATE)(doctor.command)
app.add_typer(dlq.app, name="dlq", rich_help_panel=OPERATE)
app.command("acl", rich_help_panel=OPERATE)(acl.command)
app.command("config", rich_help_panel=OPERATE)(config.command)
app.command("schema", rich_help_panel=OPERATE)(schema.command)


def version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from orchestrator import __version__

        print(f"triptych {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(
        False, "--version", callback=version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Options that go before a command."""


_INTERRUPTED = 130
"""What typer makes of a ``KeyboardInterrupt``."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main() -> int:
    """Run a command and return its exit code."""
    interrupt.install()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can still be said
    except TyperException as error:
        return _misused(error)
    except (CallerError, WorldError) as error:
        return _say(str(error), 2)
    except JobError as error:
        return _say(str(error), 1)
    except typer.Abort:
        code = _INTERRUPTED
    except OSError as error:
        return _unwritable(error)
    if code == _INTERRUPTED:
        return _say("interrupted", interrupt.exit_code())
    return code if isinstance(code, int) else 0


def _misused(error: TyperException) -> int:
    message = getattr(error, "format_message", error.__str__)().replace("Value error, ", "")
    # Without one, a command that needs more has shown its help instead.
    return _say(f"{message} Try: triptych {_command(error)}--help", 2) if message else 2


def _command(error: TyperException) -> str:
    """The command that the error is about, with the ones that it belongs to."""
    names: list[str] = []
    context = getattr(error, "ctx", None)
    while context is not None and context.parent is not None:  # the outermost is triptych itself
        names.insert(0, f"{context.info_name} ")
        context = context.parent
    return "".join(names)


def _unwritable(error: OSError) -> int:
    """Stdout takes no more: its reader went away (`| head`), which is no error, or its disk is full."""
    gone = isinstance(error, BrokenPipeError)
    if not gone and error.errno not in _NO_ROOM:
        raise error
    # Python writes what is left once more at exit, and would complain: into the void, then.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if gone:
        return 0
    return _say(f"the output cannot be written ({error.strerror}); make room, or write elsewhere", 2)


def _say(problem: str, code: int) -> int:
    print(f"triptych: {' '.join(problem.split())}", file=sys.stderr)
    return code
