"""``triptych exporter``: the fleet's metrics for Prometheus."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_PORT = 9464


def command(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help=f"Default: TRIPTYCH_METRICS_PORT, else {DEFAULT_PORT}."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Default: TRIPTYCH_METRICS_HOST.")] = None,
) -> None:
    """Serve /metrics of the fleet (jobs, queues, ledger) until stopped. One per fleet; workers serve their own."""
    import signal
    import sys

    import structlog

    from orchestrator.errors import InvalidInput, InvalidSettings
    from orchestrator.settings import load_settings

    settings = load_settings()
    if settings.redis_url is None:
        raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
    try:
        from orchestrator.exporter.serve import Exporter
    except ImportError:
        raise InvalidInput("exporter", 'needs prometheus-client; pip install "triptych[worker]"') from None
    exporter = Exporter(
        settings.redis_url.get_secret_value(),
        host=host or settings.metrics_host,
        port=port or settings.metrics_port or DEFAULT_PORT,
    )

    def stop(*_: object) -> None:
        exporter.tail.close()

    # Stdout is for the address.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    signal.signal(signal.SIGTERM, stop)
    print(f"http://{host or settings.metrics_host}:{exporter.port}/metrics", flush=True)
    exporter.start()
    try:
        exporter.wait()
    finally:
        exporter.close()
