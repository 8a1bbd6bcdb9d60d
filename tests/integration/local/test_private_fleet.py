"""A private fleet clears away what a killed one left, and nothing else; and tells how its worker ended."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import WorldError
from orchestrator.local import PrivateFleet
from orchestrator.settings import Settings
from tests.nodes import wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where private fleets keep their folders; short enough for a socket, which pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="tt") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        yield Path(short)


def leftover(base: Path, name: str, *, lock: bool) -> Path:
    folder = base / name
    folder.mkdir()
    (folder / "notes.md").write_text("mine")
    if lock:
        (folder / "fleet.lock").touch()
    return folder


def test_a_killed_fleets_folder_goes_with_the_next_one(base: Path) -> None:
    old = leftover(base, "triptych-old", lock=True)
    PrivateFleet(Settings()).stop()
    assert not old.exists()


def test_a_folder_that_only_looks_like_one_stays(base: Path) -> None:
    """Somebody's thesis, or a fleet that has just been made and not yet locked."""
    theirs = leftover(base, "triptych-9999999-mythesis", lock=False)
    PrivateFleet(Settings()).stop()
    assert (theirs / "notes.md").read_text() == "mine"


def test_a_running_fleets_folder_stays(base: Path) -> None:
    running = leftover(base, "triptych-running", lock=True)
    with (running / "fleet.lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        PrivateFleet(Settings()).stop()
    assert running.exists()


def test_nothing_is_left_of_a_fleet_that_was_stopped(base: Path) -> None:
    fleet = PrivateFleet(Settings())
    fleet.start_valkey()
    fleet.stop()
    fleet.stop()
    assert list(base.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "import os; os.kill(os.getpid(), 9)",
            "was ended by signal 9 (SIGKILL); the last of its log:\n(empty log)",
        ),
        ("print('why'); raise SystemExit(3)", "ended with exit code 3; the last of its log:\nwhy"),
        (
            "print(*(f'{n:02} ' + 'x' * 297 for n in range(60)), sep='\\n'); raise SystemExit(1)",
            "ended with exit code 1; the last of its log:\n"
            + "\n".join(f"{n} " + "x" * 297 for n in range(55, 60)),
        ),
    ],
)
def test_a_worker_that_has_died_is_told_with_how_and_whole_lines_of_its_log(
    base: Path, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    fleet = PrivateFleet(Settings())
    try:
        fleet.check_worker()  # none was started
        monkeypatch.setattr("orchestrator.local.fleet.WORKER", [sys.executable, "-c", program])
        fleet.start_worker()
        wait_for("its end", fleet.worker_died)
        with pytest.raises(WorldError) as told:
            fleet.check_worker()
    finally:
        fleet.stop()
    assert str(told.value) == f"the private worker {said}"


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the tether watches a pipe instead of asking the kernel"
)
def test_what_is_started_for_a_parent_that_is_gone_is_not_started_at_all() -> None:
    tether = [sys.executable, "-m", "orchestrator.local.tether", "1"]
    orphan = subprocess.run([*tether, "sh", "-c", "echo ran"], capture_output=True, text=True, check=False)
    assert (orphan.returncode, orphan.stdout) == (1, "")
