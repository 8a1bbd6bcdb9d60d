"""``python -m benchmarks.worker``: a Triptych worker in everything but its personas, which are simulated."""

from __future__ import annotations

import argparse

from benchmarks.simulated import SimulatedWork
from orchestrator.settings import load_settings
from workers.execution import Work
from workers.runtime import Runtime
from workers.serve import serve


class SimulatedRuntime(Runtime):
    """The parts of a worker process, with other persona steps."""

    def personas(self) -> Work:
        """Sleep instead of asking a model."""
        return SimulatedWork()


def main() -> int:
    """Run a worker until it is told to stop. Returns the exit code."""
    parser = argparse.ArgumentParser(description="A Triptych worker whose personas are simulated.")
    parser.add_argument("--queues", required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    arguments = parser.parse_args()
    slots = arguments.concurrency
    runtime = SimulatedRuntime(load_settings(), slots=slots)
    return serve(runtime, queues=arguments.queues.split(","), concurrency=slots)


if __name__ == "__main__":
    raise SystemExit(main())
