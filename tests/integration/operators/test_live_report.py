"""``triptych report --live``: it follows the fleet, on a terminal in place, and Ctrl-C ends it like any end."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.client import Client
from orchestrator.settings import Settings
from tests.integration.conftest import StartWorker, question
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

TRIPTYCH = str(Path(sys.executable).with_name("triptych"))
ROW_UP, SHOW_CURSOR = "\x1b[1A", "\x1b[?25h"


class Terminal:
    """A command on a terminal; ``said`` is all that it has written so far."""

    def __init__(self, *command: str, env: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        self._said = b""
        self.process = subprocess.Popen(
            [TRIPTYCH, *command], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **env}
        )
        os.close(theirs)

    def said(self) -> str:
        # With nothing there to read, and with nobody left to write, it is an error.
        with suppress(OSError):
            while chunk := os.read(self._ours, 65_536):
                self._said += chunk
        return self._said.decode(errors="ignore")  # a character may be half written

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def env(settings: Settings, redis_url: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "TRIPTYCH_HOME": str(settings.home), "TERM": "xterm", "COLUMNS": "100"}


@pytest.fixture
def terminal(env: dict[str, str]) -> Iterator[Terminal]:
    opened = Terminal("report", "--live", "--every", "0.5", env=env)
    yield opened
    opened.close()


def test_it_follows_in_place_and_ends_cleanly(
    start_worker: StartWorker, producer: Client, terminal: Terminal
) -> None:
    wait_for("the first look", lambda: "0 jobs accepted, 0 ended" in terminal.said())
    start_worker()
    producer.wait(producer.submit(question(mode="parallel")).ref)
    wait_for("the job", lambda: "1 job accepted, 1 ended" in terminal.said())
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(10) == 0
    said = terminal.said()
    assert ROW_UP in said, "written below, not in place"
    assert said.rstrip().endswith(SHOW_CURSOR)
    assert "Traceback" not in said
    assert "interrupted" not in said
    assert "1 jobs, 20 are the least to judge by" in said


def test_programs_get_one_report_a_line(producer: Client, env: dict[str, str]) -> None:
    command = [TRIPTYCH, "report", "--live", "--every", "0.5", "--json", "--since", "1h"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **env})
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["submitted"] == 0
        producer.submit(question())
        assert any(json.loads(line)["submitted"] == 1 for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
