"""A server on a real port: whom it waits for, and for how long."""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import ExitStack
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


def test_a_crowd_that_asks_nothing_keeps_nobody_from_being_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 3)
    opened, done = listen("127.0.0.1", 0), Event()
    answers: list[bytes] = []

    def visit() -> None:
        try:
            address = opened.getsockname()
            with ExitStack() as crowd:
                for _ in range(10):
                    crowd.enter_context(visits(address, b""))
                answers.append(crowd.enter_context(visits(address, ASKED)).recv(4096))
        finally:
            done.set()

    visitor = Thread(target=visit, daemon=True)
    with opened:
        visitor.start()
        serve(slow_or_not, opened, closing=asyncio.Event(), died=done.is_set)
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"]


class Connection:
    """What is looked at of one: the request it is about, and whether that has been answered."""

    def __init__(self) -> None:
        self.cycle: Connection | None = None
        self.response_complete = True


@pytest.mark.parametrize(("most", "patience_s"), [(1_000, serving.PATIENCE_S), (2, serving.CROWDED_S)])
def test_a_connection_that_asks_again_and_again_is_kept(
    monkeypatch: pytest.MonkeyPatch, most: int, patience_s: float
) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", most)
    waiting, busy = Waiting(), Connection()
    connections = cast("list[H11Protocol]", [busy, Connection()])
    for second in range(60):
        busy.cycle = Connection()
        late = waiting.too_long(connections, float(second))
        assert late == (connections[1:] if second >= patience_s else [])


def test_it_may_open_as_many_files_as_connections_take() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        with listen("127.0.0.1", 0) as opened:
            serve(slow_or_not, opened, closing=asyncio.Event(), died=lambda: True)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(serving.MOST_FILES, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
