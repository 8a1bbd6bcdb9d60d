"""Which mode a job runs in, and why."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from orchestrator.contracts import Assignment, Complexity, Mode, RequestedMode


@dataclass(frozen=True)
class Steering:
    """What a staged rollout says: ``share`` percent of the eligible jobs run in ``to_mode``, the others as before.

    ``rollout`` is the one that counts them; ``None`` once it has ended, while what it came to stays in force.
    """

    from_mode: Mode
    to_mode: Mode
    share: float
    rollout: str | None = None


@dataclass(frozen=True)
class Policy:
    """What a deployment says of modes.

    ``override`` is the operators' switch, which beats the rest, and with ``force`` the job's own wish too; ``default``
    is the setting ``parallel_mode``. Where both leave it to the score, a job below ``boundary`` is eligible for
    parallel, and ``share`` percent of the eligible ones run so; where there is a rollout, ``steering`` decides that.
    """

    default: RequestedMode = "auto"
    boundary: float = 5.0
    share: float = 100.0
    override: RequestedMode | None = None
    force: bool = False
    steering: Steering | None = None


@dataclass(frozen=True)
class Choice:
    """A job's mode, the reason in words, and its assignment where the share decided."""

    mode: Mode
    reason: str
    assignment: Assignment | None = None


def draw_for(tenant: str, task_id: str) -> float:
    """A job's own number, 0 up to 100: evenly spread over jobs, and the same on every worker and at every share.

    So raising the share moves jobs to parallel and none back.
    """
    digest = hashlib.sha256(f"parallel-share/{tenant}/{task_id}".encode()).digest()
    return int.from_bytes(digest[:4]) * 100 / 2**32


def choose(requested: RequestedMode, complexity: Complexity, policy: Policy, draw: float) -> Choice:
    """Choose: a forced switch, the job's own wish, the switch, the deployment's setting, then the score and the share.

    Below the boundary the personas may run side by side; from it on the antithesis should see the thesis.
    """
    if policy.override in ("sequential", "parallel", "pipelined") and (policy.force or requested == "auto"):
        return Choice(policy.override, f"the fleet is switched to {policy.override} (triptych mode)")
    if requested != "auto":
        return Choice(requested, f"the job asks for {requested}")
    if policy.override is None and policy.default != "auto":
        return Choice(policy.default, f"parallel_mode is {policy.default} for this deployment")
    factor = "set by the caller" if complexity.source == "caller" else _main_factor(complexity)
    score, boundary = f"complexity {complexity.score:g} ({factor})", f"{policy.boundary:g}"
    if complexity.score >= policy.boundary:
        why = f"{score} is at or above {boundary}: the antithesis should see the thesis"
        return Choice("sequential", why)
    eligible = f"{score} is below {boundary}: side by side is faster"
    by = policy.steering or Steering("sequential", "parallel", policy.share)
    arm = by.to_mode if draw < by.share else by.from_mode
    assignment = Assignment(arm=arm, share=by.share, draw=draw, rollout=by.rollout)
    if by.share >= 100 and not policy.steering:
        return Choice(arm, eligible, assignment)
    side = "one of" if draw < by.share else "not one of"
    how = f"that a rollout runs {by.to_mode}" if policy.steering else "that run so"
    return Choice(arm, f"{eligible}; {side} the {by.share:g} % of such jobs {how}", assignment)


def _main_factor(complexity: Complexity) -> str:
    if not complexity.factors:
        return "nothing observed"
    top = max(complexity.factors, key=lambda factor: factor.points)
    return top.why
