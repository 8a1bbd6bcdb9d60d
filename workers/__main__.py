"""``python -m workers``: one worker process. ``triptych worker`` starts it with the same arguments."""

from __future__ import annotations

import argparse
import sys

from orchestrator.errors import CallerError, InvalidInput, WorldError


def main(argv: list[str] | None = None) -> int:
    """Run a worker until it is told to stop (once: it drains; twice: it hurries). Returns the exit code."""
    from orchestrator.broker import ALL_QUEUES
    from orchestrator.settings import load_settings, require_model

    parser = argparse.ArgumentParser(prog="triptych worker", description="Run one worker process.")
    parser.add_argument(
        "--queues",
        default=",".join(ALL_QUEUES),
        help=f"comma-separated queues to take from (default: {','.join(ALL_QUEUES)})",
    )
    parser.add_argument("--concurrency", type=int, help="threads (default: TRIPTYCH_CONCURRENCY)")
    parser.add_argument(
        "--model", help="provider:model for every persona, or extractive (default: TRIPTYCH_MODEL)"
    )
    parser.add_argument("--supervise", action="store_true", help="start again when it has died")
    arguments = parser.parse_args(argv)
    if arguments.supervise:
        from workers.process.supervise import supervise

        given = sys.argv[1:] if argv is None else argv
        return supervise([word for word in given if word != "--supervise"])
    try:
        settings = load_settings(**({"model": arguments.model} if arguments.model else {}))
        require_model(settings)
        wanted = tuple(dict.fromkeys(name.strip() for name in arguments.queues.split(",") if name.strip()))
        if not wanted or not set(wanted) <= set(ALL_QUEUES):
            problem = f"{arguments.queues!r} names no queue, or one that there is not"
            raise InvalidInput("--queues", f"{problem}; choose from {', '.join(ALL_QUEUES)}")
        if arguments.concurrency is not None and arguments.concurrency < 1:
            raise InvalidInput(
                "--concurrency", f"is {arguments.concurrency}; a worker needs 1 thread at least"
            )
        from workers.runtime import Runtime
        from workers.serve import serve

        slots = arguments.concurrency or settings.concurrency
        return serve(Runtime(settings, slots=slots), queues=wanted, concurrency=slots)
    except (CallerError, WorldError) as error:
        print(f"triptych worker: {error}", file=sys.stderr)  # noqa: T201 - the command's own error line
        return 2


if __name__ == "__main__":
    sys.exit(main())
