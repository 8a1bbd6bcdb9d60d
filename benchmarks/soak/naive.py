"""The naive chord, with Celery's defaults; its tasks write into the book what Triptych's personas do.

``celery --app benchmarks.soak.naive worker`` runs it; ``NAIVE_URL`` names the Redis, as kombu spells it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import redis
from celery import Celery, chain, chord
from celery.backends.redis import RedisBackend

from benchmarks.naive import URL, make_app
from benchmarks.soak import book
from benchmarks.soak.replay import Arrival
from orchestrator.broker.addresses import backend_url, broker_url

app = make_app(os.environ.get(URL, ""))


class ProducersBackend(RedisBackend):
    """The default one, for a producer that waits for no result."""

    def remove_pending_result(self, result: object) -> None:
        """Leave its subscription be: results are collected at any time, also when Redis is away."""


def producer(url: str) -> Celery:
    """An application that only sends. ``url`` as for Triptych."""
    backend = f"{__name__}:{ProducersBackend.__name__}+{backend_url(url)}"
    return Celery("naive", broker=broker_url(url), backend=backend, set_as_current=False)


def send(app: Celery, job: str, arrival: Arrival) -> tuple[str, ...]:
    """Send one job: both personas side by side, or one after the other, and then the synthesis.

    Returns the ids of its tasks, which tell whether it failed.
    """
    personas = arrival.personas
    thesis, antithesis = (
        app.signature("soak.persona", (job, step, seconds), immutable=True)
        for step, seconds in (("thesis", personas.thesis), ("antithesis", personas.antithesis))
    )
    synthesis = app.signature("soak.synthesis", (job, personas.synthesis), immutable=True)
    if arrival.mode == "sequential":
        return tuple(_ids(chain(thesis, antithesis, synthesis, app=app).apply_async()))
    return tuple(_ids(chord([thesis, antithesis], app=app)(synthesis)))


def _ids(result: Any) -> Iterator[str]:  # noqa: ANN401 - results of several kinds, one the parent of the other
    while result is not None:
        yield from (str(each.id) for each in getattr(result, "results", (result,)))
        result = result.parent


@app.task(name="soak.persona")
def persona(job: str, step: str, seconds: float) -> None:
    """Thesis or antithesis."""
    _call(job, step, seconds)


@app.task(name="soak.synthesis")
def synthesis(job: str, seconds: float) -> None:
    """The end of the job."""
    _call(job, "synthesis", seconds)
    book.result(_client(), job)


def _call(job: str, step: str, seconds: float) -> None:
    name = book.begun(_client(), job, step)
    time.sleep(seconds)
    book.ended(_client(), name)


@cache
def _client() -> redis.Redis:
    """Made after the fork. The book is the benchmark's, and not part of what is measured."""
    path, _, query = os.environ[URL].partition("://")[2].partition("?")
    return redis.Redis(unix_socket_path=path, db=int(query.partition("=")[2] or "0"), decode_responses=True)
