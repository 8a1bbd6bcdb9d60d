"""What people write for a rollout's shares, times and margins, read."""

from __future__ import annotations

import re
from typing import cast, get_args

from orchestrator.contracts import ArguedMode
from orchestrator.errors import InvalidInput

_DURATION = re.compile(r"^([0-9]{1,6}(?:\.[0-9]{1,3})?)(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_PERCENT = re.compile(r"^([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%?$")


def parse_duration(text: str) -> float:
    """Read ``90s``, ``30m``, ``2h`` or ``1d`` as seconds. Raises ``InvalidInput``."""
    match = _DURATION.match(text.strip())
    if not match:
        raise InvalidInput("--hold", f"{text[:40]!r} is no time; write 90s, 30m, 2h or 1d")
    return float(match[1]) * _SECONDS[match[2]]


def parse_percent(option: str, text: str) -> float:
    """Read ``2%`` or ``2`` as 0.02. Raises ``InvalidInput``."""
    match = _PERCENT.match(text.strip())
    if not match:
        raise InvalidInput(option, f"{text[:40]!r} is no percentage; write it as 2%")
    return float(match[1]) / 100


def parse_shares(text: str) -> tuple[float, ...]:
    """Read ``5,25,50,100`` as percent. Raises ``InvalidInput``."""
    parts = [part for part in re.split(r"[,\s]+", text.strip()) if part]
    matches = [_PERCENT.match(part) for part in parts]
    if not parts or not all(matches):
        raise InvalidInput("--stages", f"{text[:40]!r} are no percentages; write them as 5,25,50,100")
    return tuple(float(match[1]) for match in matches if match)


def mode_named(option: str, text: str) -> ArguedMode:
    """Read a mode that traffic can be moved to. Raises ``InvalidInput``."""
    known = get_args(ArguedMode)
    if text not in known:
        raise InvalidInput(
            option, f"{text[:40]!r} is no mode to move traffic to; choose from {', '.join(known)}"
        )
    return cast("ArguedMode", text)
