"""Rollouts and ended jobs to decide on."""

from __future__ import annotations

import hashlib
from typing import Any

from orchestrator.contracts import Assignment, Reason
from orchestrator.contracts.events import JobEnd
from orchestrator.contracts.rollout import RolloutSpec, RolloutStatus, Stage
from orchestrator.rollout.tally import ArmTally, StageTally

ID = "r0123456789ab"
NOW = 1_795_000_000_000


def spec(
    *shares: float, hold_s: float = 600, count: int = 60, margin: float = 0.02, **fields: Any
) -> RolloutSpec:
    return RolloutSpec(
        **{
            "id": ID,
            "from_mode": "sequential",
            "to_mode": "parallel",
            "stages": tuple(
                Stage(share=share, hold_s=hold_s, count=count) for share in shares or (5.0, 25.0, 50.0, 100.0)
            ),
            "margin": margin,
            "slower": 0.10,
            **fields,
        }
    )


def status(stage: int = 0, *, phase: str = "running", held_s: float = 3_600) -> RolloutStatus:
    since = NOW - int(held_s * 1_000)
    return RolloutStatus.model_validate(
        {"phase": phase, "stage": stage, "since_ms": since, "moved_ms": since, "who": "kim", "why": "trial"}
    )


def arm(jobs: int, failures: int = 0, *, mean_s: float = 25.0, sd_s: float = 2.0) -> ArmTally:
    """So many ended jobs; those that did not fail were measured."""
    n = jobs - failures
    squares = (n - 1) * sd_s**2 + n * mean_s**2 if n else 0
    return ArmTally(
        jobs=jobs,
        failures=failures,
        failed=failures,
        measured=n,
        ms=int(n * mean_s * 1e3),
        ms2=int(squares * 1e6),
    )


def both(canary: ArmTally, control: ArmTally | None = None) -> StageTally:
    return StageTally(canary, control or arm(2_000, mean_s=30.0))


def end(
    number: int, *, draw: float = 1.0, share: float = 5.0, rollout: str | None = ID, **fields: Any
) -> JobEnd:
    name = f"job{number}"
    return JobEnd(
        **{
            "event_id": hashlib.sha256(name.encode()).hexdigest()[:32],
            "task_id": name,
            "status": "complete",
            "mode": "parallel" if draw < share else "sequential",
            "total_ms": 25_000,
            "evidence_ok": True,
            "assignment": Assignment(
                arm="parallel" if draw < share else "sequential", share=share, draw=draw, rollout=rollout
            ),
            **fields,
        }
    )


def because(*codes: str) -> tuple[Reason, ...]:
    return tuple(Reason.model_validate({"code": code}) for code in codes)


GOING = status()
