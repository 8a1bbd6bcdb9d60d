"""How a job runs, decided from values: complexity, mode, what to look for. Pure; every choice has a reason."""

from orchestrator.routing.complexity import assess
from orchestrator.routing.modes import Choice, Policy, Steering, choose, draw_for, lot_for
from orchestrator.routing.outlook import Outlook, Room, Terms
from orchestrator.routing.planning import PASSAGES_PER_JOB, Outline, outline

__all__ = [
    "PASSAGES_PER_JOB",
    "Choice",
    "Outline",
    "Outlook",
    "Policy",
    "Room",
    "Steering",
    "Terms",
    "assess",
    "choose",
    "draw_for",
    "lot_for",
    "outline",
]
