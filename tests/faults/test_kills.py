"""A worker may die at any moment: at every boundary of every step's life, in every mode.

The places that are not ``short`` are tried by ``make soak-tests``.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import get_args

import pytest

from orchestrator.contracts import Mode
from tests.faults.cases import Outcome, came_to_its_end, killed
from tests.faults.points import JOINED, PLACES, Place

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
CASE = killed
EVERYWHERE = [
    pytest.param(place, id=str(place), marks=() if place.short else pytest.mark.soak) for place in PLACES
]


def test_every_mode_has_its_places() -> None:
    assert set(JOINED) == {*get_args(Mode), "sectioned"}


@pytest.mark.parametrize("place", EVERYWHERE)
def test_a_worker_may_die_here(place: Place, cases: Mapping[Place, Future[Outcome]]) -> None:
    became = cases[place].result()
    came_to_its_end(place, became)
    assert place.step in became.interrupted or not place.interrupts
