"""Running a comparison: each goal through each arm on a fleet, every finished job in a journal on this machine.

What a blind judge said of the answers is kept beside it. How all that is judged is pure, and in
``orchestrator.experiment``.
"""

from orchestrator.comparing.journal import Header, Journal
from orchestrator.comparing.runner import Runner, remaining_s
from orchestrator.comparing.votes import Votes

__all__ = ["Header", "Journal", "Runner", "Votes", "remaining_s"]
