"""Make ``.venv`` from the hashed lock: with uv where it can be had (seconds), else with pip (half a minute)."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".venv"
BIN = ENV / "bin"
LOCK = ROOT / "requirements.lock"
OLDEST, NEWEST = (3, 11), (3, 14)


def main() -> int:
    """Install; print what to do where it cannot be done."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return complain(
            f"Python {sys.version.split()[0]} is not supported; use 3.11 to 3.14: make PYTHON=python3.12 ..."
        )
    if not (BIN / "python").exists():
        print("Making .venv ...", flush=True)
        try:
            venv.create(ENV, with_pip=True, clear=True)
        except (subprocess.CalledProcessError, OSError):
            return complain(
                "this Python cannot make a virtual environment with pip in it; on Debian: apt install python3-venv"
            )
    print("Installing the locked packages ...", flush=True)
    if not with_uv() and run("-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK)):
        return complain("the packages could not be installed; the lines above say why")
    # Built with what the lock has just brought: nothing is fetched that no hash was checked of.
    if run("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT)):
        return complain("Triptych itself could not be installed; the lines above say why")
    return 0


def with_uv() -> bool:
    """Use uv where the lock's own copy installs; it checks the same hashes."""
    requirement = ENV / "uv.txt"
    requirement.write_text(_block("uv=="))
    if run("-m", "pip", "install", "-q", "--require-hashes", "-r", str(requirement)):
        return False
    options = ["-q", "--compile-bytecode", "--python", str(BIN / "python")]
    command = [str(BIN / "uv"), "pip", "install", *options, "--require-hashes", "-r", str(LOCK)]
    return subprocess.run(command, check=False).returncode == 0


def _block(start: str) -> str:
    """One requirement with its hashes out of the lock."""
    lines = iter(LOCK.read_text().splitlines())
    block = [next(line for line in lines if line.startswith(start))]
    while block[-1].endswith("\\"):
        block.append(next(lines))
    return "\n".join(block) + "\n"


def run(*arguments: str) -> int:
    """Run the environment's Python; its messages go where ours go."""
    command = [str(BIN / "python"), *arguments]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(command, check=False, env=environment).returncode


def complain(problem: str) -> int:
    """Say it and fail."""
    print(f"install: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
