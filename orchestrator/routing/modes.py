"""Which mode a job runs in, and why."""

from __future__ import annotations

from orchestrator.contracts import Complexity, Mode, RequestedMode


def choose(
    requested: RequestedMode,
    deployment: RequestedMode,
    complexity: Complexity,
    boundary: float,
) -> tuple[Mode, str]:
    """Return ``(mode, reason)``: the job's own wish first, then the deployment's setting, then complexity.

    Below the boundary the personas run side by side; from it on the antithesis should see the thesis.
    """
    if requested != "auto":
        return requested, f"the job asks for {requested}"
    if deployment != "auto":
        return deployment, f"parallel_mode is {deployment} for this deployment"
    by = "set by the caller" if complexity.source == "caller" else _main_factor(complexity)
    if complexity.score < boundary:
        return (
            "parallel",
            f"complexity {complexity.score:g} ({by}) is below {boundary:g}: side by side is faster",
        )
    return (
        "sequential",
        f"complexity {complexity.score:g} ({by}) is at or above {boundary:g}: the antithesis should see the thesis",
    )


def _main_factor(complexity: Complexity) -> str:
    if not complexity.factors:
        return "nothing observed"
    top = max(complexity.factors, key=lambda factor: factor.points)
    return top.why
