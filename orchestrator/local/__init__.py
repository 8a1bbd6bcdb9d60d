"""A fleet of one, on this machine, for as long as one command runs: a private Valkey and one worker process.

It goes through the same code path as a fleet; only the address differs. No process outlives the command, however
the command ends.
"""

from orchestrator.local.fleet import PrivateFleet, private_fleet, private_share

__all__ = ["PrivateFleet", "private_fleet", "private_share"]
