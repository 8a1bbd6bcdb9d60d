"""What happens to model calls and is worth counting. The base class counts nothing."""

from __future__ import annotations

from orchestrator.contracts import ErrorKind
from orchestrator.store.endpoints import Change, Obstacle
from workers.llm.hedging import Outcome


class Meters:
    """Told of every such event, on any thread: each method must be quick and must not raise.

    ``provider`` is a provider's name, so that labels stay few.
    """

    def waited(self, provider: str, why: Obstacle, seconds: float) -> None:
        """A call waited at the gate, for this reason last."""

    def changed(self, provider: str, change: Change) -> None:
        """A call of this process let an endpoint or a deployment cool, or opened or closed its breaker."""

    def retried(self, provider: str, kind: ErrorKind) -> None:
        """A call failed and is made again."""

    def hedged(self, provider: str, outcome: Outcome) -> None:
        """A provider's call said nothing for so long that a backup was called for."""

    def fell_back(self, provider: str, kind: ErrorKind) -> None:
        """A provider's model failed for good, and the next in the chain is asked."""
