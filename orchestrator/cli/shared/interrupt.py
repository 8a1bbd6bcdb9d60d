"""Ctrl-C and SIGTERM, so that they end a command for certain.

The handler raises, which ends almost everything at once. But an exception raised while Python happens to run a
destructor is printed and dropped (seen in one of three runs, during imports, and in redis-py's); so the handler also
remembers, long-running commands ask ``check`` as they go along, and what would be printed is not.
"""

from __future__ import annotations

import signal
import sys

_received: list[int] = []


def install() -> None:
    """Handle SIGINT and SIGTERM from here on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _handle)
    sys.unraisablehook = _unraisable


def check() -> None:
    """Raise ``KeyboardInterrupt`` where a signal came and its exception was lost."""
    if _received:
        raise KeyboardInterrupt


def exit_code() -> int:
    """128 and the signal's number, as shells have it; 130 where none was seen."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def _unraisable(dropped: sys.UnraisableHookArgs) -> None:
    """Say nothing of our own exception that a destructor dropped: it is remembered. All others are shown as ever."""
    if not (_received and dropped.exc_type is KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


def _handle(number: int, _frame: object) -> None:
    _received.append(number)
    raise KeyboardInterrupt
