"""What a spectator reads of an answer that is still being written."""

from __future__ import annotations

import threading

import pytest

from orchestrator.store import JobRef
from orchestrator.store.leases import Lease
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
