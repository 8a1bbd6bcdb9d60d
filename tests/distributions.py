"""Triptych's distributions as others install them: built here, and put by pip into environments of their own.

Such an environment sees the locked packages that were asked for, and what those require, as links to this
environment's copies. It sees neither this repository nor anything else that happens to be installed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "deploy" / "client"
Done = subprocess.CompletedProcess[str]


def build(project: Path, into: Path) -> Path:
    """Build a project's wheel as ``make client-wheel`` does: with the locked back end, and nothing fetched."""
    hatchling = [str(Path(sys.executable).with_name("hatchling")), "build", "-t", "wheel", "-d", str(into)]
    done = subprocess.run(hatchling, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = into.glob("*.whl")
    return wheel


def requirements(wheel: Path) -> list[Requirement]:
    """What a wheel says that it requires."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    return [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]


def required(wanted: Iterable[Requirement], seen: set[tuple[str, str]] | None = None) -> set[str]:
    """The names of all distributions that these requirements bring."""
    seen = set() if seen is None else seen
    for need in wanted:
        for extra in ("", *need.extras):
            if (need.name, extra) in seen:
                continue
            seen.add((need.name, extra))
            lines = [Requirement(line) for line in distribution(need.name).requires or []]
            required([r for r in lines if not r.marker or r.marker.evaluate({"extra": extra})], seen)
    return {name for name, _ in seen}


class Environment:
    """A virtual environment with the wheel and what it requires."""

    def __init__(self, folder: Path, wheel: Path, *, extra: str = "") -> None:
        self.folder = folder
        self.wheel = wheel
        self.python = folder / "bin" / "python"
        venv.create(folder, with_pip=False, symlinks=True)
        (self._packages,) = folder.glob("lib/python*/site-packages")
        needs = requirements(wheel)
        self.linked = required([n for n in needs if not n.marker or n.marker.evaluate({"extra": extra})])
        for name in self.linked:
            self._link(name)
        self.install(wheel)

    def _link(self, name: str) -> None:
        for entry in {file.parts[0] for file in distribution(name).files or () if file.parts[0] != ".."}:
            place = self._packages / entry
            if entry != "__pycache__" and not place.exists():
                place.symlink_to(Path(str(distribution(name).locate_file(entry))))

    def pip(self, *arguments: str) -> str:
        """Run this repository's pip on the environment."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *arguments]
        quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, wheel: Path) -> None:
        """Install a wheel; nothing is fetched."""
        self.pip("install", "-q", "--no-deps", "--no-index", str(wheel))

    def run(self, *arguments: str, cwd: Path | None = None, **env: str) -> Done:
        """Run the environment's Python in ``cwd``, by default the environment's own folder."""
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def output(self, *arguments: str, cwd: Path | None = None, **env: str) -> str:
        """What such a run printed; it has to succeed."""
        done = self.run(*arguments, cwd=cwd, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def sources(wheel: Path) -> dict[str, ast.Module]:
    """The wheel's modules by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): ast.parse(
                archive.read(name)
            )
            for name in archive.namelist()
            if name.endswith(".py")
        }


def top_level(wheel: Path) -> set[str]:
    """The names that a wheel puts into site-packages; its dist-info is ``*.dist-info``."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    return {re.sub(r".*\.dist-info$", "*.dist-info", name) for name in tops}
