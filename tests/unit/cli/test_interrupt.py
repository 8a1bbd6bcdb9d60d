"""Ctrl-C that arrives while Python runs a destructor."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal
from orchestrator.cli.shared import interrupt

class Interrupted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

class Broken:
    def __del__(self):
        raise ValueError("a defect")

interrupt.install()
Interrupted()
Broken()
try:
    interrupt.check()
except KeyboardInterrupt:
    print("remembered", interrupt.exit_code())
"""


def test_it_is_remembered_without_a_traceback_and_defects_are_still_shown() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "remembered 130\n"
    assert "KeyboardInterrupt" not in done.stderr
    assert "ValueError: a defect" in done.stderr
