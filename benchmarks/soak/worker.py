"""``python -m benchmarks.soak.worker``: a Triptych worker whose personas sleep, and write down that they did."""

from __future__ import annotations

import argparse

import redis

from benchmarks.simulated import SimulatedWork
from benchmarks.soak import book
from orchestrator.broker import QUEUES
from orchestrator.settings import load_settings
from orchestrator.store import connect
from workers.execution import Attempt, Work, Worked
from workers.runtime import Runtime
from workers.serve import serve


class BookedWork(SimulatedWork):
    """Sleeps, between two entries in the book."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def __call__(self, attempt: Attempt) -> Worked:
        """Sleep."""
        name = book.begun(self._client, attempt.ref.task_id, attempt.step)
        worked = super().__call__(attempt)
        book.ended(self._client, name)
        return worked


class BookedRuntime(Runtime):
    """The parts of a worker process, with other persona steps."""

    def personas(self) -> Work:
        """Sleep instead of asking a model."""
        assert self.settings.redis_url is not None, "the base class refuses to be made without"  # noqa: S101 - for mypy
        return BookedWork(connect(self.settings.redis_url.get_secret_value()))


def main() -> int:
    """Run a worker until it is told to stop. Returns the exit code."""
    parser = argparse.ArgumentParser(description="A Triptych worker whose personas are simulated.")
    parser.add_argument("--concurrency", type=int, required=True)
    slots = parser.parse_args().concurrency
    return serve(BookedRuntime(load_settings(), slots=slots), queues=QUEUES, concurrency=slots)


if __name__ == "__main__":
    raise SystemExit(main())
