"""Workers in containers of our image, in the shape of ``tests.nodes``: the same tests run on either.

The engine is reached through its command line. A container gets the folders of this deployment's Redis and home, no
network at all, and the rights of whoever runs the tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.nodes import ROOT, ProcessNode

BASE = "python:3.12-slim"
IMAGE = "triptych:under-test"


class NoEngineError(Exception):
    """Containers cannot be had here; says why."""


def build_image() -> str:
    """Make the image of this tree; layers that have not changed are the engine's own from before.

    Raises ``NoEngineError`` where there is no engine or no base image. A Dockerfile that does not build is a failure.
    """
    if sys.platform != "linux":
        raise NoEngineError("containers share no unix socket with this system")
    if shutil.which("docker") is None:
        raise NoEngineError("docker is not installed")
    answer = _docker("info", "--format", "{{.ServerVersion}}", timeout=20)
    if answer.returncode != 0:
        raise NoEngineError(f"no container engine answers ({answer.stderr.strip()[-200:]})")
    if _docker("image", "inspect", BASE).returncode != 0 and _docker("pull", BASE).returncode != 0:
        raise NoEngineError(f"the image {BASE} is not there and cannot be pulled")
    built = _docker("build", "--tag", IMAGE, "--file", "deploy/Dockerfile", ".")
    assert built.returncode == 0, f"the image does not build:\n{(built.stdout + built.stderr)[-3_000:]}"
    return IMAGE


class ContainerNode(ProcessNode):
    """One container, attached: what it writes is its log, and signals reach the worker inside."""

    def kill(self, signal: str | int = "SIGKILL") -> None:
        _docker("kill", "--signal", _name(signal), self.name)
        if _name(signal) == "SIGKILL":
            self.wait()

    def teardown(self) -> None:
        _docker("rm", "--force", self.name)
        if self.status == "running":
            self.wait()


def worker_container(
    name: str, image: str, *, folder: Path, env: Mapping[str, str], arguments: Sequence[str] = ()
) -> ContainerNode:
    """Start ``triptych worker`` in a container that is called, and calls itself, ``name``."""
    told = {"TRIPTYCH_MODEL": "extractive", **env}
    shared = {str(Path(told["REDIS_URL"].removeprefix("unix://")).parent), told["TRIPTYCH_HOME"]}
    Path(told["TRIPTYCH_HOME"]).mkdir(parents=True, exist_ok=True)
    command = ["docker", "run", "--rm", "--name", name, "--hostname", name, "--network", "none", "--read-only",
               "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", f"{os.getuid()}:{os.getgid()}"]  # fmt: skip
    command += [word for path in sorted(shared) for word in ("--volume", f"{path}:{path}")]
    command += [word for variable, value in told.items() for word in ("--env", f"{variable}={value}")]
    command += [image, "worker", "--concurrency", "20", *arguments]
    return ContainerNode(name, command, folder=folder, env=told, ready="worker_ready")


def _docker(*arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout
    )


def _name(number: str | int) -> str:
    return signal.Signals(number).name if isinstance(number, int) else number
