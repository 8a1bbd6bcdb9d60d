"""The claims of a pipelined thesis, recorded one by one as they close, each with its rebuttal's message behind it."""

from __future__ import annotations

from orchestrator.contracts import Claim
from orchestrator.contracts.events import ClaimClosed
from orchestrator.errors import LeaseLost
from orchestrator.routing.flow import CLAIM, REBUTTAL, part
from orchestrator.store import JobRecord, JobStore
from orchestrator.store.leases import Lease
from orchestrator.store.origin import origin
from workers.patience import patiently
from workers.progress import Canvas, Progress


class Claims:
    """What of one attempt at a thesis stands in the record. Used by one thread at a time."""

    def __init__(
        self,
        lease: Lease,
        record: JobRecord,
        canvas: Canvas,
        *,
        store: JobStore,
        progress: Progress,
    ) -> None:
        self._lease = lease
        self._canvas = canvas
        self._store = store
        self._progress = progress
        self._written = list(record.claims.values())

    @property
    def written(self) -> tuple[Claim, ...]:
        """All that are recorded, those of earlier attempts first."""
        return tuple(self._written)

    def add(self, claim: Claim) -> None:
        """Record the next claim and send its rebuttal. Blocks through an outage.

        Raises ``LeaseLost`` where another worker has the thesis or the job has ended: nothing was recorded.
        """
        lease, number = self._lease, len(self._written) + 1
        rebuttal = part(REBUTTAL, number)
        event = ClaimClosed(
            **origin(lease.ref, lease.step, lease.attempt),
            claim_id=claim.id,
            depends_on=claim.depends_on,
        )
        stored = patiently(
            lambda: self._store.write_claim(lease, part(CLAIM, number), claim, event=event, sends=rebuttal)
        )
        if stored in ("lost", "ended"):
            raise LeaseLost("the thesis is another worker's now, or its job has ended")
        self._written.append(claim)
        self._progress.claimed(lease.ref, rebuttal, self._canvas)
