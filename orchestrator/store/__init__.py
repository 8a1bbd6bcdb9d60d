"""Redis: the job record, leases, the event stream and the ledger. The record is the truth; everything else follows it.

Keys carry the tenant, every key has a TTL or an owner, and every change of state is one Lua script, so that a
process may die between any two of them.
"""

from orchestrator.store.connection import connect
from orchestrator.store.jobs import JobStore
from orchestrator.store.keys import JobRef
from orchestrator.store.ledger import Ledger
from orchestrator.store.record import JobRecord, StepState
from orchestrator.store.stream import LiveText, history

__all__ = [
    "JobRecord",
    "JobRef",
    "JobStore",
    "Ledger",
    "LiveText",
    "StepState",
    "connect",
    "history",
]
