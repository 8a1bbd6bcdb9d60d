"""When a late call gets a backup, and how the two end: pure decisions.

A call is late where it says nothing for too long, or where it speaks so slowly that it would end too late. It and its
backup are one attempt of the call's chain. Retries and fallbacks see only how the attempt ended, and a call has one
backup in all its attempts, so that an overload is never answered by the product of the three:

==================  =====================================  =====================================================
the first           the backup                             what happens
==================  =====================================  =====================================================
has answered        not made, or asked                     it is cut; the first one's answer counts
is asked            has answered                           the first is cut; the backup's answer counts
is asked            fails                                  the first is waited for, as without a backup
fails, may pass     not made yet                           the attempt failed; retries decide, at once
fails, may pass     is asked                               the backup is the retry: it is waited for
fails, may pass     fails too                              the attempt failed as the first one did
fails for good      any                                    the attempt failed; the backup is cut
was cut             fails after its first word             the attempt failed as the backup did
==================  =====================================  =====================================================

Where others act on an answer while it is written, it cannot be taken back: whoever says the first word cuts the other
one there, and one that is too slow afterwards is cut, for another call to go on from what it has said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.report.pace import LEAST_LATE_S, Pace

Phase = Literal["unsent", "asked", "answered", "failed", "final", "cut", "unmade"]
"""``unsent``: not let through yet. ``failed`` may pass, ``final`` not. ``unmade``: there will be no backup."""

Move = Literal["wait", "first", "backup", "fail as first", "fail as backup"]
Outcome = Literal["won", "lost", "neither", "refused"]
"""Of a backup: it answered, the first one did, none did; or it was not made: no budget left, or no free way."""

LOOK_SHARE = 0.25
"""Of the time in which an answer is usually written: how long a rate has to be seen, and the time between two looks."""


@dataclass(frozen=True)
class HedgePolicy:
    """``share`` (0 to 1) of a model's calls may get a backup.

    ``elsewhere``: it goes to the next model of the chain whose answers count as equally good, where there is one.
    """

    share: float = 0.1
    elsewhere: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a call is: s since it was sent, of which ``first_s`` until its first word, and characters so far."""

    now_s: float
    first_s: float
    chars: int


def backup_after_s(pace: Pace, remaining_s: float) -> float | None:
    """Seconds of silence after which a call gets a backup; ``None`` where it gets none.

    It gets one once it is late (``Pace.late_s``), and only where a backup that is as quick as usual would still speak
    in the time that is left (``remaining_s``, reckoned from when the first was sent).
    """
    usual_s, late_s = pace.usual_first_s, pace.late_s
    if usual_s is None or late_s is None or late_s + usual_s >= remaining_s:
        return None
    return late_s


def look_every_s(pace: Pace) -> float | None:
    """How long a call has to speak before its rate says something, and again; ``None`` while too little is known."""
    usual = _usual(pace)
    return None if usual is None else max(LEAST_LATE_S, LOOK_SHARE * usual.writing_s)


def falls_behind(pace: Pace, progress: Progress, remaining_s: float, *, goes_on: bool = False) -> bool:
    """Whether a call that speaks will be late, and another one that is as quick as usual would end before it.

    At its own rate it will have written an answer of the usual length after ``Pace.overdue_s``, or not in the time that
    is left (``remaining_s``, as in ``backup_after_s``). The other one has to end before both; it writes all of the
    answer, or where it ``goes_on`` from there, the rest. What is longer than usual already is not late: nobody knows
    how long it is going to be.
    """
    usual = _usual(pace)
    if usual is None or progress.chars >= usual.chars or not progress.chars:
        return False
    left = 1 - progress.chars / usual.chars
    ends_s = progress.now_s + (progress.now_s - progress.first_s) * left / (1 - left)
    other_ends_s = progress.now_s + usual.first_s + usual.writing_s * (left if goes_on else 1)
    return ends_s > min(usual.overdue_s, remaining_s) and other_ends_s < min(ends_s, remaining_s)


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


@dataclass(frozen=True)
class _Usual:
    """An answer as a model usually gives it: s, and characters."""

    first_s: float
    writing_s: float
    overdue_s: float
    chars: float


def _usual(pace: Pace) -> _Usual | None:
    first_s, whole_s = pace.usual_first_s, pace.usual_whole_s
    overdue_s, chars = pace.overdue_s, pace.usual_chars
    if first_s is None or whole_s is None or overdue_s is None or not chars:
        return None
    return _Usual(first_s, max(0.0, whole_s - first_s), overdue_s, chars)
