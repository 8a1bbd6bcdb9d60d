"""Where ledger events are read from: one small protocol over the archive, the live stream, or both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from orchestrator.contracts.events import Event


class EventSource(Protocol):
    """Ledger events, in time order unless it says otherwise. Reads are paged: memory does not grow with the ledger."""

    def events(self, task_id: str | None = None, *, since_ms: int | None = None) -> Iterator[Event]:
        """Read all events, or one job's, from ``since_ms`` (epoch) on."""
        ...

    def milestones(self, *, since_ms: int, most: int | None = None, begun: bool = False) -> Iterator[Event]:
        """Read ends of jobs and what concerns no single job, from ``since_ms`` (epoch) on; in no order, some twice.

        With ``begun`` the acceptances of jobs too. Of what is archived the latest ``most`` jobs, and as many events of
        the fleet: the work is bounded then, however long the ledger is.
        """
        ...

    def recent(self, n: int) -> Sequence[Event]:
        """Read the last ``n`` events, oldest first."""
        ...

    def follow(self) -> Iterator[Event]:
        """Read every event appended after this call, as it comes; blocks in between, for ever."""
        ...

    def resolve(self, job: str) -> str:
        """Find the task id that ``job`` stands for: an id, a unique prefix of one, or ``last``.

        Raises ``JobNotFound`` where nothing fits and ``InvalidInput`` where several do.
        """
        ...
