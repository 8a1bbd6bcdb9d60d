"""``triptych serve``: the HTTP API and the page, for a fleet or for a private one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_PORT = 8321


def command(
    host: Annotated[str, typer.Option(help="The address to open.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = DEFAULT_PORT,
    no_login: Annotated[
        bool, typer.Option("--no-login", help="Open it without a login, on this machine's own address alone.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A further name that it is reached by: a proxy's, say. May be repeated."
        ),
    ] = None,
    url_prefix: Annotated[
        str, typer.Option(help="The path it is served under, behind a proxy.", metavar="PATH")
    ] = "",
    docs: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Documents to ask about: a file or a folder. May be repeated."),
    ] = None,
) -> None:
    """Serve the page and the API until stopped: ask, follow and read, in a browser or by HTTP.

    With REDIS_URL unset, a private Valkey and one worker run for as long as the command does. Operators log in with
    TRIPTYCH_API_LOGIN, USER:PASSWORD; programs send a key of TRIPTYCH_API_KEYS, TENANT=KEY.

    Example: triptych serve --no-login --docs examples/queue-migration
    """
    import sys
    from contextlib import ExitStack, closing

    import structlog

    from orchestrator.cli.shared.documents import corpus_for
    from orchestrator.cli.shared.joining import engine_line, join_fleet, keep_ledger
    from orchestrator.cli.shared.output import stderr_console
    from orchestrator.client import Client
    from orchestrator.errors import InvalidInput, StoreUnavailable
    from orchestrator.settings import load_settings, require_keys

    settings = load_settings()
    try:
        from orchestrator.api.access import access_for
        from orchestrator.api.app import make_app
        from orchestrator.api.deployment import Deployment
        from orchestrator.api.metrics import ApiMetrics
        from orchestrator.api.serve import address_of, check_prefix, listen, serve
        from orchestrator.exporter.serving import Endpoint, metrics_page
    except ImportError:
        raise InvalidInput("serve", 'is not installed; pip install "triptych[api]"') from None
    check_prefix(url_prefix)
    access = access_for(settings, host=host, login=not no_login, names=allow_host or ())
    if settings.redis_url is None:
        require_keys(settings)
    notes = stderr_console()
    with ExitStack() as stack:
        opened, metrics = stack.enter_context(listen(host, port)), ApiMetrics()
        if settings.metrics_port:
            pages = {"/metrics": metrics_page(metrics.registry)}
            stack.enter_context(closing(Endpoint(settings.metrics_host, settings.metrics_port, pages)))
        notes.print(engine_line(settings))
        fleet = join_fleet(settings, stack)
        if docs:
            notes.print(f"corpus {corpus_for(settings, docs, None, quiet=False)}", style="dim")
        if fleet is not None:
            # The private Redis will go; its ledger stays.
            stack.callback(keep_ledger, stack.enter_context(Client(fleet.settings)), settings, notes)
        deployment = Deployment(fleet.settings if fleet else settings)
        try:
            deployment.client.check()
        except StoreUnavailable as problem:
            notes.print(
                f"{problem}. It is served all the same, and looked for with every request.", style="yellow"
            )
        app = make_app(deployment, access, prefix=url_prefix, metrics=metrics)
        print(address_of(opened, host, url_prefix), flush=True)
        # Stdout is for the address.
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        serve(app, opened, closing=deployment.closing, died=fleet.worker_died if fleet else lambda: False)
        if fleet is not None:
            fleet.check_worker()
