"""One thing that was checked: what was found, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from orchestrator.contracts.base import Frozen

Level = Literal["ok", "warning", "error", "skipped"]


class Finding(Frozen):
    """``do`` is empty where nothing has to be done."""

    check: str
    level: Level
    what: str
    do: str = ""


def ok(check: str, what: str) -> Finding:
    """Nothing is wrong here."""
    return Finding(check=check, level="ok", what=what)


def warning(check: str, what: str, do: str) -> Finding:
    """It works, and may not for long."""
    return Finding(check=check, level="warning", what=what, do=do)


def error(check: str, what: str, do: str) -> Finding:
    """Jobs fail or wait because of this."""
    return Finding(check=check, level="error", what=what, do=do)


def skipped(check: str, what: str, do: str = "") -> Finding:
    """Not looked at, and why: neither good nor bad."""
    return Finding(check=check, level="skipped", what=what, do=do)


def exit_code(findings: Iterable[Finding]) -> int:
    """2 where something is wrong, 1 where something may go wrong, else 0."""
    levels = {finding.level for finding in findings}
    return 2 if "error" in levels else 1 if "warning" in levels else 0
