"""The SSE writer, the places that streams take, and what a slow reader is spared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.api import events
from orchestrator.api.deployment import Deployment
from orchestrator.api.events import BEAT, BEGIN, Places, frame, frame_of, job_frames
from orchestrator.client.asynchronous import _Unread
from orchestrator.contracts.events import Event, JobEnd, TaskStart, UnknownEvent
from orchestrator.errors import JobNotFound, StoreUnavailable, TriptychError
from orchestrator.settings import Settings
from orchestrator.store import JobRef, LiveText

END = JobEnd(event_id="e" * 32, task_id="j1", status="complete", total_ms=7)


@pytest.mark.parametrize(
    ("event", "data", "entry_id", "written"),
    [
        ("eval", '{"a":1}', "17-0", 'id: 17-0\nevent: eval\ndata: {"a":1}\n\n'),
        ("text", "{}", "", "event: text\ndata: {}\n\n"),
        ("text", "a\nb\r\nc\rd", "", "event: text\ndata: a\ndata: b\ndata: c\ndata: d\n\n"),
        ("text", "", "", "event: text\ndata: \n\n"),
        ("fleet", "이벤트", "", "event: fleet\ndata: 이벤트\n\n"),
        # what somebody else wrote into our stream names no field of ours
        ("x\nid: 99-0", "{}", "1-0", "id: 1-0\nevent: unknown\ndata: {}\n\n"),
        ("", "{}", "1-0", "id: 1-0\nevent: unknown\ndata: {}\n\n"),
    ],
)
def test_an_event_is_written_as_eventsource_reads_it(event, data, entry_id, written):
    assert frame(event, data, entry_id).decode() == written


def test_what_was_heard_of_a_job_goes_by_its_name_and_only_events_have_a_place():
    assert frame_of("17-0", END).startswith(b"id: 17-0\nevent: job_end\ndata: {")
    assert frame_of("17-0", UnknownEvent(event="later_thing")).startswith(b"id: 17-0\nevent: later_thing\n")
    text = LiveText(step="thesis", attempt=1, text="So far\nso good", chars=14)
    assert frame_of("17-0", text).startswith(b'event: text\ndata: {"step":"thesis"')
    assert frame_of("17-0", text).count(b"\n") == 3


def test_there_are_so_many_places_and_no_tenant_has_all_of_them():
    places = Places(most=3, most_of_tenant=2)
    assert [places.take(tenant) for tenant in ("acme", "acme", "acme", "beta", None)] == [
        True,
        True,
        False,
        True,
        False,
    ]
    places.give_back("acme")
    assert places.take("acme")
    places.give_back("beta")
    assert places.take(None)
    assert not places.take(None)


def test_a_slow_reader_gets_every_event_and_of_live_text_the_newest():
    def text(step: str, words: str, attempt: int = 1) -> LiveText:
        return LiveText(step=step, attempt=attempt, text=words, chars=len(words))

    start = TaskStart(event_id="a" * 32, task_id="j1")
    unread = _Unread()
    for item in (
        start,
        text("thesis", "a"),
        text("antithesis", "x"),
        text("thesis", "a b"),
        text("thesis", "new", 2),
        END,
    ):
        unread.put_nowait(("1-0", item))
    got = [unread.get_nowait() for _ in range(unread.qsize())]
    said = [item[1] for item in got if isinstance(item, tuple)]
    assert said == [start, text("thesis", "a b"), text("antithesis", "x"), text("thesis", "new", 2), END]


def test_a_reader_that_waits_is_woken_once_for_each():
    async def read() -> int:
        unread = _Unread()
        waiting = asyncio.create_task(unread.get())
        await asyncio.sleep(0)
        for words in ("a", "a b", "a b c"):
            unread.put_nowait(("1-0", LiveText(step="thesis", attempt=1, text=words, chars=len(words))))
        await waiting
        return unread.qsize()

    assert asyncio.run(read()) == 0


class Told:
    """A deployment whose one stream says what it is told, and then goes on for ever."""

    def __init__(self, *items: tuple[str, Event | None] | TriptychError) -> None:
        self.closing = asyncio.Event()
        self.streams = self
        self._items = items

    async def stream(
        self, _: JobRef, *, after: str, timeout_s: float
    ) -> AsyncIterator[tuple[str, Event | None]]:
        for item in self._items:
            if isinstance(item, TriptychError):
                raise item
            yield item
        self.closing.set()
        while True:
            yield after, None


@pytest.mark.parametrize(
    ("items", "heartbeat_s", "frames"),
    [
        ([("1-0", END)], 15.0, [frame_of("1-0", END)]),
        ([("1-0", None), ("1-0", None)], 15.0, []),  # it was silent for a moment
        ([("1-0", None), ("1-0", None)], 0.0, [BEAT, BEAT]),
        ([("1-0", END), JobNotFound("expired"), ("2-0", END)], 15.0, [frame_of("1-0", END)]),
        ([StoreUnavailable("away for a minute")], 15.0, []),
    ],
)
def test_a_jobs_stream_beats_while_it_is_silent_and_ends_with_the_server(
    items, heartbeat_s, frames, monkeypatch
):
    async def read() -> list[bytes]:
        told: Any = Told(*items)
        return [each async for each in job_frames(told, JobRef("default", "j1"), "0")]

    monkeypatch.setattr(events, "HEARTBEAT_S", heartbeat_s)
    assert asyncio.run(asyncio.wait_for(read(), 5)) == [BEGIN, *frames]


def test_a_stream_ends_soon_when_redis_is_away(monkeypatch, tmp_path):
    monkeypatch.setattr(events, "AWAY_S", 0.1)
    nowhere = Deployment(Settings(redis_url=SecretStr(f"unix://{tmp_path}/nowhere.sock"), home=tmp_path))

    async def read() -> list[bytes]:
        try:
            return [written async for written in job_frames(nowhere, JobRef("default", "j1"), "0")]
        finally:
            await nowhere.close()

    assert asyncio.run(asyncio.wait_for(read(), 20)) == [BEGIN]
