"""What the personas of both sides write down in Redis: when a call began and ended, in which process; when a job ended.

Under names of its own, apart from what they do for a living. Every entry may be written twice, and is one entry all
the same; where Redis is away it is written as soon as it is back, so that the book itself fails no persona.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any, cast

import redis

from benchmarks.soak.tally import Run

BEGUN, ENDED, RESULTS = "soak:begun", "soak:ended", "soak:results"
PAUSE_S = 0.2


def begun(client: redis.Redis, job: str, step: str) -> str:
    """A call begins; returns its name."""
    name = uuid.uuid4().hex
    _write(client, BEGUN, name, [job, step, os.getpid(), time.time()])
    return name


def ended(client: redis.Redis, name: str) -> None:
    """It has ended."""
    _write(client, ENDED, name, time.time())


def result(client: redis.Redis, job: str) -> None:
    """A job has got a result."""
    _write(client, RESULTS, uuid.uuid4().hex, [job, time.time()])


def runs(client: redis.Redis) -> Iterator[Run]:
    """Every call so far."""
    ends = _read(client, ENDED)
    for name, (job, step, process, at_s) in _read(client, BEGUN).items():
        yield Run(job, step, process, at_s, ends.get(name))


def results(client: redis.Redis) -> list[tuple[str, float]]:
    """Every result so far: which job's, and when (epoch s)."""
    return [(job, at_s) for job, at_s in _read(client, RESULTS).values()]


def _write(client: redis.Redis, key: str, name: str, value: object) -> None:
    while True:
        try:
            client.hset(key, name, json.dumps(value))
        except redis.RedisError:
            time.sleep(PAUSE_S)
        else:
            return


def _read(client: redis.Redis, key: str) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in cast("dict[str, str]", client.hgetall(key)).items()}
