"""A time line's values. All times are ms since the job was accepted, by the ledger's one clock."""

from __future__ import annotations

from typing import Annotated, Literal

from orchestrator.contracts.base import Frozen, Sequence
from orchestrator.contracts.persona import Status
from orchestrator.contracts.result import JobStatus

RowStatus = Status | Literal["running", "lost", "late"]
"""``lost``: the attempt never ended; its lease went, it was sent again, or the job ended without it. ``late``: so did
a critic that the job did not wait for; nothing was lost by it."""

UNHEARD: frozenset[RowStatus] = frozenset({"lost", "late"})
"""Attempts of which nothing came."""


class Row(Frozen):
    """One attempt at one step.

    ``end_ms`` of a running attempt is the time line's end; of a lost or late one, the moment that was noticed.
    ``first_token_ms`` counts from the start of the attempt. ``last`` marks a step's latest attempt;
    ``critical`` marks the chain of attempts that determined when the job ended.
    """

    step: str
    attempt: int = 1
    start_ms: int
    end_ms: int
    status: RowStatus
    queued_ms: int | None = None
    first_token_ms: int | None = None
    worker: str = ""
    process_id: int = 0
    thread_id: int = 0
    last: bool = True
    critical: bool = False

    @property
    def duration_ms(self) -> int:
        """How long the attempt ran."""
        return self.end_ms - self.start_ms


class Timeline(Frozen):
    """One job on its clock.

    ``critical_path_ms`` sums the attempts that determined the end, each as far as the next waited for it; what
    ``total_ms`` has beyond it was spent between steps. ``sequential_ms`` sums every step's last attempt: what one after
    another would have taken. ``saved_ms`` is how much shorter the job was than that, and 0 where it was not.
    ``at_once`` is how many attempts ran at one moment at most.
    """

    task_id: str = ""
    mode: str = ""
    status: JobStatus | Literal["running"] = "running"
    accepted_at_ms: int = 0
    total_ms: int = 0
    critical_path_ms: int = 0
    sequential_ms: int = 0
    saved_ms: int = 0
    at_once: int = 0
    rows: Annotated[tuple[Row, ...], Sequence] = ()
