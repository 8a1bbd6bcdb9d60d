"""Server-sent events out of a byte stream, as the WHATWG specification has it. Pure: bytes in, events out.

Only ``event`` and ``data`` matter here; ``id`` and ``retry`` are for reconnecting, which a model call never
does. An event that the stream's end cuts short is dropped, as the specification says.
"""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.errors import ModelError

MAX_EVENT_BYTES = 1_048_576
"""Longest event, and longest line, in bytes."""


class Event(NamedTuple):
    """One event: its name (empty where the stream gave none) and its data lines joined by newlines."""

    name: str
    data: bytes


class EventParser:
    """Feed it the stream in any pieces; linear in the bytes fed, whatever their cut."""

    def __init__(self) -> None:
        self._partial: list[bytes] = []
        self._partial_bytes = 0
        self._at_start = True
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this piece completes.

        Raises ``ModelError("provider")`` where one is over ``MAX_EVENT_BYTES``; the parser is of no use then.
        """
        if self._after_cr and chunk.startswith(b"\n"):  # the second half of a CRLF that was cut
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()
        rest = b"" if chunk.endswith((b"\r", b"\n")) else lines.pop()
        if lines:
            lines[0] = self._completed(lines[0])
        if rest:
            self._keep(rest)
        return [event for line in lines if (event := self._line(line)) is not None]

    def _completed(self, end: bytes) -> bytes:
        line = b"".join((*self._partial, end)) if self._partial else end
        self._partial.clear()
        self._partial_bytes = 0
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        return line

    def _keep(self, piece: bytes) -> None:
        self._partial_bytes += len(piece)
        if self._partial_bytes > MAX_EVENT_BYTES:
            raise _too_long()
        self._partial.append(piece)

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatched()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data_bytes += len(value) + 1
            if self._data_bytes > MAX_EVENT_BYTES:
                raise _too_long()
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatched(self) -> Event | None:
        event = Event(self._name, b"\n".join(self._data)) if self._data else None
        self._name = ""
        self._data = []
        self._data_bytes = 0
        return event


def _too_long() -> ModelError:
    return ModelError(
        "provider", f"the endpoint sent an event of over {MAX_EVENT_BYTES:,} bytes; is it a model server?"
    )
