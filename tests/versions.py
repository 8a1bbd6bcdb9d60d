"""Another version of Triptych: this tree, copied and changed by edits that a test declares.

It stands in for a release that is not there yet. What runs of it are whole processes that import nothing of ours.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.nodes import ROOT

PACKAGES = ("orchestrator", "workers")


@dataclass(frozen=True)
class Edit:
    """``old`` becomes ``new`` in one file; it has to stand there exactly once."""

    path: str
    old: str
    new: str


def added(path: str, after: str, line: str) -> Edit:
    """An edit that puts a line of a body after its head."""
    return Edit(path, after, f"{after}\n    {line}")


NEWER_VERSION = "99.1.0"
NEW_EVENT = "step_checked"

NEWER_MINOR: Sequence[Edit] = (
    Edit("orchestrator/__init__.py", '__version__ = "', f'__version__ = "{NEWER_VERSION}"  # "'),
    # A field more in all that crosses processes: messages, what they hold, and the ledger's events.
    added("orchestrator/contracts/task.py", "class TaskSpec(Message):", 'audience: str = "board"'),
    added("orchestrator/contracts/plan.py", "class Plan(Message):", 'tone: str = "plain"'),
    added("orchestrator/contracts/plan.py", "class Complexity(Frozen):", "spread: float = 0.5"),
    added("orchestrator/contracts/evidence.py", "class Passage(Frozen):", 'script: str = "latin"'),
    added("orchestrator/contracts/evidence.py", "class Claim(Frozen):", "weight: float = 1.0"),
    added("orchestrator/contracts/persona.py", "class PersonaOutput(Message):", 'mood: str = "calm"'),
    added("orchestrator/contracts/persona.py", "class Usage(Frozen):", "gpu_ms: int = 7"),
    added("orchestrator/contracts/report.py", "class EvalReport(Message):", 'grade: str = "a"'),
    added("orchestrator/contracts/result.py", "class Result(Message):", 'licence: str = "none"'),
    added("orchestrator/contracts/result.py", "class JobTimings(Frozen):", "idle_ms: int = 3"),
    added("orchestrator/contracts/events/base.py", "class BaseEvent(Frozen):", 'region: str = "north"'),
    added("orchestrator/contracts/events/jobs.py", "class JobEnd(BaseEvent):", "cost_eur: float = 0.01"),
    # An event more.
    Edit(
        "orchestrator/contracts/events/entry.py",
        "KnownEvent = Annotated[\n",
        "from typing import Literal\n"
        "from orchestrator.contracts.events.base import BaseEvent\n\n\n"
        "class StepChecked(BaseEvent):\n"
        f'    event: Literal["{NEW_EVENT}"] = "{NEW_EVENT}"\n'
        "    depth: int = 2\n\n\n"
        "KnownEvent = Annotated[\n    StepChecked |\n",
    ),
    Edit(
        "workers/execution.py",
        "            worked = self._worked(attempt)\n",
        "            from orchestrator.contracts.events.entry import StepChecked\n"
        "            from orchestrator.store.origin import origin\n"
        "            self._tell(ref, StepChecked(**origin(ref, step, attempt.number)))\n"
        "            worked = self._worked(attempt)\n",
    ),
)
"""A release of the same protocol: what it adds, older ones pass over."""

NEWER_PROTOCOL = 3

NEWER_MAJOR: Sequence[Edit] = (
    Edit("orchestrator/__init__.py", '__version__ = "', f'__version__ = "{NEWER_VERSION}"  # "'),
    Edit("orchestrator/contracts/base.py", "PROTOCOL = 2", f"PROTOCOL = {NEWER_PROTOCOL}"),
    Edit(
        "orchestrator/contracts/base.py",
        "v: Literal[2] = 2",
        f"v: Literal[{NEWER_PROTOCOL}] = {NEWER_PROTOCOL}",
    ),
)
"""A release of another protocol, which reads nothing of ours and writes nothing that we could read."""


def other_version(folder: Path, edits: Sequence[Edit]) -> Path:
    """Make the tree. Fails where an edit no longer fits, so that it cannot quietly test nothing."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in edits:
        path = folder / edit.path
        text = path.read_text(encoding="utf-8")
        found = text.count(edit.old)
        assert found == 1, f"{edit.path} has {edit.old!r} {found} times; mend tests/versions.py"
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    return folder


def run_in(tree: Path, program: str, env: Mapping[str, str], *arguments: str) -> str:
    """Run a program with that version's packages; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tree,
        env=dict(env),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout
