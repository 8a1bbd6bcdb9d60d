"""The process's one event loop: all model I/O runs on it, in a daemon thread, while task threads wait.

The thread starts with the first ``submit``, so importing costs nothing. A child process after a fork starts
its own: the parent's loop has no thread there, and its selector is still shared with the parent.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_CLOSE_TIMEOUT_S = 5.0


class _LoopThread:
    """An event loop and the thread that runs it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="triptych-model-io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_CLOSE_TIMEOUT_S)


_lock = threading.Lock()
_current: _LoopThread | None = None
# Kept on purpose: collecting the parent's loop in the child would empty the selector that they share.
_inherited: list[_LoopThread] = []


def submit(coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start ``coro`` on the process's loop; does not block. Never wait for it on the loop's thread."""
    global _current  # noqa: PLW0603 - one loop per process is what this module is for
    with _lock:
        if _current is None:
            _current = _LoopThread()
        return asyncio.run_coroutine_threadsafe(coro, _current.loop)


def close() -> None:
    """Cancel what runs and end the thread, within 5 s. May be called twice; ``submit`` starts anew."""
    global _current
    with _lock:
        closing, _current = _current, None
    if closing is not None:
        closing.close()


def _forget_the_parents() -> None:
    global _current, _lock  # noqa: PLW0603 - the lock may have been held by a thread that is not here
    _lock = threading.Lock()
    if _current is not None:
        _inherited.append(_current)
        _current = None


os.register_at_fork(after_in_child=_forget_the_parents)
