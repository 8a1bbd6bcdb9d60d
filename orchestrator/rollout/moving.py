"""What becomes of a rollout's status by a move, and which share of the jobs follows from it."""

from __future__ import annotations

from orchestrator.contracts.rollout import Move, Phase, RolloutSpec, RolloutStatus
from orchestrator.errors import InvalidInput
from orchestrator.rollout.decide import UNDER_WAY
from orchestrator.routing.modes import Steering

_BECOMES: dict[Move, Phase] = {
    "advance": "running",
    "promote": "running",
    "resume": "running",
    "pause": "paused",
    "complete": "complete",
    "roll_back": "rolled_back",
    "abort": "aborted",
}


def begun(*, now_ms: int, who: str, why: str) -> RolloutStatus:
    """The status of a rollout that begins, at its first stage."""
    return RolloutStatus(phase="running", since_ms=now_ms, moved_ms=now_ms, who=who[:200], why=why[:500])


def moved(
    spec: RolloutSpec, status: RolloutStatus, move: Move, *, now_ms: int, who: str, why: str
) -> RolloutStatus:
    """The status after a move. Raises ``InvalidInput`` where the rollout cannot make it.

    A promotion from the last stage completes it. A pause stops no clock: the stage's time and jobs go on.
    """
    ended = status.phase not in UNDER_WAY
    if ended:
        raise InvalidInput("rollout", f"has ended ({status.phase}); triptych rollout start begins another")
    if (move == "resume") != (status.phase == "paused") and move in ("resume", "pause"):
        raise InvalidInput("rollout", f"is {status.phase} already")
    stage, phase = status.stage, _BECOMES[move]
    since_ms = status.since_ms
    if move in ("advance", "promote"):
        if stage + 1 < len(spec.stages):
            stage, since_ms = stage + 1, now_ms
        else:
            phase = "complete"
    return RolloutStatus(
        phase=phase,
        stage=stage,
        since_ms=since_ms,
        moved_ms=now_ms,
        rev=status.rev + 1,
        who=who[:200],
        why=why[:500],
    )


def share_in_force(spec: RolloutSpec, status: RolloutStatus) -> float:
    """Percent of the eligible jobs that run in the new mode: none after a rollback or an abort."""
    return 0.0 if status.phase in ("rolled_back", "aborted") else spec.stages[status.stage].share


def steering(spec: RolloutSpec, status: RolloutStatus) -> Steering:
    """What the next plan has to know. Jobs are counted for a rollout while it is under way."""
    return Steering(
        from_mode=spec.from_mode,
        to_mode=spec.to_mode,
        share=share_in_force(spec, status),
        rollout=spec.id if status.phase in UNDER_WAY else None,
    )
