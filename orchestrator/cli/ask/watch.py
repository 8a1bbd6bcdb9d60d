"""``triptych watch``: follow a job to its end, whoever submitted it."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.shared import asking


def watch(
    job: asking.JobId,
    tenant: asking.TenantName = "default",
    within: Annotated[
        float | None, typer.Option(help="Seconds to watch at most; the job goes on.", min=0.0)
    ] = None,
    json_out: Annotated[
        bool, typer.Option("--json", help="Print the whole result as one JSON object on stdout.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="No live table: progress as lines on stderr.")
    ] = False,
) -> None:
    """Show JOB's progress until it ends, then its answer. Ctrl-C stops watching; the job goes on."""
    from orchestrator.cli.shared.fleet import EXIT, fleet_client, follow, job_ref, show

    ref = job_ref(job, tenant)
    with fleet_client() as client:
        result = follow(client, ref, quiet=json_out, plain=plain, within_s=within)
    show(result, as_json=json_out, plain=plain)
    raise typer.Exit(EXIT[result.status])
