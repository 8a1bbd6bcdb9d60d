"""From the stream to the archive: nothing is trimmed that is not kept, nor kept twice; what is lacking is told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from orchestrator.contracts.events import TaskStart
from orchestrator.errors import ArchiveUnusable
from orchestrator.settings import Settings
from orchestrator.store import Ledger, connect, keys
from orchestrator.store.admission import admission
from orchestrator.store.archive import Archive, archive_in, archive_of
from orchestrator.store.archiving import BATCH, LOCK_MS, Bounds, archive_and_trim, drain
from tests.nodes import wait_for

pytestmark = pytest.mark.integration

HOUR_MS = 3_600_000
BOUNDS = Bounds(backlog=1_000)
Append = Callable[..., list[str]]


def event(n: int) -> str:
    return TaskStart(event_id=uuid.uuid4().hex, task_id=f"job{n}").model_dump_json()


@pytest.fixture
def append(client: redis.Redis) -> Append:
    """Append events to the ledger, a millisecond apart, the last so many ms ago; returns their ids."""
    last = 0

    def append(count: int, *, ago_ms: int = 0) -> list[str]:
        nonlocal last
        seconds, micros = client.time()
        now = int(seconds) * 1_000 + int(micros) // 1_000
        raws = [event(n) for n in range(count)]
        pipeline = client.pipeline(transaction=False)
        for n, raw in enumerate(raws):
            last = max(last + 1, now - ago_ms - count + n)
            pipeline.xadd(keys.LEDGER, {"e": raw}, id=f"{last}-0")
        pipeline.execute()
        return [raw[13:45] for raw in raws]

    return append


@pytest.fixture
def archive(kept_in: Settings) -> Iterator[Archive]:
    opened = archive_of(kept_in)
    yield opened
    opened.close()


def turn(client: redis.Redis, archive: Archive, bounds: Bounds = BOUNDS) -> bool:
    """A turn that somebody has: the lock of the last one has lapsed."""
    client.delete(keys.ARCHIVE_LOCK)
    return archive_and_trim(client, archive, bounds)


def kept(archive: Archive) -> list[str]:
    return [found.event_id for found in archive.events() if not isinstance(found, str)]


def test_a_turn_keeps_every_event_once_and_trims_what_is_kept_and_old(
    client: redis.Redis, archive: Archive, append: Append
) -> None:
    ids = append(300, ago_ms=2 * HOUR_MS) + append(BATCH + 197)
    assert turn(client, archive)
    ids += append(3)
    assert admission(client).waiting == 3, "what is trimmed is no longer counted as kept"
    assert turn(client, archive)
    assert kept(archive) == ids
    assert client.xlen(keys.LEDGER) == BATCH + 200


def test_what_comes_while_a_turn_ends_is_counted_as_waiting(
    client: redis.Redis, archive: Archive, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(10)
    known = archive.cursor

    def cursor(stream: str) -> str | None:
        found = known(stream)
        append(5 if found else 0)
        return found

    monkeypatch.setattr(archive, "cursor", cursor)
    assert turn(client, archive)
    assert admission(client).waiting == 5


def test_what_is_kept_and_young_stays_but_not_without_end(
    client: redis.Redis, archive: Archive, append: Append
) -> None:
    ids = append(500)
    turn(client, archive, Bounds(backlog=1_000, keep_entries=100))
    assert client.xlen(keys.LEDGER) == 100
    assert kept(archive) == ids
    assert admission(client).waiting == 0


def test_an_archive_that_cannot_be_written_leaves_the_stream_whole_and_says_so(
    client: redis.Redis, append: Append, tmp_path: Path
) -> None:
    append(50, ago_ms=2 * HOUR_MS)
    broken = archive_in(tmp_path / "home")
    (tmp_path / "home" / "ledger.sqlite").mkdir(parents=True)
    with pytest.raises(ArchiveUnusable):
        turn(client, broken)
    assert client.xlen(keys.LEDGER) == 50
    said = client.hgetall(keys.ARCHIVED)
    assert said["problem_by"] == broken.label
    assert "cannot be opened" in said["problem"]
    assert not client.exists(keys.ARCHIVE_LOCK), "whoever can write is to have the next turn"
    (tmp_path / "home" / "ledger.sqlite").rmdir()
    assert turn(client, broken)
    assert "problem" not in client.hgetall(keys.ARCHIVED)
    assert client.xlen(keys.LEDGER) == 1, "of the last one's millisecond more may come"


def test_turns_are_taken_one_at_a_time_and_spaced(
    client: redis.Redis, archive: Archive, append: Append
) -> None:
    append(1)
    assert turn(client, archive)
    assert not archive_and_trim(client, archive, BOUNDS)
    assert 0 < client.pttl(keys.ARCHIVE_LOCK) < 1_000
    wait_for("the next turn", lambda: archive_and_trim(client, archive, BOUNDS))


class _Slow:
    """An archive that loses its lock while it writes, as one does that took longer than the lock lives."""

    def __init__(self, archive: Archive, meanwhile: Callable[[], object]) -> None:
        self._archive, self._meanwhile = archive, meanwhile
        self.label = archive.label

    def __getattr__(self, name: str) -> object:
        return getattr(self._archive, name)

    def append(self, *args: object, **options: object) -> object:
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()
        return self._archive.append(*args, **options)  # type: ignore[arg-type]  # handed on as it came


def test_a_lock_that_runs_out_neither_doubles_nor_loses_an_event(
    client: redis.Redis, kept_in: Settings, archive: Archive, append: Append
) -> None:
    ids = append(BATCH + 500, ago_ms=2 * HOUR_MS)
    other = archive_of(kept_in)
    slow = _Slow(archive, lambda: turn(client, other))
    assert turn(client, slow)  # type: ignore[arg-type]  # shaped like one
    assert kept(archive) == ids
    assert archive.gaps(Ledger(client).identity()) == ()
    other.close()
    assert turn(client, archive)
    assert client.xlen(keys.LEDGER) == 1, "of the last one's millisecond more may come"


def _archive_until_killed(url: str, settings: Settings) -> None:
    client, archive = connect(url), archive_of(settings)
    while True:
        client.delete(keys.ARCHIVE_LOCK)
        archive_and_trim(client, archive, Bounds(backlog=1_000, keep_ms=0))


def test_archivers_that_are_killed_at_any_point_lose_nothing_and_double_nothing(
    client: redis.Redis, redis_url: str, kept_in: Settings, archive: Archive, append: Append
) -> None:
    """Two at once, and each is killed while events come; what they trim at once is gone for good if it was not kept."""
    context = multiprocessing.get_context("spawn")
    archivers = [context.Process(target=_archive_until_killed, args=(redis_url, kept_in)) for _ in range(2)]
    for archiver in archivers:
        archiver.start()
    ids: list[str] = []
    for archiver in archivers:
        least = len(ids)
        for _ in range(10):
            ids += append(40)
        _wait_for_more(archive, least)
        os.kill(archiver.pid or 0, signal.SIGKILL)
        archiver.join(30)
    assert turn(client, archive)
    assert kept(archive) == ids
    assert archive.gaps(Ledger(client).identity()) == ()


def _wait_for_more(archive: Archive, least: int) -> None:
    wait_for("some of it to be kept", lambda: len(kept(archive)) > least)


def test_what_is_no_event_is_passed_by(client: redis.Redis, archive: Archive, append: Append) -> None:
    client.xadd(keys.LEDGER, {"e": "not json"}, id="1-1")
    client.xadd(keys.LEDGER, {"x": "of another kind"}, id="1-2")
    ids = append(1)
    assert turn(client, archive)
    assert kept(archive) == ids
    assert client.xlen(keys.LEDGER) == 1


def test_an_archive_of_another_host_knows_what_it_never_got(
    client: redis.Redis, append: Append, tmp_path: Path
) -> None:
    one, other = archive_in(tmp_path / "one"), archive_in(tmp_path / "other")
    before = append(10, ago_ms=5 * HOUR_MS)
    assert turn(client, one)
    append(10, ago_ms=3 * HOUR_MS)
    assert turn(client, one)
    young = append(10)
    assert turn(client, one)
    assert turn(client, other)
    stream = Ledger(client).identity()
    assert one.gaps(stream) == ()
    ((after, through, where),) = other.gaps(stream)
    assert (after, where) == (None, one.label)
    assert kept(other) == young
    assert kept(one)[:10] == before
    assert through < int(one.cursor(stream).partition("-")[0]) - HOUR_MS  # type: ignore[union-attr]  # there is one
    assert turn(client, other)
    assert len(other.gaps(stream)) == 1, "a gap is found once"


def test_an_archive_that_read_all_before_it_was_trimmed_lacks_nothing(
    client: redis.Redis, append: Append, tmp_path: Path
) -> None:
    one, other = archive_in(tmp_path / "one"), archive_in(tmp_path / "other")
    ids = append(10, ago_ms=2 * HOUR_MS)
    drain(client, other)
    assert turn(client, one)
    assert client.xlen(keys.LEDGER) == 1, "of the last one's millisecond more may come"
    ids += append(5)
    assert turn(client, other)
    assert other.gaps(Ledger(client).identity()) == ()
    assert kept(other) == ids


def test_a_stream_that_begins_anew_is_kept_beside_the_old_one(
    client: redis.Redis, archive: Archive, append: Append
) -> None:
    first = append(3, ago_ms=HOUR_MS)
    assert turn(client, archive)
    client.flushall()  # a Redis without persistence, restarted
    second = append(3)
    assert turn(client, archive)
    assert kept(archive) == first + second
    assert archive.gaps(Ledger(client).identity()) == ()


def test_a_redis_that_is_full_is_still_archived_and_gets_room(
    client: redis.Redis, archive: Archive, append: Append
) -> None:
    ids = append(3_000)
    turn_of_before = Ledger(client).identity()
    client.config_set("maxmemory", client.info("memory")["used_memory"] - 100_000)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.xadd(keys.LEDGER, {"e": event(0)})
        assert archive_and_trim(client, archive, BOUNDS)
        assert kept(archive) == ids
        assert client.xlen(keys.LEDGER) < 3_000
        client.xadd(keys.LEDGER, {"e": event(0)})
    finally:
        client.config_set("maxmemory", 0)
    assert Ledger(client).identity() == turn_of_before
    assert LOCK_MS > 1_000
