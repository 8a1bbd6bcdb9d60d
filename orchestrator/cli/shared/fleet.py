"""What the commands of producers share: the client for REDIS_URL, a job's address, and following a job to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.client import Client
    from orchestrator.contracts import Result
    from orchestrator.local import PrivateFleet
    from orchestrator.store import JobRef

EXIT = {"complete": 0, "failed": 1, "degraded": 3}
NOBODY_AFTER_S = 6.0


@contextmanager
def fleet_client() -> Iterator[Client]:
    """Connect to the fleet. Raises ``InvalidSettings`` without REDIS_URL, ``StoreUnavailable`` where nobody answers."""
    from orchestrator.client import Client
    from orchestrator.settings import load_settings

    with Client(load_settings()) as client:
        client.check()
        yield client


def job_ref(job: str, tenant: str) -> JobRef:
    """The job's address. Raises ``InvalidInput`` that names the option."""
    from pydantic import TypeAdapter, ValidationError

    from orchestrator.contracts.base import TaskId, Tenant
    from orchestrator.errors import InvalidInput
    from orchestrator.store import JobRef

    for name, kind, value in (("JOB", TaskId, job), ("--tenant", Tenant, tenant)):
        try:
            TypeAdapter[str](kind).validate_python(value)
        except ValidationError:
            raise InvalidInput(
                name, f"{value[:80]!r} is none; triptych list shows jobs and tenants"
            ) from None
    return JobRef(tenant, job)


def follow(
    client: Client,
    ref: JobRef,
    *,
    quiet: bool,
    plain: bool,
    within_s: float | None = None,
    private: PrivateFleet | None = None,
) -> Result:
    """Show the job's progress on stderr until it has its result.

    Raises ``StillRunning`` after ``within_s``, and ``WorldError`` where the worker of its ``private`` fleet dies.
    """
    import sys

    from orchestrator.cli.shared import interrupt
    from orchestrator.cli.shared.output import stderr_console
    from orchestrator.cli.shared.view import LiveTable, PlainLines
    from orchestrator.contracts.events import TaskStart

    notes = stderr_console()

    def say(line: str) -> None:
        if not quiet:
            notes.print(line)

    live = not quiet and not plain and sys.stderr.isatty()
    first = "starting a private worker" if private is not None else "waiting for a worker"
    view: LiveTable | PlainLines = LiveTable(notes, first) if live else PlainLines(say, first)
    began, taken = time.monotonic(), private is not None
    with view:
        for _, event in client.stream(ref, watch=not quiet, within_s=within_s):
            interrupt.check()
            view.show(event)
            taken = taken or isinstance(event, TaskStart)
            if event is None and private is not None:
                private.check_worker()
            if not taken and time.monotonic() - began >= NOBODY_AFTER_S:
                say("No worker has taken the job yet; is one running? (triptych worker)")
                taken = True
    return client.wait(ref)


def show(result: Result, *, as_json: bool, plain: bool) -> None:
    """Print a result as every command does."""
    import sys

    from orchestrator.cli.shared.answer import print_answer, print_figures
    from orchestrator.cli.shared.output import stderr_console

    if as_json:
        print(result.to_wire())
        return
    print_answer(result, plain=plain or not sys.stdout.isatty())
    print_figures(result, stderr_console())
