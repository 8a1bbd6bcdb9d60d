"""A worker that is cut off loses its lease, and does no harm when it comes back.

It is stopped (SIGSTOP) at a boundary of a step's life, for as long as the others take to end the job without it, and
then goes on as if nothing had been: it writes, sends, counts and ends what has long been written, sent and ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.faults.cases import Outcome, came_to_its_end, stopped
from tests.faults.points import PLACES, Place

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
CASE = stopped
SHORT = {
    ("parallel", "plan"): ("worked",),
    ("parallel", "thesis"): ("sending", "popped", "leased", "calling", "worked", "counting"),
    ("parallel", "synthesis"): ("sending", "worked", "ending"),
    ("sequential", "antithesis"): ("sending", "worked"),
    ("sectioned", "section:1"): ("worked",),
    ("pipelined", "thesis"): ("calling",),
    ("pipelined", "rebuttal:1"): ("worked",),
}
EVERYWHERE = [
    pytest.param(
        place,
        id=str(place),
        marks=() if place.point in SHORT.get((place.mode, place.step), ()) else pytest.mark.soak,
    )
    for place in PLACES
    if place.point not in ("ended", "acked")  # where the job ends without anybody taking over
]


@pytest.mark.parametrize("place", EVERYWHERE)
def test_a_worker_may_come_back_here(place: Place, cases: Mapping[Place, Future[Outcome]]) -> None:
    came_to_its_end(place, cases[place].result())
