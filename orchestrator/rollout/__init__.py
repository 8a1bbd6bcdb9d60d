"""A staged rollout, decided from values: guard, bounds, tallies, moves. Pure; every transition has its reason.

``decide`` says what a rollout does next, ``moved`` what becomes of its status, ``steering`` which jobs run how,
``counted`` what an ended job adds to the tallies, and ``replay`` decides it all once more from the ledger.
"""

from orchestrator.rollout.decide import Hold, Reading, Transition, decide, read
from orchestrator.rollout.guard import THRESHOLD
from orchestrator.rollout.moving import begun, moved, share_in_force, steering
from orchestrator.rollout.replay import replay
from orchestrator.rollout.tally import ArmTally, Counted, StageTally, Tallies, counted, tallies_from

__all__ = [
    "THRESHOLD",
    "ArmTally",
    "Counted",
    "Hold",
    "Reading",
    "StageTally",
    "Tallies",
    "Transition",
    "begun",
    "counted",
    "decide",
    "moved",
    "read",
    "replay",
    "share_in_force",
    "steering",
    "tallies_from",
]
