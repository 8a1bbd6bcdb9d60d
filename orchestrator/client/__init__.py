"""What producers use: submit a job, follow it, get its result, in threads or under asyncio.

``waiting`` is what both wait with: one thread and one connection for all the waits of a process.
"""

from orchestrator.client.asynchronous import AsyncClient
from orchestrator.client.blocking import Client, new_task_id

__all__ = ["AsyncClient", "Client", "new_task_id"]
