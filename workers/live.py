"""Live text: the last words of each running persona, five times a second, only while somebody watches.

The event loop hands pieces over and does nothing else; one thread per process cuts, throttles and publishes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis
import structlog

from orchestrator.errors import StoreUnavailable
from orchestrator.store import JobRef, LiveText
from orchestrator.store.stream import publish_text
from workers.brief import Form
from workers.heartbeat import Held
from workers.personas.parsing import AnswerReader

PERIOD_S = 0.2
SHOWN_CHARS = 240

log = structlog.get_logger(__name__)


class Writing:
    """One persona's answer in the making."""

    def __init__(self, held: Held, attempt: int, form: Form, wake: threading.Event) -> None:
        self.held = held
        self.attempt = attempt
        self._wake = wake
        self._pieces: list[str] = []
        self._read = 0
        self._reader = AnswerReader(form)
        self._words = ""
        self._chars = 0
        self._again = False
        self._reading = threading.Lock()

    def add(self, piece: str) -> None:
        """Take a piece of text. Called on the event loop for every piece: it must stay this cheap."""
        self._pieces.append(piece)
        if self.held.watched and not self._wake.is_set():
            self._wake.set()

    def show(self) -> None:
        """Show what is there, to somebody who comes while nothing is added."""
        self._again = True
        self._wake.set()

    def frame(self) -> LiveText | None:
        """The words that were added since the last frame, for a spectator; ``None`` where nothing was."""
        with self._reading:
            return self._frame()

    def _frame(self) -> LiveText | None:
        pieces, again = self._pieces[self._read :], self._again
        self._again = False
        if not pieces and not (again and self._words):
            return None
        self._read += len(pieces)
        text = "".join(pieces)
        self._chars += len(text)
        closed = self._reader.feed(text)
        # Between two lines nothing is being written: the line that has just ended stays in view.
        self._words = self._reader.words or (closed[-1].text if closed else self._words)
        return LiveText(
            step=self.held.lease.step,
            attempt=self.attempt,
            text=self._words[-SHOWN_CHARS:],
            chars=self._chars,
        )


class Live:
    """Publishes what is being written. Losing a frame is harmless; the answer itself never goes this way."""

    def __init__(self, client: redis.Redis, *, on_dropped: Callable[[int], object] = lambda _: None) -> None:
        self._client = client
        self._on_dropped = on_dropped
        self._writing: set[Writing] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, held: Held, attempt: int, form: Form) -> Writing:
        """Begin to follow one step."""
        writing = Writing(held, attempt, form, self._wake)
        held.on_watched = writing.show
        with self._lock:
            self._writing.add(writing)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="triptych-live", daemon=True)
                self._thread.start()
        return writing

    def stop(self, writing: Writing) -> None:
        """The step has ended: what it wrote last is shown, however quickly it wrote."""
        with self._lock:
            self._writing.discard(writing)
        if writing.held.watched and (frame := writing.frame()):
            self._publish([(writing.held.lease.ref, frame)])

    def show(self, held: Held, attempt: int, step: str, text: str) -> None:
        """Show something whole that the holder of a lease has written, as ``step``."""
        if held.watched:
            shown = LiveText(step=step, attempt=attempt, text=text[:SHOWN_CHARS], chars=len(text))
            self._publish([(held.lease.ref, shown)])

    def _run(self) -> None:
        pause = threading.Event()
        while self._wake.wait():
            self._wake.clear()
            with self._lock:
                watched = [writing for writing in self._writing if writing.held.watched]
            frames = [(w.held.lease.ref, frame) for w in watched if (frame := w.frame())]
            if frames:
                self._publish(frames)
            pause.wait(PERIOD_S)

    def _publish(self, frames: list[tuple[JobRef, LiveText]]) -> None:
        try:
            publish_text(self._client, frames)
        except StoreUnavailable as error:
            log.debug("live_text_dropped", error=str(error))
            self._on_dropped(len(frames))
