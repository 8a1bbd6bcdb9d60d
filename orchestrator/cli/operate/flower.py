"""``triptych flower``: watch the fleet's tasks and workers in a browser."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Default: 5555.")] = None,
    host: Annotated[str | None, typer.Option(help="Default: 127.0.0.1.")] = None,
    url_prefix: Annotated[
        str | None, typer.Option(help="The path it is served under, behind a proxy.", metavar="PATH")
    ] = None,
    no_login: Annotated[
        bool, typer.Option("--no-login", help="Open it without a login, on this machine's own address alone.")
    ] = False,
) -> None:
    """Serve Flower until stopped: every task under its name with job, mode, persona and state. Read only.

    Its login is TRIPTYCH_FLOWER_LOGIN, USER:PASSWORD. /metrics and /healthcheck answer without it.
    Flower's own options are read from FLOWER_* variables.
    """
    from orchestrator.errors import InvalidInput
    from orchestrator.settings import load_settings

    settings = load_settings()
    try:
        from orchestrator.broker.flower import prepare, serve
    except ImportError:
        raise InvalidInput("flower", 'is not installed; pip install "triptych[flower]"') from None
    flower = prepare(settings, host=host, port=port, url_prefix=url_prefix, login=not no_login)
    opened = flower.start_http_server()
    prefix = f"{flower.options.url_prefix.strip('/')}/" if flower.options.url_prefix else ""
    print(f"http://{flower.options.address}:{opened}/{prefix}", flush=True)
    serve(flower)
