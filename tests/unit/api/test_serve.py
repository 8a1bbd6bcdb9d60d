"""A server on a real port: whom it waits for, and for how long."""

from __future__ import annotations

import asyncio
import socket
from threading import Event, Thread
from typing import cast

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.api import serve as serving
from orchestrator.api.serve import Waiting, listen, serve

ASKED = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LEFT_OPEN = (
    b"",
    b"GET / HTTP/1.1\r\nHost: he",
    ASKED + b"GET / HTTP/1.1\r\n",
    b"POST /refused HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n12",
)
"""Nothing, half a request, half a second one, and a body that does not come though nobody waits for it."""


async def slow_or_not(scope, receive, send) -> None:
    """Answer at once, or under ``/slow`` begin to."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": scope["path"] == "/slow"})
    if scope["path"] == "/slow":
        while (await receive())["type"] != "http.disconnect":
            pass


def visits(address: tuple[str, int], sent: bytes) -> socket.socket:
    """Connect, and send that much."""
    opened = socket.create_connection(address, timeout=30)
    opened.sendall(sent)
    return opened


def test_who_does_not_ask_is_cut_off_and_who_waits_for_an_answer_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "PATIENCE_S", 0.5)
    opened, done = listen("127.0.0.1", 0), Event()
    heard: list[bytes | str] = []

    def visit() -> None:
        try:
            address = opened.getsockname()
            with visits(address, ASKED.replace(b"/ ", b"/slow ", 1)) as patient:
                for sent, silent in [(sent, visits(address, sent)) for sent in LEFT_OPEN]:
                    with silent:
                        while silent.recv(4096):
                            pass
                        heard.append(sent)
                patient.settimeout(0)
                while patient.recv(4096):  # ends with no more to read; with b"" it had been cut off
                    pass
                heard.append("cut off")
        except BlockingIOError:
            heard.append("patient")
        finally:
            done.set()

    visitor = Thread(target=visit, daemon=True)
    with opened:
        visitor.start()
        serve(slow_or_not, opened, closing=asyncio.Event(), died=done.is_set)
    assert heard == [*LEFT_OPEN, "patient"]


class Connection:
    """What is looked at of one: the request it is about, and whether that has been answered."""

    def __init__(self) -> None:
        self.cycle: Connection | None = None
        self.response_complete = True


def test_a_connection_that_asks_again_and_again_is_kept() -> None:
    waiting, busy = Waiting(), Connection()
    connections = cast("list[H11Protocol]", [busy, Connection()])
    for second in range(60):
        busy.cycle = Connection()
        late = waiting.too_long(connections, float(second))
        assert late == (connections[1:] if second >= serving.PATIENCE_S else [])
