"""The benchmark runs, measures every side, says what is simulated, and leaves nothing running."""

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


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--quick", "--jobs", "3", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place), "XDG_RUNTIME_DIR": "", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_measures_every_side_and_says_what_is_simulated(place: Path) -> None:
    file = place / "figures.json"
    bench = start(place, "--json", str(file), "--seed", "7")
    shown, said = bench.communicate(timeout=110)
    assert bench.returncode in (0, 1), said
    figures = json.loads(file.read_text())
    assert "simulated" in shown
    assert "simulated" in figures["simulated"]
    assert figures["seed"] == 7
    assert "seed 7" in said
    assert set(figures["latency"]) == {"naive", "naive, threads", "triptych"}
    assert set(figures["drain"]) == {"naive", "naive, threads", "triptych", "triptych, planning"}
    assert set(figures["steady"]) == {"naive, threads", "triptych"}
    assert set(figures["scaling"]) == {"one worker", "two workers"}
    drained = [r for rounds in figures["drain"].values() for r in rounds]
    assert all(r["jobs_per_s"] > 0 and r["commands"] > 10 for r in drained)
    steady = [r for levels in figures["steady"].values() for rounds in levels.values() for r in rounds]
    assert [r["lost"] for r in steady] == [0, 0]
    assert all(r["peak_rss_mb"] > 10 for r in steady)
    assert bench.returncode == (0 if all(t["met"] for t in figures["targets"]) else 1)
    assert list(running(place)) == []


def test_interrupted_it_keeps_what_was_finished_and_leaves_nothing_running(place: Path) -> None:
    file = place / "figures.json"
    bench = start(place, "--json", str(file))
    assert bench.stdout is not None
    assert bench.stderr is not None
    assert any(line.startswith("drain") for line in bench.stderr)  # its workers are there
    assert len(list(running(place))) > 3
    bench.send_signal(signal.SIGINT)
    assert bench.wait(timeout=90) == 130  # its workers have their 20 s to drain
    assert "not measured: drain, steady, scaling" in bench.stdout.read()
    assert json.loads(file.read_text())["missing"] == ["drain", "steady", "scaling"]
    wait_for("the last process to go", lambda: not list(running(place)))
