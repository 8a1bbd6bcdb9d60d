"""What the dashboard and ``triptych report`` cost on a SQLite archive: ``python -m benchmarks.dashboard [JOBS]``.

Each job has sixteen events, as a parallel one has; they are spread over thirty days.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from orchestrator.contracts.events import Event, JobEnd, JobSubmitted, StepEnd
from orchestrator.report import summarise
from orchestrator.report.series import MOST_JOBS, RANGES, History
from orchestrator.store.archive import Archive, archive_in
from orchestrator.store.keys import JobRef
from orchestrator.store.origin import end_id

SPAN_MS = RANGES["30d"].span_ms
UNTIL_MS = 1_795_000_000_000
BATCH = 1_000


def entries(jobs: int, dice: random.Random) -> Iterator[tuple[str, str]]:
    """The jobs' ledger, as stream entries."""
    for number in range(jobs):
        at_ms = UNTIL_MS - SPAN_MS + SPAN_MS * number // jobs
        name, total_ms = f"job{number}", int(dice.lognormvariate(9.6, 0.3))
        submitted = JobSubmitted(
            event_id=f"{dice.getrandbits(128):032x}", task_id=name, requested_mode="auto", deadline_s=180.0
        )
        yield f"{at_ms}-0", submitted.model_dump_json()
        for step in range(1, 15):
            between = StepEnd(
                event_id=f"{dice.getrandbits(128):032x}", task_id=name, step="thesis", event="thesis_end",
                status="ok", duration_ms=4_500, provider="openai", model="test-model",
            )  # fmt: skip
            yield f"{at_ms + step}-0", between.model_dump_json()
        end = JobEnd(
            event_id=end_id(JobRef("default", name)), task_id=name, status="complete", evidence_ok=dice.random() < 0.97,
            mode="parallel" if dice.random() < 0.5 else "sequential", total_ms=total_ms, sequential_ms=total_ms + 4_000,
        )  # fmt: skip
        yield f"{at_ms + 15}-0", end.model_dump_json()


def fill(archive: Archive, jobs: int) -> None:
    """Archive them, in batches."""
    batch: list[tuple[str, str]] = []
    for entry in entries(jobs, random.Random(7)):  # noqa: S311 - a seeded choice is no secret
        batch.append(entry)
        if len(batch) == BATCH:
            archive.append("bench", batch)
            batch = []
    archive.append("bench", batch)


def timed(what: str, work: Callable[[], object]) -> None:
    """Do it, and say how long it took, wall clock and CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    print(f"{what:<44} {time.perf_counter() - wall:7.2f} s  {time.process_time() - cpu:7.2f} s CPU")


def reported(events: Iterable[Event], jobs: int) -> None:
    """Make a report of them, of all jobs."""
    report = summarise(events, until_ms=UNTIL_MS)
    if report.submitted != jobs or sum(mode.jobs for mode in report.modes) != jobs:
        raise SystemExit(f"{report.submitted:,} accepted, {report.modes}")


def main(jobs: int) -> None:
    """Measure, and print a line for each figure."""
    with tempfile.TemporaryDirectory() as home:
        archive = archive_in(Path(home))
        fill(archive, jobs)
        since_ms = UNTIL_MS - SPAN_MS
        history = History()
        timed(
            f"first look back over 30 days, {jobs:,} jobs",
            lambda: history.add(archive.milestones(since_ms=since_ms, most=MOST_JOBS)),
        )
        if len(history) != min(jobs, MOST_JOBS):
            raise SystemExit(f"{len(history):,} jobs were found")
        for name in RANGES:
            timed(f"series of {name}", lambda name=name: history.series(name, until_ms=UNTIL_MS))  # type: ignore[misc]  # a default binds it
        timed("the same by reading every event", lambda: History().add(archive.events(since_ms=since_ms)))
        timed(
            "first look of triptych report",
            lambda: reported(archive.milestones(since_ms=since_ms, begun=True), jobs),
        )
        timed("the same by reading every event", lambda: reported(archive.events(since_ms=since_ms), jobs))
        tracemalloc.start()
        again = History()
        again.add(archive.milestones(since_ms=since_ms, most=MOST_JOBS))
        print(f"{'memory held':<44} {tracemalloc.get_traced_memory()[0] / 1e6:7.1f} MB")
        archive.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
