"""A worker keeps to the core that others use least, and goes where they are not."""

import json
import os
import random
import subprocess
import sys

import pytest

from workers.process import core as room
from workers.process.core import Core, Look, choose, look

CORES = (0, 1, 2, 3)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose its cores")


def looks(*others: float, own: float = 0.0, core: int | None = None) -> tuple[Look, Look]:
    """Two looks a second apart, between which others took these shares of each core, and this process ``own``."""
    busy = {c: share + (own if c == core else 0.0) for c, share in enumerate(others)}
    return Look(10.0, dict.fromkeys(busy, 5.0), 1.0), Look(
        11.0, {c: 5.0 + s for c, s in busy.items()}, 1.0 + own
    )


def chosen(*others: float, own: float = 0.0, core: int | None = None, cores=CORES) -> set[int | None]:
    """Everything that chance may choose."""
    before, now = looks(*others, own=own, core=core)
    return {choose(before, now, cores, core, random.Random(seed)) for seed in range(60)}


@pytest.mark.parametrize(
    ("others", "own", "core", "may_be"),
    [
        ((0.9, 0.1, 0.8, 0.2), 0.0, None, {1, 3}),
        ((0.0, 0.0, 0.0, 0.0), 0.0, None, {0, 1, 2, 3}),
        ((0.0, 0.0, 0.0, 0.0), 1.0, 2, {2}),  # what it uses itself is no reason to go
        ((0.2, 0.0, 0.0, 0.0), 0.7, 0, {0}),
        ((0.5, 0.0, 0.9, 0.1), 0.5, 0, {0, 1, 3}),  # or stays, this once: somebody else may go as well
        ((1.0, 1.0, 1.0, 1.0), 0.5, 0, {0}),  # it is nowhere better
        ((0.9, 0.7, 0.7, 0.7), 0.1, 0, {0}),
    ],
)
def test_where_to_be(others, own, core, may_be):
    assert chosen(*others, own=own, core=core) == may_be


def test_only_cores_that_are_allowed_are_chosen():
    assert chosen(0.0, 0.9, 0.0, 0.8, cores=(1, 3)) == {1, 3}
    assert chosen(0.0, 0.9, 0.0, 0.1, core=1, cores=(1, 3)) == {1, 3}


def test_without_anything_to_compare_it_stays():
    before, now = looks(0.5, 0.0, core=0)
    assert choose(before, before, CORES, 0, random.Random(1)) == 0
    assert choose(before, now, (7,), 0, random.Random(1)) == 0
    assert choose(before, now, (7,), None, random.Random(1)) is None


def test_it_goes_where_others_are_not_and_takes_every_thread_along(monkeypatch):
    kept: list[set[int]] = []
    monkeypatch.setattr(room, "_allowed", lambda: {0, 1})
    monkeypatch.setattr(room, "_keep_to", kept.append)
    seen = iter(
        [
            Look(0.0, {0: 0.0, 1: 0.0}, 0.0),
            Look(1.0, {0: 0.9, 1: 0.0}, 0.0),  # others are on 0
            Look(2.0, {0: 0.9, 1: 0.9}, 0.9),  # 1 is busy with this process alone
            *(
                Look(3.0 + n, {0: 0.9, 1: 1.8 + n}, 0.9 + n / 2) for n in range(20)
            ),  # half of 1 is somebody else's
        ]
    )
    core = Core(seen.__next__, random.Random(7))
    core.turn()
    assert kept == []
    core.turn()
    core.turn()
    assert kept == [{1}, {1}]
    for _ in range(20):
        core.turn()
    assert kept[-1] == {0}


def test_where_the_machine_does_not_tell_everything_stays_as_it_was(monkeypatch):
    kept: list[set[int]] = []
    monkeypatch.setattr(room, "_allowed", lambda: {0, 1})
    monkeypatch.setattr(room, "_keep_to", kept.append)

    def nothing() -> Look:
        raise PermissionError("no /proc/stat")

    Core(nothing)._run()
    assert kept == [{0, 1}]


@LINUX
def test_a_look_at_this_machine():
    before = look()
    sum(range(3_000_000))
    now = look()
    assert now.at > before.at
    assert now.own > before.own
    assert set(os.sched_getaffinity(0)) <= set(now.busy)
    assert all(now.busy[core] >= before.busy[core] for core in before.busy)


ALL_THREADS = """
import json, os, threading, time
from workers.process import core as room
from workers.process.core import Core
room.EVERY_S = 0.05
stop = threading.Event()
early = threading.Thread(target=stop.wait)
early.start()
allowed = os.sched_getaffinity(0)
core = Core()
core.start()
def sets():
    return {tuple(os.sched_getaffinity(int(thread))) for thread in os.listdir("/proc/self/task")}
def until(holds):
    for _ in range(1_000):
        if holds():
            return
        time.sleep(0.02)
until(lambda: len(found := sets()) == 1 and len(*found) == 1)
late = threading.Thread(target=stop.wait)
late.start()
until(lambda: len(found := sets()) == 1 and len(*found) == 1)
print(json.dumps([len(allowed), [len(s) for s in sets()]]))
stop.set()
"""


@LINUX
def test_all_threads_of_a_process_are_on_one_core():
    command = [sys.executable, "-c", ALL_THREADS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    allowed, sizes = json.loads(done.stdout.splitlines()[-1])
    if allowed == 1:
        pytest.skip("this machine has one core to choose from")
    assert sizes == [1]
