"""A worker keeps to one core, unless it is told not to."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.nodes import ProcessNode, wait_for
from workers.__main__ import main
from workers.process import core

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        sys.platform != "linux" or len(os.sched_getaffinity(0)) == 1,
        reason="needs Linux, and two cores to choose from",
    ),
]


def hasty(arguments: list[str]) -> int:
    """A worker that looks twenty times a second."""
    core.EVERY_S = 0.05
    return main(arguments)


@pytest.mark.parametrize("switch", ["on", "off"])
def test_a_worker_keeps_to_one_core_unless_told_not_to(
    redis_url: str, home: Path, tmp_path: Path, switch: str
) -> None:
    env = {"REDIS_URL": redis_url, "TRIPTYCH_HOME": str(home), "TRIPTYCH_MODEL": "extractive"}
    env["TRIPTYCH_ONE_CORE"] = switch
    worker = ProcessNode("worker", hasty, folder=tmp_path, env=env, ready="worker_ready")

    def cores() -> set[frozenset[int]]:
        """The cores that its threads may run on."""
        found = set()
        for thread in Path(f"/proc/{worker.pid}/task").iterdir():
            with suppress(ProcessLookupError):  # it has ended
                found.add(frozenset(os.sched_getaffinity(int(thread.name))))
        return found

    def together() -> bool:
        """Whether all are on one and the same; never asked twice, for they may move at any time."""
        found = cores()
        return len(found) == 1 and len(*found) == 1

    try:
        worker.ready()
        if switch == "on":
            wait_for("all its threads to be on one core", together)
        else:
            assert cores() == {frozenset(os.sched_getaffinity(0))}
    finally:
        worker.teardown()
