"""Waiting for jobs: all waits of a process share one thread and one connection, however many there are.

The thread (a hub, one per Redis) reads the event streams of all followed jobs in one ``XREAD``, each from where its
followers stand. It also reads a stream of its own: whoever starts to follow while it blocks appends an entry there,
which ends the read at once and, unlike ``CLIENT UNBLOCK``, can neither come too early nor lack a permission. After an
outage it goes on at the last entry ids: nothing is missed, nothing comes twice.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, cast

import redis

from orchestrator.contracts.events import Event
from orchestrator.errors import InvalidInput, JobNotFound, StoreUnavailable, TriptychError
from orchestrator.store.connection import connect, translated
from orchestrator.store.keys import ROOT, JobRef
from orchestrator.store.stream import BLOCK_MS, WATCH_MS, Entry, LiveText, read_entry

UPKEEP_S = 3.0
"""How often a follower's job is looked up, and its wish for live text renewed (that lapses after ``WATCH_MS``)."""
LINGER_S = 10.0
"""How long the thread and its connection stay when nobody follows anything."""
LONGEST_PAUSE_S = 1.0
WAKE_TTL_MS = 60_000
_ENTRY_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")

Heard = tuple[str, Event | LiveText] | TriptychError
"""What a follower is handed: an entry id with its event, or what ended the following."""
Place = tuple[int, int]
"""A stream entry's id, comparable."""


class Follower:
    """One reader of one job's stream. ``put`` is called on the hub's thread and must not block."""

    def __init__(
        self, ref: JobRef, put: Callable[[Heard], None], *, after: str = "0", watch: bool = False
    ) -> None:
        self.ref = ref
        self.watch = watch
        self.place = _place(after)
        self.since = time.monotonic()
        self.kept_at = 0.0
        self.put = put

    def advance(self, entry_id: str) -> bool:
        """Whether this entry is new to this follower; another one of the same job may stand further back."""
        place = _place(entry_id)
        if place <= self.place:
            return False
        self.place = place
        return True


