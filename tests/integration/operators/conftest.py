"""Endpoints of real processes, asked over real HTTP."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.exporter.serve import Exporter


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body; status 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def scrape(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a scrape by name and labels."""
    status, body = get(port, "/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


class Scraped:
    """A scrape, asked by name and labels."""

    def __init__(self, port: int) -> None:
        self.samples = scrape(port)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))

    def total(self, name: str) -> float:
        return sum(value for (found, _), value in self.samples.items() if found == name)

    def names(self) -> set[str]:
        return {name for name, _ in self.samples}

    def labels(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for _, labels in self.samples:
            for name, value in labels:
                found.setdefault(name, set()).add(value)
        return found


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def exporter(client: redis.Redis, redis_url: str) -> Iterator[Exporter]:
    """The fleet's exporter; its turns are taken by the test."""
    made = Exporter(redis_url, host="127.0.0.1", port=0)
    yield made
    made.close()
