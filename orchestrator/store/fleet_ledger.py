"""A fleet's ledger as one: what its archive keeps, and what its stream has beyond that. Looks, and writes nothing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import redis

from orchestrator.contracts.events import Event, parse_event
from orchestrator.errors import ArchiveUnusable, StoreUnavailable
from orchestrator.store.archive import Archive, Mark
from orchestrator.store.archive.archive import checked, none_yet, only_match
from orchestrator.store.archive.milestones import may_be_milestone
from orchestrator.store.archive.rows import batch, place
from orchestrator.store.archiving import Page, read_page
from orchestrator.store.ledger import Ledger

FOLLOW_EVERY_S = 0.25
PAGE = 500


def _any(_: str) -> bool:
    return True


def _of_job(task_id: str) -> Callable[[str], bool]:
    """Whether an event, as its JSON, may be the job's."""
    return lambda raw: task_id in raw


class FleetLedger:
    """See ``EventSource``. ``notice`` is told, once each, what a reader has to know: what this archive lacks.

    A Redis that is away costs what is not archived yet, and is noticed. An archive that cannot be read is an error,
    but for the last events, which Redis still has.
    """

    def __init__(self, client: redis.Redis, archive: Archive, *, notice: Callable[[str], None]) -> None:
        self._client = client
        self._ledger = Ledger(client)
        self._archive = archive
        self._notice = notice
        self._noticed: set[str] = set()

    def events(self, task_id: str | None = None, *, since_ms: int | None = None) -> Iterator[Event]:
        """See ``EventSource``; each event once, also while an archiver moves it from the stream."""
        stream = self._stream()
        above, mark = 0, self._archive.mark(stream or "")
        while mark.top > above:
            yield from self._archive.events(task_id, since_ms=since_ms, above=above, top=mark.top)
            above, mark = mark.top, self._archive.mark(stream or "")
        if stream is None:
            return
        self._tell_gaps(stream, since_ms)
        of_job = _of_job(task_id) if task_id is not None else _any
        for event in self._beyond(stream, mark, of_job, since_ms):
            if task_id in (None, event.task_id) and event.at_ms >= (since_ms or 0):
                yield event

    def milestones(self, *, since_ms: int, most: int | None = None, begun: bool = False) -> Iterator[Event]:
        """See ``EventSource``."""
        names = ("job_end", "job_submitted") if begun else ("job_end",)
        stream = self._stream()
        mark = self._archive.mark(stream or "")
        yield from self._archive.milestones(since_ms=since_ms, most=most, begun=begun)
        while (later := self._archive.mark(stream or "")).top > mark.top:
            young_ms = max(since_ms, place(mark.cursor)[0] if mark.cursor else 0)
            for event in self._archive.events(since_ms=young_ms, above=mark.top, top=later.top):
                if event.event in names or not event.task_id:
                    yield event
            mark = later
        if stream is None:
            return
        self._tell_gaps(stream, since_ms)
        for event in self._beyond(stream, mark, partial(may_be_milestone, begun=begun), since_ms):
            if event.at_ms >= since_ms:
                yield event

    def recent(self, n: int) -> Sequence[Event]:
        """See ``EventSource``."""
        try:
            newest = [
                parse_event(raw, at_ms=at) for _, _, at, raw in batch("", self._ledger.newest(n)).events
            ]
        except StoreUnavailable as error:
            self._say(f"{error}; showing what was archived before.")
            return self._archive.recent(n)
        if len(newest) >= n:
            return newest
        try:
            older = self._archive.recent(n)
        except ArchiveUnusable as error:
            self._say(f"{error}; showing what Redis still has.")
            return newest
        both = {
            event.event_id or (event.at_ms, event.model_dump_json()): event for event in [*older, *newest]
        }
        return sorted(both.values(), key=lambda event: event.at_ms)[-n:]

    def follow(self) -> Iterator[Event]:
        """See ``EventSource``."""
        try:
            newest = self._ledger.newest(1)
        except StoreUnavailable as error:
            self._say(f"{error}; waiting for it.")
            return self._follow(f"{time.time_ns() // 1_000_000}-0")
        return self._follow(newest[0][0] if newest else "0-0")

    def resolve(self, job: str) -> str:
        """See ``EventSource``."""
        stream = self._stream()
        fresh: dict[str, int] = {}
        if stream is not None:
            for event in self._beyond(stream, self._archive.mark(stream)):
                if event.task_id:
                    fresh.setdefault(event.task_id, event.at_ms)
        if job != "last":
            fits = {*self._archive.matching(checked(job)), *(name for name in fresh if name.startswith(job))}
            return only_match(job, sorted(fits))
        starts = {summary.started_at_ms: summary.task_id for summary in self._archive.jobs(1)}
        # The archive knows better when a job began of which it has anything.
        unknown = (name for name in reversed(fresh) if name not in self._archive.matching(name))
        if name := next(unknown, None):
            starts.setdefault(fresh[name], name)
        return starts[max(starts)] if starts else none_yet()

    def _stream(self) -> str | None:
        """The stream's name; ``None`` where Redis is away, which is noticed. A stream that has none has no copy."""
        try:
            return self._ledger.known_identity() or ""
        except StoreUnavailable as error:
            self._say(f"{error}; showing what was archived before.")
            return None

    def _beyond(
        self,
        stream: str,
        mark: Mark,
        wanted: Callable[[str], bool] = _any,
        since_ms: int | None = None,
    ) -> Iterator[Event]:
        """What the stream has after ``mark`` and is ``wanted``: nothing that the archive had then, no event twice."""
        after, seen, first = mark.cursor, set[str](), True
        while page := self._page(after):
            gap = page.gap(after)
            if gap and not first:
                raise StoreUnavailable("the ledger was archived and trimmed while it was read; ask again")
            if gap:
                self._lacks(
                    place(gap.after)[0] if gap.after else None, place(gap.through)[0], gap.place, since_ms
                )
            if not page.entries:
                return
            asked = [entry for entry in page.entries if wanted(entry[1])]
            found = batch(stream, asked).events
            known = self._archive.known([event_id for event_id, *_ in found], top=mark.top)
            for event_id, _, at_ms, raw in found:
                if event_id not in known and event_id not in seen:
                    seen.add(event_id)
                    yield parse_event(raw, at_ms=at_ms)
            after, first = page.entries[-1][0], False

    def _page(self, after: str | None) -> Page | None:
        try:
            return read_page(self._client, after, limit=PAGE)
        except StoreUnavailable as error:
            self._say(f"{error}; what is not archived yet is not shown.")
            return None

    def _follow(self, after: str) -> Iterator[Event]:
        seen: deque[str] = deque(maxlen=1_000)  # an append that was repeated comes soon after
        while True:
            try:
                page = self._ledger.read(after=after)
            except StoreUnavailable as error:
                self._say(f"{error}; waiting for it.")
                page = []
            for event_id, _, at_ms, raw in batch("", page).events:
                if event_id not in seen:
                    seen.append(event_id)
                    yield parse_event(raw, at_ms=at_ms)
            if page:
                after = page[-1][0]
            else:
                time.sleep(FOLLOW_EVERY_S)

    def _tell_gaps(self, stream: str, since_ms: int | None) -> None:
        for gap_from, gap_to, where in self._archive.gaps(stream):
            self._lacks(gap_from, gap_to, where, since_ms)

    def _lacks(self, from_ms: int | None, to_ms: int, where: str, since_ms: int | None) -> None:
        """Say what this archive never got, where it was asked for."""
        if since_ms is not None and to_ms < since_ms:
            return
        start = f"from {_clock(from_ms)} " if from_ms is not None else ""
        self._say(
            f"{self._archive.label} lacks events {start}to {_clock(to_ms)}, which were archived in {where}; "
            "TRIPTYCH_LEDGER_URL gives all hosts one archive."
        )

    def _say(self, text: str) -> None:
        if text not in self._noticed:
            self._noticed.add(text)
            self._notice(text)


def _clock(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1_000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
