"""How one thread stops what another one waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation:
    """A switch that is thrown once, by any thread, before, during or after the call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._stops: list[Callable[[], object]] = []

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Stop what runs under this switch, and what would start. Does not wait; may be called twice."""
        with self._lock:
            self._cancelled = True
            for stop in self._stops:
                stop()
            self._stops.clear()

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """While inside, ``cancel`` calls ``stop`` (which must not block); at once where it came before."""
        with self._lock:
            if self._cancelled:
                stop()
            else:
                self._stops.append(stop)
        try:
            yield
        finally:
            # Under the lock, so that no ``stop`` is still running when this returns.
            with self._lock:
                if stop in self._stops:
                    self._stops.remove(stop)
