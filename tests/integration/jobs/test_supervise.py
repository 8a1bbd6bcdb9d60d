"""``triptych worker --supervise``: the worker comes back after it died, and only then."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from orchestrator.client import Client
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for
from workers.process.supervise import FIRST_PAUSE_S, LONGEST_PAUSE_S, pause_after

pytestmark = pytest.mark.integration


def child_of(parent: int) -> int | None:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            return int(entry.name)
    return None


def test_a_worker_that_died_is_started_again_and_a_stopped_one_is_not(
    start_worker: StartWorker, producer: Client
) -> None:
    supervisor = start_worker("--supervise")
    first = child_of(supervisor.pid)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for("a second worker", lambda: supervisor.logs().count("worker_ready") == 2)
    second = child_of(supervisor.pid)
    assert second not in (None, first)
    assert producer.wait(producer.submit(question()).ref).status == "complete"

    supervisor.kill("SIGTERM")
    assert supervisor.wait() == 0
    assert supervisor.logs().count("worker_ready") == 2
    assert not Path(f"/proc/{second}").exists()


def test_a_killed_supervisor_takes_its_worker_with_it(start_worker: StartWorker) -> None:
    supervisor = start_worker("--supervise")
    worker = child_of(supervisor.pid)
    supervisor.kill()
    wait_for("the worker to end", lambda: not Path(f"/proc/{worker}").exists())


def test_settings_that_are_wrong_are_not_tried_again(start_worker: StartWorker) -> None:
    node = start_worker("--supervise", ready=False, TRIPTYCH_MODEL="openai:gpt-x")
    assert node.wait() == 2
    assert node.logs().count("OPENAI_API_KEY") == 1


def test_the_pause_doubles_up_to_a_bound() -> None:
    pauses = [pause_after(deaths) for deaths in range(1, 20)]
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert max(pauses) == LONGEST_PAUSE_S
