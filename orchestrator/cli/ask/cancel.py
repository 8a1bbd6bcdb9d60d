"""``triptych cancel``: end a job now."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from orchestrator.cli.shared import asking


def cancel(
    job: asking.JobId,
    tenant: asking.TenantName = "default",
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """End JOB now: its running steps stop, its result says who cancelled it. Nothing happens where it has ended."""
    import getpass
    import socket

    from orchestrator.cli.shared.fleet import fleet_client, job_ref

    ref = job_ref(job, tenant)
    with fleet_client() as client:
        cancelled = client.cancel(ref, who=f"{getpass.getuser()}@{socket.gethostname()}")
    if json_out:
        print(json.dumps({"task_id": ref.task_id, "tenant": ref.tenant, "cancelled": cancelled}))
    else:
        print(f"{ref.task_id} {'cancelled' if cancelled else 'had ended already'}")
