"""A rollout's moves, decided once more from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.contracts.events import Event, RolloutMoved, RolloutStarted
from orchestrator.contracts.rollout import RolloutSpec, RolloutStatus
from orchestrator.rollout.decide import Hold, Transition, decide
from orchestrator.rollout.moving import begun, moved
from orchestrator.rollout.tally import Fold

AUTOMATIC = ("advance", "complete", "roll_back")


@dataclass(frozen=True)
class Replayed:
    """A recorded move, and what ``decide`` says at that place of the ledger; for a person's move there is none."""

    recorded: RolloutMoved
    decided: Transition | Hold | None

    @property
    def same(self) -> bool:
        """Whether the ledger bears the move out, reason included."""
        return self.decided is None or (
            isinstance(self.decided, Transition)
            and (self.decided.move, self.decided.why) == (self.recorded.move, self.recorded.why)
        )


def replay(events: Iterable[Event], rollout: str) -> list[Replayed]:
    """Decide a rollout's moves again, from events in the ledger's order. Empty where it did not begin among them."""
    spec: RolloutSpec | None = None
    status: RolloutStatus | None = None
    fold = Fold(rollout)
    found: list[Replayed] = []
    for event in events:
        fold.add([event])
        if isinstance(event, RolloutStarted) and event.spec.id == rollout:
            spec = event.spec
            status = begun(now_ms=event.decided_ms, who=event.who, why=event.why)
        elif isinstance(event, RolloutMoved) and event.rollout == rollout and spec and status:
            if event.move == "clear":
                break
            again = decide(spec, status, fold.tallies, event.decided_ms) if event.move in AUTOMATIC else None
            found.append(Replayed(event, again))
            status = moved(spec, status, event.move, now_ms=event.decided_ms, who=event.who, why=event.why)
    return found
