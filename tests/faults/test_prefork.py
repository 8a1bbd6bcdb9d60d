"""The same tasks in processes that Celery forks: a child may die, or the worker with all its children.

``triptych worker`` runs them on threads. That a job ends whatever dies is the record's doing, and not the pool's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.faults.cases import Case, Outcome, Patient, came_to_its_end, killed, killed_whole, lanes
from tests.faults.points import Place

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
# Messages are taken and acknowledged by the parent, which has no other message meanwhile: it has one child here.
FALLS: dict[str, tuple[Case, Place]] = {
    f"{word}, {place}": (case, place)
    for word, case, places in (
        (
            "a child",
            killed,
            (
                Place("parallel", "plan", "leased"),
                Place("parallel", "thesis", "received"),
                Place("parallel", "thesis", "calling"),
                Place("parallel", "thesis", "stored"),
                Place("parallel", "thesis", "counted"),
                Place("parallel", "synthesis", "ending"),
                Place("sequential", "antithesis", "worked"),
                Place("sequential", "antithesis", "sending"),
            ),
        ),
        (
            "the worker",
            killed,
            (Place("parallel", "thesis", "popped"), Place("parallel", "thesis", "acking")),
        ),
        ("the worker", killed_whole, (Place("parallel", "antithesis_standalone", "calling"),)),
    )
    for place in places
}
SHORT = {
    "a child, parallel-thesis-calling",
    "a child, parallel-thesis-stored",
    "the worker, parallel-thesis-popped",
}
EVERYWHERE = [pytest.param(name, marks=() if name in SHORT else pytest.mark.soak) for name in FALLS]


@pytest.fixture(scope="module")
def falls(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Outcome]]]:
    """What becomes of those that were selected, side by side."""
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    names = [call.params["name"] for call in calls if call]
    model = Patient()
    with lanes(model, min(len(names), 4), slots=1, FAULTS_POOL="prefork") as run:
        yield {name: run(*FALLS[name]) for name in names}
    model.close()


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_process_of_a_pool_may_die(name: str, falls: Mapping[str, Future[Outcome]]) -> None:
    _, place = FALLS[name]
    became = falls[name].result()
    came_to_its_end(place, became)
    assert place.step in became.interrupted or not place.interrupts
