"""``triptych``: the door. Every error a person can cause or mend is one line on stderr and an exit code.

0 complete, 1 the job failed, 2 bad input or a world that is away, 3 degraded, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import typer
from typer.exceptions import TyperException

from orchestrator.cli import config, interrupt, ledger, run, schema, search, timeline, worker
from orchestrator.errors import CallerError, JobError, WorldError

app = typer.Typer(
    name="triptych",
    help="Answer a question by argument: a thesis, an antithesis and a synthesis, every claim with its source.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 complete, 3 degraded, 1 failed, 2 bad input or Redis away, 130 interrupted.",
)
app.command("run")(run.run)
app.command("search")(search.search)
app.command("worker")(worker.worker)
app.command("timeline")(timeline.command)
app.add_typer(ledger.app, name="ledger")
app.command("config")(config.command)
app.command("schema")(schema.command)


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


def main() -> int:
    """Run a command and return its exit code."""
    interrupt.install()
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        message = getattr(error, "format_message", error.__str__)()
        return _say(f"{message} Try: triptych {_command(error)}--help", 2)
    except (CallerError, WorldError) as error:
        return _say(str(error), 2)
    except JobError as error:
        return _say(str(error), 1)
    except typer.Abort:
        code = _INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): not an error. Keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if code == _INTERRUPTED:
        return _say("interrupted", interrupt.exit_code())
    return code if isinstance(code, int) else 0


def _command(error: TyperException) -> str:
    name = getattr(getattr(error, "ctx", None), "info_name", None)
    return f"{name} " if name and name != "triptych" else ""


def _say(problem: str, code: int) -> int:
    print(f"triptych: {' '.join(problem.split())}", file=sys.stderr)
    return code
