"""``triptych worker``: take part in a fleet from this machine."""

from __future__ import annotations

import os
import sys

import typer


def worker(
    queues: str = typer.Option(
        "plan,thesis,antithesis,synthesis,judge",
        help="Comma-separated queues to take from: personas, so that they scale apart, and the judge's questions.",
    ),
    concurrency: int | None = typer.Option(None, min=1, help="Threads (default: TRIPTYCH_CONCURRENCY)."),
    model: str | None = typer.Option(
        None, help="provider:model, or extractive; instead of TRIPTYCH_MODEL.", metavar="NAME"
    ),
    supervise: bool = typer.Option(False, "--supervise", help="Start it again when it has died."),
) -> None:
    """Run a worker on the Redis that REDIS_URL names, until it is stopped (SIGTERM finishes what is under way).

    It needs to be told its model: TRIPTYCH_MODEL or --model, and be it extractive.
    """
    command = [sys.executable, "-m", "workers", "--queues", queues]
    if concurrency:
        command += ["--concurrency", str(concurrency)]
    if model:
        command += ["--model", model]
    if supervise:
        command.append("--supervise")
    # This process becomes the worker: signals reach it directly, and the command line never imports it.
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and module
