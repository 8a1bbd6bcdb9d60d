"""``triptych pause`` and ``resume``: have the fleet leave a queue, or all of them, and take it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.shared.operator import Who, me, since
from orchestrator.cli.shared.output import emit, pipe_safe, stdout_console

if TYPE_CHECKING:
    import redis

    from orchestrator.pausing import Pause

Queues = Annotated[list[str] | None, typer.Argument(help="plan, thesis, antithesis, synthesis.")]
All = Annotated[bool, typer.Option("--all", help="Every queue: the whole fleet.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@pipe_safe
def pause_command(
    queue: Queues = None,
    every: All = False,
    why: Annotated[str, typer.Option(help="For whoever finds the queue standing still.")] = "",
    who: Who = None,
    as_json: Json = False,
) -> None:
    """Pause queues: what runs goes on, what waits stays, deadlines run on. Without QUEUE or --all, list the paused."""
    from orchestrator.pausing import pause, paused

    client = _client()
    if queue or every:
        pause(client, _chosen(queue, every=every), who=who or me(), why=why)
    _show(paused(client), as_json=as_json)


@pipe_safe
def resume_command(
    queue: Queues = None,
    every: All = False,
    why: Annotated[str, typer.Option(help="Kept in the ledger.")] = "",
    who: Who = None,
    as_json: Json = False,
) -> None:
    """Let paused queues go on."""
    from orchestrator.errors import InvalidInput
    from orchestrator.pausing import paused, resume

    if not queue and not every:
        raise InvalidInput("QUEUE", "is missing; name queues, or --all")
    client = _client()
    resume(client, _chosen(queue, every=every), who=who or me(), why=why)
    _show(paused(client), as_json=as_json)


def _client() -> redis.Redis:
    from orchestrator.errors import InvalidSettings
    from orchestrator.settings import load_settings
    from orchestrator.store import connect

    settings = load_settings()
    if settings.redis_url is None:
        raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
    return connect(settings.redis_url.get_secret_value())


def _chosen(queue: list[str] | None, *, every: bool) -> tuple[str, ...]:
    from orchestrator.broker import ALL_QUEUES
    from orchestrator.errors import InvalidInput

    if queue and every:
        raise InvalidInput("--all", "goes without QUEUE; give one or the other")
    return ALL_QUEUES if every else tuple(queue or ())


def _show(pauses: dict[str, Pause], *, as_json: bool) -> None:
    if as_json:
        said = ",".join(f'"{queue}":{pause.model_dump_json()}' for queue, pause in pauses.items())
        emit(f'{{"paused":{{{said}}}}}')
        return
    from rich.text import Text

    from orchestrator.plaintext import one_line

    console = stdout_console()
    if not pauses:
        console.print("no queue is paused")
    for queue, pause in pauses.items():
        said = f"by {one_line(pause.who, 60)}: {one_line(pause.why, 300)}"
        console.print(Text(f"{queue:<11} paused since {since(pause.since_ms)} {said}"), soft_wrap=True)
