"""Running a comparison: each goal through each arm on a fleet, every finished job in a journal on this machine.

What they are judged by is pure, and in ``orchestrator.experiment``.
"""

from orchestrator.comparing.journal import Header, Journal
from orchestrator.comparing.runner import Runner, remaining_s

__all__ = ["Header", "Journal", "Runner", "remaining_s"]
