"""A measurement that is interrupted keeps the sections that were finished, and says which are missing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from benchmarks import noop
from benchmarks.command import Told, run
from benchmarks.figures import Spread
from benchmarks.noop import Latency
from benchmarks.processes import BenchmarkFailed
from benchmarks.report import Report
from benchmarks.room import Size
from tests.unit.benchmarks.test_overload import MACHINE

SPREAD = Spread(1.0, 2.0, 3.0)
NOTHING = Report(7, Size(), MACHINE)
ONE_SECTION = replace(
    NOTHING,
    latency={name: [Latency(SPREAD, SPREAD)] for name in (noop.DEFAULTS, noop.THREADS, noop.TRIPTYCH)},
)


@pytest.fixture(autouse=True)
def nothing_of_the_process_is_changed() -> Iterator[None]:
    """A measurement takes signals and drops settings, for good."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with mock.patch.dict(os.environ):
        yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def by_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def by_failing() -> None:
    raise BenchmarkFailed("a job was lost")


@pytest.mark.parametrize(
    ("ends", "code", "said"),
    [
        (by_ctrl_c, 130, "interrupted; nothing is left running"),
        (by_failing, 2, "the benchmark did not run: a job was lost"),
    ],
)
def test_what_was_finished_before_the_end_is_told_and_written(
    ends: Callable[[], None], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"

    def measure(told: Told) -> Report:
        told.keep(ONE_SECTION)
        assert json.loads(file.read_text())["missing"] == ["drain", "steady", "scaling"], "at once"
        ends()
        raise AssertionError

    assert run("benchmark", measure, file=file) == code
    out, err = capsys.readouterr()
    assert "No-op jobs one at a time" in out
    assert "drained" not in out
    assert "not measured: drain, steady, scaling" in out
    assert said in err
    written = json.loads(file.read_text())
    assert written["latency"]["naive"][0]["argument"]["p50"] == 1.0
    assert [target["name"] for target in written["targets"]] == ["no-op p50, of the naive chord's"]


def test_what_ends_before_its_first_section_keeps_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    measure = mock.Mock(side_effect=BenchmarkFailed("no server"))
    assert run("benchmark", measure, file=file) == 2
    assert capsys.readouterr().out == ""
    assert not file.exists()


def test_sections_that_are_missing_meet_nothing() -> None:
    assert NOTHING.missing == ["latency", "drain", "steady", "scaling"]
    assert not NOTHING.met
