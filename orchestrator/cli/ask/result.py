"""``triptych result``: the answer of a job that has ended."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.shared import asking


def result(
    job: asking.JobId,
    tenant: asking.TenantName = "default",
    json_out: Annotated[
        bool, typer.Option("--json", help="Print the whole result as one JSON object on stdout.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Markdown as it is.")] = False,
) -> None:
    """Print JOB's answer; exit code 2 while it has none."""
    from orchestrator.cli.shared.fleet import EXIT, fleet_client, job_ref, show
    from orchestrator.errors import StillRunning

    ref = job_ref(job, tenant)
    with fleet_client() as client:
        found = client.result(ref)
    if found is None:
        raise StillRunning(f"job {ref.task_id!r} has no result yet; triptych watch {ref.task_id}")
    show(found, as_json=json_out, plain=plain)
    raise typer.Exit(EXIT[found.status])
