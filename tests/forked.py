"""Programs of this repository in processes of their own, forked from one that has imported everything once.

What is killed is really killed, and what exits has its exit code; but starting a Python for each takes longer than most
of what is tested, and most of the tests' time.
"""

from __future__ import annotations

import atexit
import ctypes
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

Main = Callable[[list[str]], int]
IMPORTED = ["tests.faults.worker", "orchestrator.cli.main", "orchestrator.client", "orchestrator.local"]
_PR_SET_PDEATHSIG = 1


def forking() -> ForkServerContext:
    """The server that is forked from; it starts with the first process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def settle() -> None:
    """Begin a forked process: it ends with the server, and the server with the tests, also when they are killed."""
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]  # undocumented
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def redirect(path: Path, *descriptors: int) -> None:
    """Append what goes to these descriptors to a file."""
    with path.open("ab") as file:
        for descriptor in descriptors:
            os.dup2(file.fileno(), descriptor)


class Forked:
    """One process, with what tests use of ``subprocess.Popen``. Its output is appended to files."""

    def __init__(
        self, main: Main, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, out: Path, err: Path
    ) -> None:
        told = (main, list(arguments), dict(env), cwd, out, err)
        self._process = forking().Process(target=_be, args=told, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, ``None`` while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = 60.0) -> int:
        """Wait for its end. Raises ``subprocess.TimeoutExpired``."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # the server has buried it, and has not told yet
                os.kill(self.pid, number)


def command(
    *arguments: str, env: Mapping[str, str], cwd: Path, timeout_s: float = 100.0
) -> subprocess.CompletedProcess[str]:
    """Run ``triptych`` to its end. Raises ``subprocess.TimeoutExpired``, having killed it."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = Forked(_triptych, arguments, env=env, cwd=cwd, out=out, err=err)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(["triptych", *arguments], code, out.read_text(), err.read_text())


def _triptych(arguments: list[str]) -> int:
    from orchestrator.cli.main import main

    sys.argv = ["triptych", *arguments]
    return main()


def _be(main: Main, arguments: list[str], env: dict[str, str], cwd: Path, out: Path, err: Path) -> None:
    settle()
    redirect(out, 1)
    redirect(err, 2)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    try:
        code = main(arguments)
    finally:
        atexit._run_exitfuncs()  # multiprocessing runs none
    sys.exit(code)
