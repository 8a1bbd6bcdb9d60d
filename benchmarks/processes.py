"""Worker processes: started, frozen while another is measured, looked at from outside, and gone in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
PROC = Path("/proc")


class BenchmarkFailed(Exception):
    """Something did not do what is measured; says which, with the end of its log."""


@dataclass(frozen=True)
class Holds:
    """What a process has at a moment: resident memory in MB, threads, and open files, sockets included."""

    rss_mb: float
    threads: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Holds | None:
        """Look; ``None`` where /proc is not."""
        folder = PROC / str(pid)
        try:
            lines = (folder / "status").read_text().splitlines()
            files = sum(1 for _ in (folder / "fd").iterdir())
        except OSError:
            return None
        status = dict(line.split(":", 1) for line in lines if ":" in line)
        return cls(int(status["VmRSS"].split()[0]) / 1_024, int(status["Threads"]), files)


class Worker:
    """One worker, which may be several processes: a group of its own, that dies with this one."""

    def __init__(self, name: str, command: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._frozen = False
        tether = [sys.executable, "-m", "orchestrator.local.tether", str(os.getpid())]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                [*tether, sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **env},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C goes to the benchmark alone, which then stops these in order.
                start_new_session=True,
            )

    def wait_for(self, text: str) -> None:
        """Return once the worker has logged this. Raises ``BenchmarkFailed``."""
        wait_until(f"{self.name} to say {text}", lambda: self.alive() and text in self.log())

    def alive(self) -> bool:
        """True. Raises ``BenchmarkFailed`` where the worker has ended."""
        if self._process.poll() is not None:
            raise BenchmarkFailed(f"{self.name} ended by itself:\n{self.log()[-2_000:]}")
        return True

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The first of its processes: on Linux the worker itself, which the tether becomes."""
        return self._process.pid

    def processes(self) -> frozenset[int]:
        """The ids of all its processes; where /proc is not, of the first."""
        return frozenset(int(folder.name) for folder, _ in self._stats()) | {self._process.pid}

    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text(errors="replace")

    def freeze(self) -> None:
        """Stop its processes where they are: no CPU, no commands."""
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)
        self._frozen = False

    def terminate(self) -> None:
        """Tell it to end in order: it finishes what it has begun, or hands it over."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGTERM)

    def cpu_s(self) -> float | None:
        """CPU seconds of all its processes so far, those that ended included; ``None`` where /proc is not."""
        ticks = os.sysconf("SC_CLK_TCK")
        # utime, stime, and what children that have ended used: proc(5), fields 14 to 17.
        found = [sum(int(field) for field in stat[11:15]) / ticks for _, stat in self._stats()]
        return sum(found) if found else None

    def peak_rss_mb(self) -> float | None:
        """The most memory that its processes held, MB, each at its own peak; ``None`` where /proc is not."""
        peaks: list[float] = []
        for folder, _ in self._stats():
            with suppress(OSError):
                lines = (folder / "status").read_text().splitlines()
                peaks += [int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmHWM:")]
        return sum(peaks) if peaks else None

    def holds(self) -> Holds | None:
        """What its first process has now; ``None`` where /proc is not."""
        return Holds.of(self._process.pid)

    def stop(self) -> None:
        """Kill it. May be called twice."""
        self._signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        if self._process.stdin:
            self._process.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _stats(self) -> Iterator[tuple[Path, list[str]]]:
        """/proc folder and fields (from the third on) of every process of the group."""
        for folder in PROC.glob("[0-9]*"):
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._process.pid:
                    yield folder, fields


def wait_until(what: str, ready: Callable[[], object], *, timeout_s: float = START_TIMEOUT_S) -> None:
    """Return as soon as ``ready`` says so. Raises ``BenchmarkFailed`` when it never does."""
    end = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > end:
            raise BenchmarkFailed(f"waited {timeout_s:g} s for {what}")
        time.sleep(0.02)
