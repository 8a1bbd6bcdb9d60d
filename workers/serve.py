"""A worker process: Celery's consumer on a pool of threads, with the heartbeat and the sweep beside it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import structlog
from celery import signals

from orchestrator.broker import queue_for
from orchestrator.exporter.serving import Endpoint, metrics_page
from orchestrator.store.connection import check
from workers.patience import until_reached
from workers.process.consumer import Consumer
from workers.process.control import answer_for
from workers.process.core import Core
from workers.process.draining import Draining
from workers.process.probes import Probes
from workers.runtime import Runtime
from workers.telemetry import configure_logging

log = structlog.get_logger(__name__)


def serve(runtime: Runtime, *, queues: Sequence[str], concurrency: int) -> int:
    """Work until told to stop (see ``workers.process.draining``). Returns Celery's exit code.

    Waits for a Redis that is away. Raises ``StoreRefused`` before anything is consumed.
    """
    settings = runtime.settings
    configure_logging(settings.log_level)
    probes = Probes(runtime.contact.silent_s)
    probes.watch(runtime.app)
    answer_for(settings, queues, runtime.retriever)
    pauses = runtime.pauses(queues, lambda: probes.consumer)
    endpoint = None
    if runtime.metrics:
        pages = {"/metrics": metrics_page(runtime.metrics.registry), **probes.pages()}
        endpoint = Endpoint(settings.metrics_host, settings.metrics_port, pages)

    presence = runtime.presence(concurrency, lambda: pauses.serving if probes.ready else ())
    draining = Draining(runtime.heartbeat, consuming=lambda: probes.ready, drain_s=settings.drain_s)

    core = Core()

    def begin(**_: Any) -> None:  # noqa: ANN401 - celery's signal arguments
        runtime.sweeper.start()
        runtime.archiver.start()
        pauses.start()
        presence.start()
        runtime.connections.start()
        if settings.one_core:
            core.start()
        draining.listen()
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
    # Until it can drain: the first process of a container is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        until_reached(lambda: check(runtime.store.client))
        until_reached(lambda: pauses.before_start(runtime.app))
        presence.say(pauses.serving)
        # Made before the first message: from 3.12 on, two threads that ask for it at once would make two.
        _ = runtime.executor
        worker.start()
    finally:
        probes.ended()
        core.close()
        pauses.close()
        presence.close()
        if endpoint:
            endpoint.close()
        runtime.close()
    return int(worker.exitcode or 0)
