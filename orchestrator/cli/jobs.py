"""``triptych list``: the jobs that are under way, and those that ended last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestrator.client import Client
    from orchestrator.store import JobRecord, JobRef

LOOK_BACK = 5_000
"""How many of the ledger's newest events are searched for jobs that ended."""


@dataclass(frozen=True)
class Line:
    """One job. ``ms`` is how long it took, or has been under way."""

    task_id: str
    tenant: str
    status: str
    mode: str | None
    accepted_ms: int
    ms: int
    goal: str


def command(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's jobs.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1_000, help="How many of each kind.")
    ] = 20,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """List jobs under way, the most urgent first, and then those that ended, the latest first."""
    from itertools import islice

    from orchestrator.cli.fleet import fleet_client
    from orchestrator.cli.output import stdout_console
    from orchestrator.plaintext import one_line

    with fleet_client() as client:
        refs = [*islice(active(client, tenant), limit), *islice(ended(client, tenant), limit)]
        now_ms = client.store.now_ms()
        lines = [line for ref in dict.fromkeys(refs) if (line := describe(client, ref, now_ms))]
    if json_out:
        print(json.dumps({"jobs": [asdict(line) for line in lines]}, ensure_ascii=False))
        return
    console = stdout_console()
    for line in lines:
        head = f"{line.task_id:<20}  {line.tenant:<10}  {line.status:<22}  {line.ms / 1_000:>7.1f} s  "
        console.print(head + one_line(line.goal, 80), soft_wrap=True)


def active(client: Client, tenant: str | None) -> Iterator[JobRef]:
    """Jobs without a result, by deadline."""
    from orchestrator.store import JobRef

    for address, _ in client.store.active():
        ref = JobRef.parse(address)
        if tenant in (None, ref.tenant):
            yield ref


def ended(client: Client, tenant: str | None) -> Iterator[JobRef]:
    """Jobs that ended lately, the latest first, as far as the ledger's hot end reaches."""
    from pydantic import ValidationError

    from orchestrator.contracts.events import JobEnd, parse_event
    from orchestrator.store import JobRef, Ledger

    for _, raw in reversed(Ledger(client.redis).newest(LOOK_BACK)):
        if '"job_end"' not in raw:
            continue
        try:
            event = parse_event(raw, at_ms=0)
        except ValidationError:
            continue  # not an event of ours
        if isinstance(event, JobEnd) and tenant in (None, event.tenant):
            yield JobRef(event.tenant, event.task_id)


def describe(client: Client, ref: JobRef, now_ms: int) -> Line | None:
    """One job's line; ``None`` where its record has expired or cannot be read."""
    from orchestrator.errors import JobError, JobNotFound

    try:
        record = client.store.load(ref)
    except (JobNotFound, JobError):
        return None
    result = record.result
    return Line(
        task_id=ref.task_id,
        tenant=ref.tenant,
        status=result.status if result else under_way(record),
        mode=record.plan.mode if record.plan else None,
        accepted_ms=record.accepted_ms,
        ms=result.timings.total_ms if result else max(0, now_ms - record.accepted_ms),
        goal=record.spec.goal,
    )


def under_way(record: JobRecord) -> str:
    """The steps that have begun and not ended, or that none has begun."""
    running = [step for step, state in record.steps.items() if state.started_ms and not state.ended_ms]
    if running:
        return "running " + ", ".join(sorted(running))
    return "running" if record.plan else "waiting"
