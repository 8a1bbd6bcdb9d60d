"""``triptych list``: the jobs that are under way, and those that ended last."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def command(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's jobs.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1_000, help="How many of each kind.")
    ] = 20,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """List jobs under way, the most urgent first, and then those that ended, the latest first."""
    from orchestrator.cli.shared.fleet import fleet_client
    from orchestrator.cli.shared.output import stdout_console
    from orchestrator.listing import lines
    from orchestrator.plaintext import one_line

    with fleet_client() as client:
        found = lines(client.store, tenant, limit=limit)
    if json_out:
        print(json.dumps({"jobs": [asdict(line) for line in found]}, ensure_ascii=False))
        return
    console = stdout_console()
    for line in found:
        head = f"{line.task_id:<20}  {line.tenant:<10}  {line.status:<22}  {line.ms / 1_000:>7.1f} s  "
        console.print(head + one_line(line.goal, 80), soft_wrap=True)
