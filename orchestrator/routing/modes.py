"""Which mode a job runs in, and why."""

from __future__ import annotations

from typing import Literal

from orchestrator.contracts import Complexity, Mode, RequestedMode


def choose(
    requested: RequestedMode,
    parallel_setting: Literal["auto", "on", "off"],
    complexity: Complexity,
    boundary: float,
) -> tuple[Mode, str]:
    """Return ``(mode, reason)``: the job's own wish first, then the deployment's setting, then complexity.

    Below the boundary the personas run side by side; from it on the antithesis should see the thesis.
    """
    if requested != "auto":
        return requested, f"the job asks for {requested}"
    if parallel_setting == "on":
        return "parallel", "parallel_mode is on for this deployment"
    if parallel_setting == "off":
        return "sequential", "parallel_mode is off for this deployment"
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
