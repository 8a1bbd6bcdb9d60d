"""When a silent call gets a backup, and how the two end: pure decisions.

A call and its backup are one attempt of the call's chain. Retries and fallbacks see only how the attempt ended, and a
call has one backup in all its attempts, so that an overload is never answered by the product of the three:

==================  =====================================  =====================================================
the first           the backup                             what happens
==================  =====================================  =====================================================
has said a word     not made yet                           none is made
has said a word     is asked                               it is cut; the first one's answer counts
is silent           says a word                            the first is cut; the backup's answer counts
is silent           fails                                  the first is waited for, as without a backup
fails, may pass     not made yet                           the attempt failed; retries decide, at once
fails, may pass     is asked                               the backup is the retry: it is waited for
fails, may pass     fails too                              the attempt failed as the first one did
fails for good      any                                    the attempt failed; the backup is cut
was cut             fails after its first word             the attempt failed as the backup did
==================  =====================================  =====================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.report.pace import Pace
from orchestrator.report.sketch import quantile_s

Phase = Literal["unsent", "asked", "answered", "failed", "final", "cut", "unmade"]
"""``unsent``: not let through yet. ``failed`` may pass, ``final`` not. ``unmade``: there will be no backup."""

Move = Literal["wait", "first", "backup", "fail as first", "fail as backup"]
Outcome = Literal["won", "lost", "neither", "refused"]
"""Of a backup: it answered, the first one did, none did; or it was not made: no budget left, or no free way."""


@dataclass(frozen=True)
class HedgePolicy:
    """``share`` (0 to 1) of a model's calls may get a backup.

    ``elsewhere``: it goes to the next model of the chain whose answers count as equally good, where there is one.
    """

    share: float = 0.1
    elsewhere: bool = False


def backup_after_s(pace: Pace, remaining_s: float) -> float | None:
    """Seconds of silence after which a call gets a backup; ``None`` where it gets none.

    It gets one once it is late (``Pace.late_s``), and only where a backup that is as quick as usual would still speak
    in the time that is left (``remaining_s``, reckoned from when the first was sent).
    """
    usual_s, late_s = quantile_s(pace.firsts, 50), pace.late_s
    if usual_s is None or late_s is None or late_s + usual_s >= remaining_s:
        return None
    return late_s


def next_move(first: Phase, backup: Phase) -> Move:
    """What the phases of a call and its backup ask for."""
    if first == "answered":
        return "first"
    if backup == "answered":
        return "backup"
    if first == "final":
        return "fail as first"
    if first == "cut":
        return "fail as backup" if backup in ("failed", "final") else "wait"
    if first == "failed":
        return "wait" if backup == "asked" else "fail as first"
    return "wait"
