"""What Redis says of the ledger's archive: where it is, how far behind, what ails it, and whether jobs are admitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import redis

from orchestrator.store import keys
from orchestrator.store.admission import Admission, admission
from orchestrator.store.archiving import read_page
from orchestrator.store.connection import translated

RECENT_S = 60.0


@dataclass(frozen=True)
class ArchiveProblem:
    """What the last archiver that failed said, where (for people), and how long ago (s)."""

    what: str
    place: str
    ago_s: float


@dataclass(frozen=True)
class ArchiveState:
    """``waiting_s`` is the age of the oldest event that is not archived; 0 where none waits.

    ``place`` is the archive that was last written, ``None`` where none ever was.
    """

    admission: Admission = field(default_factory=Admission)
    waiting_s: float = 0.0
    place: str | None = None
    problem: ArchiveProblem | None = None


def archive_state(client: redis.Redis, *, now_ms: int) -> ArchiveState:
    """Look, by Redis TIME. Raises ``StoreUnavailable``."""
    with translated():
        said = cast("dict[str, str]", client.hgetall(keys.ARCHIVED))
    first = read_page(client, said.get("cursor"), limit=1).entries
    problem = None
    if "problem" in said:
        ago_s = _age_s(now_ms, said.get("problem_ms", "0"))
        problem = ArchiveProblem(said["problem"], said.get("problem_by", "?"), ago_s)
    return ArchiveState(
        admission=admission(client),
        waiting_s=_age_s(now_ms, first[0][0].partition("-")[0]) if first else 0.0,
        place=said.get("by"),
        problem=problem if problem and problem.ago_s < RECENT_S else None,
    )


def _age_s(now_ms: int, then_ms: str) -> float:
    return max(0, now_ms - int(then_ms)) / 1_000
