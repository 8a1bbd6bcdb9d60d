"""A worker process: Celery's consumer on a pool of threads, with the heartbeat and the sweep beside it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from celery import signals

from orchestrator.broker import queue_for
from orchestrator.exporter.serving import Endpoint, metrics_page
from orchestrator.store.connection import check
from workers.consumer import Consumer
from workers.control import answer_for
from workers.probes import Probes
from workers.runtime import Runtime
from workers.telemetry import configure_logging

log = structlog.get_logger(__name__)


def serve(runtime: Runtime, *, queues: Sequence[str], concurrency: int) -> int:
    """Work until told to stop. SIGTERM drains: steps in flight finish. Returns Celery's exit code.

    Raises ``StoreUnavailable`` before anything is consumed.
    """
    settings = runtime.settings
    configure_logging(settings.log_level)
    check(runtime.store.client)
    probes = Probes()
    probes.watch(runtime.app)
    answer_for(settings, queues, runtime.retriever)
    pauses = runtime.pauses(queues, lambda: probes.consumer)
    endpoint = None
    if runtime.metrics:
        pages = {"/metrics": metrics_page(runtime.metrics.registry), **probes.pages()}
        endpoint = Endpoint(settings.metrics_host, settings.metrics_port, pages)

    def begin(**_: Any) -> None:  # noqa: ANN401 - celery's signal arguments
        runtime.sweeper.start()
        runtime.archiver.start()
        pauses.start()
        log.info(
            "worker_ready", queues=list(queues), concurrency=concurrency, model=settings.model or "extractive"
        )

    signals.worker_ready.connect(begin, weak=False)
    worker = runtime.app.Worker(
        hostname=f"triptych-{os.getpid()}@{socket.gethostname()}",
        # Personas wait on the network: threads at a few ms per job, where prefork needs a process per call.
        pool="threads",
        consumer_cls=Consumer,
        concurrency=concurrency,
        queues=[queue_for(name) for name in queues],
        loglevel=settings.log_level,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    pauses.before_start(runtime.app)
    # Made before the first message: from 3.12 on, two threads that ask for it at once would make two.
    _ = runtime.executor
    try:
        worker.start()
    finally:
        probes.ended()
        pauses.close()
        if endpoint:
            endpoint.close()
        runtime.close()
    return int(worker.exitcode or 0)
