"""The ledger's archive: whether it can be used from here, is kept up, is one, and lets new jobs in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.doctor.about import About
from orchestrator.doctor.finding import Finding, error, ok, warning
from orchestrator.errors import ArchiveUnusable, InvalidSettings
from orchestrator.settings import Settings
from orchestrator.store.admission import Admission
from orchestrator.store.archive import archive_of, network_file_system
from orchestrator.store.archive_state import ArchiveState

WAITED_S = 60.0
ENTRY_BYTES = 500
"""Of Redis' memory, for an event of usual length in the ledger's stream."""
MEMORY_SHARE = 0.5


def examine_archive(settings: Settings) -> Iterator[Finding]:
    """Look at the archive that this environment names, from here."""
    check = "ledger's archive"
    try:
        archive = archive_of(settings)
    except InvalidSettings as problem:
        yield error(check, problem.field, problem.problem)
        return
    try:
        archive.recent(1)
    except ArchiveUnusable as problem:
        yield error(check, str(problem), "mend it; events wait in Redis meanwhile")
        return
    finally:
        archive.close()
    kind = None if settings.ledger_url else network_file_system(settings.home)
    if kind:
        yield warning(
            check,
            f"{archive.label} is on a network file system ({kind}), whose locks are all that keeps hosts apart",
            "set TRIPTYCH_LEDGER_URL to a Postgres, on all workers",
        )
    else:
        yield ok(check, archive.label)


def judge_ledger(state: ArchiveState, *, memory_max: int) -> Iterator[Finding]:
    """Judge whether events are archived and jobs admitted. ``memory_max`` is Redis' limit in bytes; 0 is none."""
    admission, problem = state.admission, state.problem
    mend = (
        f"mend {problem.place}"
        if problem
        else "see the workers' logs for archive_unusable and archive_missed"
    )
    if problem:
        yield error("archiving", f"{problem.what} ({problem.ago_s:.0f} s ago)", mend)
    elif state.waiting_s > WAITED_S:
        yield warning("archiving", f"the oldest event has waited {state.waiting_s:.0f} s", mend)
    elif state.place:
        yield ok("archiving", f"{state.place}, {admission.waiting:,} events wait")
    if not admission.open:
        yield error(
            "admission",
            f"closed: {admission.waiting:,} events wait for the ledger's archive, {admission.backlog:,} may",
            f"{mend}; it opens by itself, and nothing is lost",
        )
    elif memory_max and admission.backlog * ENTRY_BYTES > MEMORY_SHARE * memory_max:
        yield warning(
            "admission",
            f"a backlog of {admission.backlog:,} events takes {admission.backlog * ENTRY_BYTES / 2**20:,.0f} MiB, "
            f"over half of Redis' {memory_max / 2**20:,.0f} MiB, before new jobs are refused",
            "lower TRIPTYCH_LEDGER_BACKLOG on all workers, or raise maxmemory",
        )
    else:
        yield ok(
            "admission", f"open: {admission.waiting:,} of {admission.backlog:,} events wait for the archive"
        )


def judge_room(admission: Admission) -> Iterator[Finding]:
    """Judge whether there is a place for one more job."""
    if admission.full:
        yield warning(
            "jobs",
            f"{admission.jobs:,} of {admission.max_jobs:,} are under way: new ones are refused until one ends",
            "add workers and raise TRIPTYCH_MAX_JOBS on all of them, or let producers wait as they are told",
        )
    else:
        yield ok("jobs", f"{admission.jobs:,} of {admission.max_jobs:,} under way")


def judge_archives(workers: Sequence[About]) -> Iterator[Finding]:
    """Judge whether all workers archive in one place: what one place has and Redis no longer, another never gets."""
    places = {w.archive_id: w.archive for w in workers if w.archive_id}
    if len(places) > 1:
        yield warning(
            "archives",
            f"workers archive in {len(places)} places: {', '.join(sorted(places.values())[:4])}",
            "set the same TRIPTYCH_LEDGER_URL on all; `triptych ledger` says on each host what that one lacks",
        )
