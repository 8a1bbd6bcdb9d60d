"""Hears a thesis while it is being written, and hands on each claim the moment it closes.

The event loop hands over whole lines and does nothing else; a thread of the attempt's own reads and records them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from orchestrator.contracts import Claim
from workers.personas.parsing import AnswerReader

_END = None


class Listener:
    """One answer in the making. ``claimed`` is called for each claim, in order, on the listener's thread."""

    def __init__(self, reader: AnswerReader, claimed: Callable[[Claim], None]) -> None:
        self._reader = reader
        self._claimed = claimed
        self._partial: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._problem: Exception | None = None
        self._put = self._read = 0
        self._thread = threading.Thread(target=self._run, name="triptych-listen", daemon=True)
        self._thread.start()

    def hear(self, piece: str) -> None:
        """Take a piece of text. Called on the event loop for every piece: claims close at the end of a line only."""
        self._partial.append(piece)
        if "\n" in piece:
            self._put += 1
            self._lines.put("".join(self._partial))
            self._partial = []

    @property
    def is_idle(self) -> bool:
        """Whether all that was heard is handed on, but for a line that has not ended. For the thread that hears."""
        return self._read == self._put

    def close(self) -> None:
        """End the answer; returns when every claim of it was handed on. Call once. Raises what ``claimed`` raised."""
        if self._partial:
            self._lines.put("".join(self._partial) + "\n")
        self._lines.put(_END)
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        while (text := self._lines.get()) is not _END:
            if self._problem is None:
                try:
                    for claim in self._reader.feed(text):
                        self._claimed(claim)
                except Exception as error:  # noqa: BLE001 - raised by close, on the thread that can act on it
                    self._problem = error
            self._read += 1
