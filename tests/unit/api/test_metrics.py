"""What an API process exports: counted once, and with labels that nobody who asks can add to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestrator.api.access import Access
from orchestrator.api.app import make_app
from orchestrator.api.deployment import Deployment
from orchestrator.api.metrics import ApiMetrics
from orchestrator.settings import Settings
from tests.unit.api.asking import ask

REQUESTS, SECONDS, PROBLEMS = (
    "triptych_api_requests_total",
    "triptych_api_request_seconds_count",
    "triptych_api_problems_total",
)
ROUTES = [
    ("/healthz", "/healthz", "200"),
    ("/", "/", "200"),
    ("/jobs/j1", "/jobs/{task_id}", "200"),
    ("/api/v1/jobs/j1", "/api/v1/jobs/{task_id}", "503"),
    ("/api/v1/jobs/j1/events", "/api/v1/jobs/{task_id}/events", "503"),
    ("/api/v1/fleet", "/api/v1/fleet", "503"),
    ("/api/v1/openapi.json", "/api/v1/openapi.json", "200"),
    ("/static/page.css", "/static", "200"),
    ("/static/none.css", "/static", "404"),
    ("/nowhere", "none", "404"),
]


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """One whose Redis is away."""
    return Deployment(Settings(redis_url=SecretStr(f"unix://{tmp_path}/nowhere.sock"), home=tmp_path))


def test_requests_are_counted_by_the_template_of_their_route(deployment: Deployment) -> None:
    metrics = ApiMetrics()
    value = metrics.registry.get_sample_value

    async def all_of_them() -> None:
        app = make_app(deployment, Access(open=True), prefix="/ops", metrics=metrics)
        for path, _, _ in ROUTES:
            await ask(app, path)
            await ask(app, f"/ops{path}", method="HEAD" if not path.endswith("/events") else "GET")
        await ask(app, "/healthz", host="evil.example")
        await ask(app, "/", host="evil.example")

    asyncio.run(all_of_them())
    for _, route, status in ROUTES:
        asked = value(REQUESTS, {"route": route, "method": "GET", "status": status})
        assert asked == (3 if route == "/healthz" else 2), route
    assert value(SECONDS, {"route": "/jobs/{task_id}", "method": "GET"}) == 2
    assert value(PROBLEMS, {"code": "store_unavailable"}) == 6
    assert value(PROBLEMS, {"code": "not_found"}) == 4
    assert value(PROBLEMS, {"code": "unknown_host"}) == 1
    assert value(PROBLEMS, {"code": "too_busy"}) == 0
    assert value("triptych_api_requests_under_way") == 0


def test_nobody_who_asks_adds_to_what_is_kept(deployment: Deployment) -> None:
    metrics = ApiMetrics()

    async def nonsense(*numbers: int) -> set[str]:
        app = make_app(deployment, Access(logins=("ops:s3cret-word",)), metrics=metrics)
        for number in numbers:
            for path in (f"/x{number}", f"/api/v1/jobs/x{number}", f"/static/x{number}", "/healthz"):
                await ask(app, path)
                await ask(app, path, method=f"BREW{number}")
        samples = [sample for family in metrics.registry.collect() for sample in family.samples]
        return {f"{sample.name}{sample.labels}" for sample in samples}

    assert asyncio.run(nonsense(1)) == asyncio.run(nonsense(2, 3, 4))