class Hub:
    """Reads for all followers of one Redis. The thread starts with the first of them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._followers: set[Follower] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._reading = self._woken = False
        self._wake = f"{ROOT}:wake:{uuid.uuid4().hex}"
        self._woken_at = "0"
        self._live_at: dict[str, str] = {}
        self._contact = 0.0
        self._problem: StoreUnavailable | None = None

    def follow(self, follower: Follower) -> bool:
        """Begin to read for ``follower``. Does no I/O; True where ``interrupt`` has to be called to begin at once."""
        with self._changed:
            self._followers.add(follower)
            interrupt = self._reading and not self._woken
            self._woken = self._woken or interrupt
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="triptych-waits", daemon=True)
                self._thread.start()
            self._changed.notify()
        return interrupt

    def interrupt(self, commands: redis.Redis) -> None:
        """End the blocking read that is under way, by a command on another connection. Never raises."""
        try:
            with translated():
                pipeline = commands.pipeline(transaction=False)
                pipeline.xadd(self._wake, {"w": "1"}, maxlen=1)
                pipeline.pexpire(self._wake, WAKE_TTL_MS)
                pipeline.execute()
        except StoreUnavailable:
            # The read that is under way ends by itself: at once in an outage, after BLOCK_MS at the latest.
            return

    def leave(self, follower: Follower) -> None:
        """Stop reading for ``follower``. May be called twice."""
        with self._changed:
            self._followers.discard(follower)

    def check(self, follower: Follower, *, timeout_s: float | None) -> None:
        """Raise ``StoreUnavailable`` where nothing could be read for ``timeout_s``."""
        silent_s = time.monotonic() - max(follower.since, self._contact)
        if timeout_s is not None and silent_s > timeout_s:
            raise self._problem or StoreUnavailable("Redis has not answered; check that the server is up")

    def _run(self) -> None:
        client, pause_s = connect(self._url), 0.05
        try:
            while followers := self._turn():
                try:
                    self._read(client, followers)
                    pause_s = 0.05
                except StoreUnavailable as error:
                    self._problem = error
                    time.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                except Exception as error:  # noqa: BLE001 - handed to every waiting caller; a hub that dies would hang them
                    self._fail(followers, error)
        finally:
            client.close()

    def _turn(self) -> tuple[Follower, ...]:
        """Everybody to read for; nobody when the thread may end."""
        with self._changed:
            self._reading = False
            self._changed.wait_for(lambda: self._followers, LINGER_S)
            if not self._followers:
                self._thread = None
                return ()
            self._reading, self._woken = True, False
            return tuple(self._followers)

    def _read(self, client: redis.Redis, followers: tuple[Follower, ...]) -> None:
        by_stream: defaultdict[str, list[Follower]] = defaultdict(list)
        for follower in followers:
            by_stream[follower.ref.events].append(follower)
        starts: dict[Any, Any] = {self._wake: self._woken_at}
        starts |= {name: _text(min(f.place for f in group)) for name, group in by_stream.items()}
        watchers: defaultdict[str, list[Follower]] = defaultdict(list)
        for follower in followers:
            if follower.watch:
                watchers[follower.ref.live].append(follower)
        late = [f for f in followers if f.watch and not f.kept_at and f.ref.live in self._live_at]
        self._live_at = {name: self._live_at.get(name, "0") for name in watchers}
        starts |= self._live_at
        with translated():
            self._keep_up(client, followers)
            for follower in late:  # others have read what this one has not
                shown = client.xrange(follower.ref.live, max=self._live_at[follower.ref.live])
                self._show([follower], cast("list[Entry]", shown))
            answer = client.xread(starts, count=500, block=BLOCK_MS)
        self._contact = time.monotonic()
        for name, entries in cast("list[tuple[str, list[Entry]]]", answer or []):
            if name == self._wake:
                self._woken_at = entries[-1][0]
            if name in watchers:
                self._live_at[name] = entries[-1][0]
                self._show(watchers[name], entries)
            for entry_id, fields in entries if name in by_stream else ():
                event = read_entry(entry_id, fields)
                for follower in by_stream[name]:
                    if follower.advance(entry_id) and event is not None:
                        self._tell(follower, (entry_id, event))

    def _show(self, watchers: Iterable[Follower], entries: Iterable[Entry]) -> None:
        """Hand live text over. It has no place of its own to resume from: a frame that was missed is old news."""
        for entry_id, fields in entries:
            frame = read_entry(entry_id, fields)
            if isinstance(frame, LiveText):
                for follower in watchers:
                    self._tell(follower, (_text(follower.place), frame))

    def _keep_up(self, client: redis.Redis, followers: Iterable[Follower]) -> None:
        """Ask for live text where it is wanted, and let go of jobs whose record is gone."""
        now = time.monotonic()
        due = [f for f in followers if now - f.kept_at >= UPKEEP_S]
        if not due:
            return
        pipeline = client.pipeline(transaction=False)
        for follower in due:
            pipeline.exists(follower.ref.job)
        found = pipeline.execute()
        for watched in {f.ref.watch for f, there in zip(due, found, strict=True) if f.watch and there}:
            client.set(watched, "1", px=WATCH_MS)
        for follower, there in zip(due, found, strict=True):
            follower.kept_at = now
            if not there:
                self.leave(follower)
                why = f"no record of job {follower.ref.task_id!r}; it expired, or its Redis lost it"
                self._tell(follower, JobNotFound(why))

    def _fail(self, followers: Iterable[Follower], error: Exception) -> None:
        problem = (
            error if isinstance(error, TriptychError) else StoreUnavailable(f"reading failed: {error!r}")
        )
        for follower in followers:
            self.leave(follower)
            self._tell(follower, problem)

    def _tell(self, follower: Follower, item: Heard) -> None:
        try:
            follower.put(item)
        except RuntimeError:
            self.leave(follower)  # its event loop is closed: nobody waits any more


_hubs: dict[str, Hub] = {}
_hubs_lock = threading.Lock()


def hub_for(url: str) -> Hub:
    """The one hub of this process for a Redis."""
    with _hubs_lock:
        if url not in _hubs:
            _hubs[url] = Hub(url)
        return _hubs[url]


def _forget_hubs() -> None:
    """A forked child has its parent's hubs, but not their threads, and must not use their connections."""
    global _hubs_lock  # noqa: PLW0603 - the parent may have held it at the fork
    _hubs_lock = threading.Lock()
    _hubs.clear()


os.register_at_fork(after_in_child=_forget_hubs)


def is_end(heard: Event | LiveText) -> bool:
    """Whether the job has ended, also where only a later version can read how."""
    return not isinstance(heard, LiveText) and heard.event == "job_end"


def _place(entry_id: str) -> Place:
    match = _ENTRY_ID.fullmatch(entry_id)
    if match is None:
        raise InvalidInput("after", f"{entry_id[:40]!r} is no entry id; pass one that the stream gave, or 0")
    return int(match[1]), int(match[2] or 0)


def _text(place: Place) -> str:
    return f"{place[0]}-{place[1]}"
