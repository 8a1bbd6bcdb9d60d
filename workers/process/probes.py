"""Liveness and readiness, from what this process knows anyway: a probe asks nobody and costs nothing.

Live: the thread that consumes has not ended. Redis being away changes nothing about that, and a restart would mend
nothing. Ready: the consumer is connected and takes messages; not while it reconnects, nor once it drains, nor while
Redis says nothing. A consumer notices by itself that its server hangs, but only after a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.bootsteps import StartStopStep
from celery.worker.consumer import Consumer

from orchestrator.exporter.serving import Pages, verdict_page

SILENT_S = 5.0
"""After this long without a word Redis counts as away. Whoever sweeps asks it once a second."""


class Probes:
    """The state that probes show. Made on the thread that will consume. ``silent_s``: since when Redis is silent."""

    def __init__(self, silent_s: Callable[[], float]) -> None:
        self._silent_s = silent_s
        self._thread = threading.current_thread()
        self._consuming = threading.Event()
        self._over = threading.Event()
        self.consumer: Consumer | None = None

    def watch(self, app: Celery) -> None:
        """Follow this app's consumer through every connection it makes and loses. Call before the worker is made."""
        probes = self

        class Watch(StartStopStep):
            """Started after the consumer has begun to take messages, stopped before it ends."""

            requires = ("celery.worker.consumer.tasks:Tasks",)

            def start(self, parent: Any) -> None:  # noqa: ANN401 - celery's signature
                probes.consumer = parent
                probes._consuming.set()

            def stop(self, parent: Any) -> None:  # noqa: ANN401, ARG002 - celery's signature
                probes._consuming.clear()

        app.steps["consumer"].add(Watch)

    def ended(self) -> None:
        """The consumer has returned or died."""
        self._over.set()

    @property
    def live(self) -> bool:
        """Whether something still consumes, or tries to connect."""
        return self._thread.is_alive() and not self._over.is_set()

    @property
    def ready(self) -> bool:
        """Whether messages are being taken."""
        return self.live and self._consuming.is_set() and self._silent_s() < SILENT_S

    def pages(self) -> Pages:
        """Make the probes' pages."""
        return {
            "/healthz": verdict_page(lambda: self.live),
            "/readyz": verdict_page(lambda: self.ready),
        }
