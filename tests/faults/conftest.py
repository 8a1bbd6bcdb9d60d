"""All cases of a file that were selected, run side by side: each mostly waits for a lease to run out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.faults.cases import Outcome, Patient, Run, lanes
from tests.faults.points import Place
from tests.model_server import ModelServer


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """Runs a case on the next free fleet; they live until the last test."""
    server = Patient()
    with lanes(server) as run:
        yield run
    server.close()


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest, run: Run) -> Mapping[Place, Future[Outcome]]:
    """What becomes of each place, by ``request.module.CASE``."""
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    places: list[Place] = [call.params["place"] for call in calls if call]
    return {place: run(request.module.CASE, place) for place in places}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.close()
