"""Whether an overload was borne: who was let in kept its latency, and who was not was told when to come back."""

from __future__ import annotations

import pytest

from benchmarks.machine import Machine
from benchmarks.overload import SLOTS, UNBOUNDED, Offer, Report

MACHINE = Machine(
    cpu="a cpu",
    cores=2,
    memory_gb=4.0,
    system="Linux",
    python="3.11",
    server="valkey 8",
    packages={},
    load=0.1,
)


def offer(load: float, bound: int, took_s: float, *, told_s: float | None = None, late: int = 0) -> Offer:
    told = [told_s] * 20 if told_s is not None else []
    return Offer(load, bound, 10.0, 40, late, [(took_s, 5.0)] * 20, told)


@pytest.mark.parametrize(
    ("bounded", "risen", "met"),
    [
        (offer(3, SLOTS, 2.5, told_s=3.0), 1.25, True),
        (offer(3, SLOTS, 4.0, told_s=3.0), 2.0, False),
        (offer(3, SLOTS, 2.5), 1.25, False),
        (offer(3, SLOTS, 2.5, told_s=0.0), 1.25, False),
        (offer(3, SLOTS, 2.5, told_s=3.0, late=1), 1.25, False),
        (Offer(3, SLOTS, 10.0), None, False),
    ],
    ids=["kept", "slower", "nobody refused", "not told when", "too late", "nothing complete"],
)
def test_what_is_asked_for(bounded: Offer, risen: float | None, met: bool) -> None:
    found = Report(7, 30.0, MACHINE, (offer(0.5, SLOTS, 2.0), bounded, offer(3, UNBOUNDED, 20.0)))
    assert found.risen == risen
    assert found.met is met
