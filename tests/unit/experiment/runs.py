"""Simulated runs: arms whose truth is known, so that their verdicts can be right or wrong."""

from __future__ import annotations

from benchmarks.power import CANDIDATE, REFERENCE, Truth, goals, simulated, trial
from orchestrator.contracts import Mode
from orchestrator.experiment import Arm

__all__ = ["CANDIDATE", "REFERENCE", "Truth", "arm", "goals", "simulated", "trial"]


def arm(name: str, mode: Mode = "parallel") -> Arm:
    return Arm(name=name, mode=mode)
