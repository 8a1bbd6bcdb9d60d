"""What a spectator reads of an answer that is still being written."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from orchestrator.store import JobRef, LiveText, connect
from orchestrator.store.leases import Lease
from workers import live
from workers.heartbeat import Held
from workers.live import SHOWN_CHARS, Writing


def writing(*, watched: bool = True) -> Writing:
    held = Held(Lease(JobRef("default", "a"), "thesis", "1 w"), watched=watched)
    return Writing(held, 1, "thesis", threading.Event())


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (['{"kind":"position","text":"The queue is'], "The queue is"),
        (['{"kind":"position","text":"Fi', 'rst."}\n{"kind":"position","text":"Sec'], "Sec"),
        (['{"kind":"position","text":"Whole."}\n'], "Whole."),
        (['{"kind":"position","text":"\\uc9c0\\uc5f0'], "지연"),
        (['{"kind":"position","text":"steer \\u001b[31mthe terminal'], "steer the terminal"),
    ],
)
def test_the_newest_sentence_is_shown_as_words(pieces: list[str], shown: str) -> None:
    one = writing()
    for piece in pieces:
        one.add(piece)
    frame = one.frame()
    assert frame is not None
    assert frame.text == shown
    assert frame.chars == sum(map(len, pieces))


def test_there_is_no_frame_without_news() -> None:
    one = writing()
    assert one.frame() is None
    one.add('{"kind":"position","text":"x')
    assert one.frame() is not None
    assert one.frame() is None


def test_what_is_shown_is_bounded() -> None:
    one = writing()
    one.add('{"kind":"position","text":"' + "x" * 100_000)
    frame = one.frame()
    assert frame is not None
    assert len(frame.text) == SHOWN_CHARS


def test_who_begins_to_watch_is_shown_what_was_written_though_nothing_is_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published: SimpleQueue[str] = SimpleQueue()

    def publish(_: object, frames: list[tuple[JobRef, LiveText]]) -> None:
        for _ref, frame in frames:
            published.put(frame.text)

    monkeypatch.setattr(live, "publish_text", publish)
    held = Held(Lease(JobRef("default", "a"), "thesis", "1 w"), watched=False)
    one = live.Live(connect("redis://nowhere.invalid/0")).start(held, 1, "thesis")
    one.add('{"kind":"position","text":"Hardly begun')
    assert not held.watched, "what nobody watches is not sent"
    assert published.empty()
    held.look(watched=True)
    assert published.get(timeout=5) == "Hardly begun"
    for watched in (False, True):
        held.look(watched=watched)
    assert published.get(timeout=5) == "Hardly begun"
