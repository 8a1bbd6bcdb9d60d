"""Leases as values: the right to run one step, and the answers to asking for it, renewing it, writing under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.store.keys import JobRef
from orchestrator.store.record import JobRecord

LEASE_MS = 6_000
"""How long a lease outlives its last renewal. The heartbeat renews three times in that time."""

GrantStatus = Literal["granted", "done", "held", "ended", "expired", "missing", "begun", "not ready"]
Renewal = Literal["kept", "kept_watched", "lost", "cancelled", "expired"]
Written = Literal["written", "duplicate", "lost", "ended"]


@dataclass(frozen=True)
class Lease:
    """The right to run one step, fenced by ``token`` (attempt number and owner)."""

    ref: JobRef
    step: str
    token: str

    @property
    def attempt(self) -> int:
        """Which try at the step, from 1."""
        return int(self.token.partition(" ")[0])


@dataclass(frozen=True)
class Granted:
    """A lease, the job's record as it was at that moment, and whether somebody watches it.

    ``queued_ms`` is how long the step has lain in its queue: since its message was sent, or could have been.
    """

    lease: Lease
    record: JobRecord
    watched: bool
    queued_ms: int = 0


@dataclass(frozen=True)
class Stored:
    """The answer to storing an output.

    ``loose``: a step of this job was started twice or sent outside the chord, so the chord may never complete.
    ``awaited`` is as in ``orchestrator.routing.flow``. ``sends`` are the steps that the caller has to send now; they
    are marked as sent already.
    """

    status: Written
    loose: bool = False
    awaited: tuple[str, ...] | None = None
    sends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """The answer to asking for a lease. ``now_ms`` is Redis TIME, epoch; ``granted`` is set when it is."""

    status: GrantStatus
    attempt: int
    now_ms: int
    granted: Granted | None = None
