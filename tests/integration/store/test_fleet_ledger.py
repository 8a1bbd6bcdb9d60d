"""A fleet's ledger as one: archive and stream together, each event once, and clear about what is lacking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import redis

from orchestrator.contracts.events import JobEnd, JobSubmitted, ModeSet
from orchestrator.errors import ArchiveUnusable, InvalidInput, JobNotFound
from orchestrator.settings import Settings
from orchestrator.store import Ledger, connect, keys
from orchestrator.store.archive import Archive, archive_in, archive_of
from orchestrator.store.archiving import Bounds, archive_and_trim, drain
from orchestrator.store.fleet_ledger import PAGE, FleetLedger
from orchestrator.store.keys import JobRef
from orchestrator.store.origin import end_id

pytestmark = pytest.mark.integration

AT_ONCE = Bounds(backlog=1_000, keep_ms=0)
Append = Callable[..., list[str]]


@pytest.fixture
def append(client: redis.Redis) -> Append:
    def append(*jobs: str) -> list[str]:
        ids = [uuid.uuid4().hex for _ in jobs]
        pipeline = client.pipeline(transaction=False)
        for event_id, job in zip(ids, jobs, strict=True):
            event = JobSubmitted(event_id=event_id, task_id=job, requested_mode="auto", deadline_s=1.0)
            pipeline.xadd(keys.LEDGER, {"e": event.model_dump_json()})
        pipeline.execute()
        return ids

    return append


@pytest.fixture
def archive(kept_in: Settings) -> Iterator[Archive]:
    opened = archive_of(kept_in)
    yield opened
    opened.close()


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def ledger(client: redis.Redis, archive: Archive, notices: list[str]) -> FleetLedger:
    return FleetLedger(client, archive, notice=notices.append)


def turn(client: redis.Redis, archive: Archive, bounds: Bounds = AT_ONCE) -> None:
    client.delete(keys.ARCHIVE_LOCK)
    assert archive_and_trim(client, archive, bounds)


def ids(events) -> list[str]:
    return [event.event_id for event in events]


def test_it_reads_the_archive_and_what_the_stream_has_beyond_it_and_writes_nothing(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append, notices: list[str]
) -> None:
    old = append(*["a"] * 700)
    turn(client, archive)
    young = append(*["a", "b"] * 600)
    assert client.xlen(keys.LEDGER) < 1_900, "some is in the archive alone"
    client.delete(keys.ARCHIVE_LOCK)  # it lapses by itself
    before = archive.mark("any").top, client.xlen(keys.LEDGER), sorted(client.keys("*"))
    assert ids(ledger.events()) == old + young
    assert ids(ledger.events("b")) == young[1::2]
    assert (archive.mark("any").top, client.xlen(keys.LEDGER), sorted(client.keys("*"))) == before
    assert notices == []


def test_before_anything_was_archived_it_reads_the_stream(ledger: FleetLedger, append: Append) -> None:
    young = append("a", "b")
    assert ids(ledger.events()) == ids(ledger.recent(5)) == young
    assert ledger.resolve("last") == "b"


def test_an_event_that_is_archived_while_it_is_read_comes_once(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    """Between any two events the archiver may take a turn, and trim what it kept."""
    expected = append(*["a"] * (PAGE + 100))
    turn(client, archive)
    expected += append(*["a"] * 50)
    reading = ledger.events()
    seen = ids(islice(reading, 10))
    turn(client, archive)
    seen += ids(islice(reading, PAGE))
    expected += append(*["a"] * 20)
    turn(client, archive)
    expected += append(*["a"] * 30)
    assert seen + ids(reading) == expected


def test_an_event_that_is_archived_just_before_the_stream_is_read_is_not_lost(
    client: redis.Redis,
    archive: Archive,
    ledger: FleetLedger,
    append: Append,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = append("a")
    turn(client, archive)
    expected += append("a", "a")

    def gaps(stream: str) -> tuple[()]:
        turn(client, archive, Bounds(backlog=1_000))
        return ()

    monkeypatch.setattr(archive, "gaps", gaps)
    assert ids(ledger.events()) == expected


def test_an_append_that_redis_repeated_is_shown_once(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    def repeat() -> None:
        ((_, raw),) = Ledger(client).newest(1)
        client.xadd(keys.LEDGER, {"e": raw})

    append("a")
    turn(client, archive, Bounds(backlog=1_000))
    repeat()
    once = append("b")
    repeat()
    assert len(ids(ledger.events())) == 2
    assert ids(ledger.events())[-1:] == once
    assert len(ledger.recent(5)) == 2


def test_what_is_no_event_is_passed_by(client: redis.Redis, ledger: FleetLedger, append: Append) -> None:
    client.xadd(keys.LEDGER, {"e": "no json"})
    client.xadd(keys.LEDGER, {"x": "of another kind"})
    known = append("a")
    assert ids(ledger.events()) == ids(ledger.recent(5)) == known


def test_the_last_events_come_from_both(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    all_of_them = append(*["a"] * 10)
    turn(client, archive)
    all_of_them += append("a", "a")
    assert ids(ledger.recent(4)) == all_of_them[-4:]
    assert ids(ledger.recent(100)) == all_of_them


def test_a_job_is_found_wherever_its_events_are(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    append("abc", "xyz")
    turn(client, archive)
    append("abd", "xyz")
    assert ledger.resolve("abc") == "abc"
    assert ledger.resolve("abd") == "abd"
    assert ledger.resolve("last") == "abd", "xyz goes on, and began before"
    with pytest.raises(InvalidInput, match=r"fits several \(abc, abd\)"):
        ledger.resolve("ab")
    with pytest.raises(JobNotFound):
        ledger.resolve("q")


def test_following_gives_what_comes_after_the_call_at_once(ledger: FleetLedger, append: Append) -> None:
    append("a")
    coming = ledger.follow()
    new = append("b", "c")
    assert ids(islice(coming, 2)) == new


def test_a_redis_that_is_away_costs_what_is_not_archived_and_is_said_once(
    client: redis.Redis, archive: Archive, append: Append, notices: list[str], tmp_path: Path
) -> None:
    old = append("a", "a")
    turn(client, archive)
    away = FleetLedger(connect(f"unix://{tmp_path}/nowhere.sock"), archive, notice=notices.append)
    assert ids(away.events()) == ids(away.recent(5)) == old
    assert away.resolve("last") == "a"
    assert [text.partition("; showing")[2] for text in notices] == [" what was archived before."]


def test_an_archive_that_cannot_be_read_is_no_empty_one(
    client: redis.Redis, append: Append, notices: list[str], tmp_path: Path
) -> None:
    """An export that lacks its past would look like a whole one. The last events can be told all the same."""
    new = append("a", "b")
    (tmp_path / "home" / "ledger.sqlite").mkdir(parents=True)
    broken = FleetLedger(client, archive_in(tmp_path / "home"), notice=notices.append)
    with pytest.raises(ArchiveUnusable):
        list(broken.events())
    assert ids(broken.recent(2)) == new
    assert notices == []
    assert ids(broken.recent(5)) == new
    assert notices[0].endswith("; showing what Redis still has.")


def test_on_a_host_that_did_not_archive_it_says_what_is_lacking_and_who_has_it(
    client: redis.Redis, append: Append, notices: list[str], tmp_path: Path
) -> None:
    one, other = archive_in(tmp_path / "one"), archive_in(tmp_path / "other")
    append(*["a"] * 300)
    turn(client, one, Bounds(backlog=1_000, keep_entries=100))
    elsewhere = FleetLedger(client, other, notice=notices.append)
    assert len(ids(elsewhere.events())) == 100
    (said,) = notices
    assert said.startswith(f"{other.label} lacks events to 20")
    assert said.endswith(f"were archived in {one.label}; TRIPTYCH_LEDGER_URL gives all hosts one archive.")
    list(elsewhere.events())
    assert len(notices) == 1
    assert len(ids(FleetLedger(client, one, notice=notices.append).events())) == 300
    assert len(notices) == 1


def test_what_an_archive_lacks_is_still_said_after_it_has_caught_up(
    client: redis.Redis, append: Append, notices: list[str], tmp_path: Path
) -> None:
    one, other = archive_in(tmp_path / "one"), archive_in(tmp_path / "other")
    append("a")
    drain(client, other)
    append(*["a"] * 300)
    turn(client, one, Bounds(backlog=1_000, keep_entries=100))
    drain(client, other)
    elsewhere = FleetLedger(client, other, notice=notices.append)
    assert len(ids(elsewhere.events(since_ms=2**60))) == 0
    assert notices == [], "not where it was not asked for"
    assert len(ids(elsewhere.events())) == 101
    assert "lacks events from 20" in notices[0]


def end(client: redis.Redis, job: str) -> str:
    event = JobEnd(event_id=end_id(JobRef("default", job)), task_id=job, status="complete", total_ms=1)
    client.xadd(keys.LEDGER, {"e": event.model_dump_json()})
    return event.event_id


def switch(client: redis.Redis) -> str:
    event = ModeSet(event_id=uuid.uuid4().hex, who="ada", mode="sequential")
    client.xadd(keys.LEDGER, {"e": event.model_dump_json()})
    return event.event_id


def test_milestones_are_ends_of_jobs_and_what_concerns_no_job_from_both_places(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    append("a", "b", "c")
    expected = {end(client, "a"), switch(client), end(client, "b")}
    turn(client, archive)
    append("c", "d")
    expected |= {switch(client), end(client, "c")}
    assert set(ids(ledger.milestones(since_ms=0, most=100))) == expected


def test_milestones_with_beginnings_tell_of_every_job_that_was_accepted(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    expected = {*append("ended", "runs"), end(client, "ended")}
    turn(client, archive)
    expected |= {*append("fresh"), end(client, "fresh")}
    found = list(ledger.milestones(since_ms=0, begun=True))
    assert set(ids(found)) == expected
    after_ms = 1 + max(event.at_ms for event in found)
    assert list(ledger.milestones(since_ms=after_ms, begun=True)) == []


def test_milestones_are_from_a_time_on_and_bounded(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append
) -> None:
    for job in "abc":
        append(job)
        end(client, job)
    turn(client, archive)
    found = list(ledger.milestones(since_ms=0, most=2))
    assert {event.task_id for event in found} == {"b", "c"}, "the latest jobs"
    after_ms = 1 + max(event.at_ms for event in found)
    assert list(ledger.milestones(since_ms=after_ms, most=2)) == []


def test_an_end_that_is_archived_and_trimmed_while_milestones_are_read_is_among_them(
    client: redis.Redis, archive: Archive, ledger: FleetLedger, append: Append, notices: list[str]
) -> None:
    append("a")
    expected = [end(client, "a")]
    turn(client, archive)
    reading = ledger.milestones(since_ms=0, most=100)
    seen = ids(islice(reading, 1))
    append("b")
    expected.append(end(client, "b"))
    turn(client, archive)
    append("c")
    expected.append(end(client, "c"))
    assert seen + ids(reading) == expected
    assert notices == []
