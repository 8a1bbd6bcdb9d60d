"""The soak in small: faults come over both sides, Triptych loses nothing, and nothing is left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.benchmarks.processes import LOOKED_UP_IN_PROC, running
from tests.nodes import ROOT, wait_for

# A measurement starts a dozen workers: a minute of a build, for a tool that a release is measured with.
pytestmark = [pytest.mark.integration, pytest.mark.soak, LOOKED_UP_IN_PROC]
SMALL = ("--per-s", "4", "--fault-every-s", "1.5", "--workers", "2", "--slots", "4", "--seed", "7")


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.soak", *SMALL, *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place), "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_triptych_loses_nothing_while_its_workers_are_killed(place: Path) -> None:
    file = place / "outcome.json"
    soak = start(place, "--jobs", "20", "--deadline-s", "16", "--json", str(file))
    shown, said = soak.communicate(timeout=110)
    assert soak.returncode == 0, said + shown
    outcome = json.loads(file.read_text())
    assert outcome["seed"] == 7
    assert "seed 7" in said
    assert outcome["faults"]["kill"] > 0
    sides = outcome["sides"]
    assert set(sides) == {"naive", "triptych"}
    assert all(side["accepted"] == 20 for side in sides.values())
    ours = sides["triptych"]
    assert (ours["complete"], ours["lost"], ours["duplicated_results"]) == (20, 0, 0)
    assert list(running(place)) == []


def test_interrupted_it_leaves_nothing_running(place: Path) -> None:
    soak = start(place, "--jobs", "1000")
    assert soak.stderr is not None
    assert any("accepted" in line for line in soak.stderr)  # both sides are at work
    assert len(list(running(place))) > 4
    soak.send_signal(signal.SIGINT)
    assert soak.wait(timeout=60) == 130
    wait_for("the last process to go", lambda: not list(running(place)))
