"""The ledger at rest: kept once, in order, with its cursor, by several processes, and clear about damage."""

import json
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from orchestrator.contracts.events import UnknownEvent
from orchestrator.errors import ArchiveUnusable, InvalidInput, JobNotFound
from orchestrator.settings import Settings
from orchestrator.store.archive import (
    MAX_EVENT_BYTES,
    Archive,
    Gap,
    JobSummary,
    archive_in,
    archive_of,
    sqlite,
)
from orchestrator.store.archive.filesystem import file_system

T0 = 1_700_000_000_000


def raw(event: str = "task_start", task_id: str = "job1", *, number: int, **fields) -> str:
    return json.dumps({"event": event, "event_id": f"{number:032x}", "task_id": task_id, **fields})


def entries(numbers, task_id: str = "job1"):
    return [(f"{T0 + n}-0", raw(task_id=task_id, number=n)) for n in numbers]


@pytest.fixture
def archive(kept_in: Settings) -> Iterator[Archive]:
    opened = archive_of(kept_in)
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a home's archive is kept."""
    return tmp_path / "home" / "ledger.sqlite"


@pytest.fixture
def in_file(tmp_path: Path) -> Archive:
    return archive_in(tmp_path / "home")


def test_events_come_back_in_time_order_with_the_time_their_stream_gave_them(archive):
    archive.append("s", entries([3, 1, 2]))
    assert [e.at_ms - T0 for e in archive.events()] == [1, 2, 3]


def test_a_batch_may_be_appended_twice(archive):
    assert archive.append("s", entries(range(3))).added == 3
    again = archive.append("s", entries(range(5)))
    assert (again.added, again.known) == (2, 3)
    assert len(list(archive.events())) == 5


def test_an_event_that_redis_repeated_under_a_new_entry_is_kept_once(archive):
    report = archive.append("s", [(f"{T0}-0", raw(number=1)), (f"{T0 + 5}-0", raw(number=1))])
    assert (report.added, report.known) == (1, 1)
    assert [e.at_ms for e in archive.events()] == [T0]


def test_the_cursor_moves_with_the_batch_per_stream_and_never_back(archive):
    archive.append("one", [(f"{T0}-9", raw(number=1)), (f"{T0}-10", raw(number=2))])
    archive.append("two", entries([7]))
    archive.append("one", [(f"{T0}-2", raw(number=3))])
    assert archive.cursor("one") == f"{T0}-10"
    assert archive.cursor("two") == f"{T0 + 7}-0"
    assert archive.cursor("three") is None


def test_a_batch_is_kept_whole_or_not_at_all(archive):
    archive.append("s", entries([1]))
    with pytest.raises(ValueError, match="entry id"):
        archive.append("s", [*entries([2]), ("not-an-id", raw(number=3))])
    assert len(list(archive.events())) == 1
    assert archive.cursor("s") == f"{T0 + 1}-0"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("no json", "not an event"),
        ("[1]", "not an event"),
        ('{"event": 5}', "not an event"),
        (b"\xff\xfe", "not an event"),
        ("\ud800", "not an event"),
        (raw(number=9, filler="x" * MAX_EVENT_BYTES), "over"),
    ],
)
def test_what_is_no_event_is_refused_reported_and_passed_by(archive, bad, why):
    report = archive.append("s", [(f"{T0 + 1}-0", bad), *entries([2])])
    assert report.added == 1
    ((entry_id, reason),) = report.refused
    assert entry_id == f"{T0 + 1}-0"
    assert why in reason
    assert archive.cursor("s") == f"{T0 + 2}-0"


def test_an_unknown_event_is_kept_whole(archive):
    archive.append("s", [(f"{T0}-0", raw("rebuttal_start", number=1, step="rebuttal:2", new={"a": [1]}))])
    (event,) = archive.events()
    assert isinstance(event, UnknownEvent)
    assert event.model_dump()["new"] == {"a": [1]}


def test_events_without_an_id_are_told_apart_by_their_place_in_the_stream(archive):
    batch = [(f"{T0}-{i}", '{"event": "later"}') for i in range(3)]
    assert archive.append("s", batch).added == 3
    assert archive.append("s", batch).known == 3


def test_reading_selects_by_job_and_time_over_many_pages(archive):
    archive.append("s", entries(range(0, 2_400, 2)))
    archive.append("s", entries(range(1, 2_400, 2), "job2"))
    assert len(list(archive.events("job2"))) == 1_200
    window = [e.at_ms - T0 for e in archive.events(since_ms=T0 + 1_000, until_ms=T0 + 2_000)]
    assert window == list(range(1_000, 2_000))
    assert [e.at_ms - T0 for e in archive.recent(3)] == [2_397, 2_398, 2_399]


def test_events_of_one_instant_keep_the_streams_order(archive):
    archive.append("s", [(f"{T0}-{i}", raw(number=i)) for i in range(1_200)])
    assert [int(e.event_id, 16) for e in archive.events()] == list(range(1_200))


def test_following_gives_what_is_appended_from_the_call_on(archive):
    archive.append("s", entries([1]))
    later = iter([entries([2, 3]), entries([4])])
    coming = archive.follow(wait=lambda: archive.append("s", next(later)))
    archive.append("s", entries([9]))
    assert [e.at_ms - T0 for e in islice(coming, 4)] == [9, 2, 3, 4]


def job(task_id: str, at: int, *, number: int, status: str | None = None):
    batch = [
        (f"{T0 + at}-0", raw("job_submitted", task_id, number=number, requested_mode="auto", deadline_s=9.0))
    ]
    if status:
        plan = raw(
            "plan_ready",
            task_id,
            number=number + 1,
            mode="parallel",
            mode_reason="",
            complexity=1.0,
            passages=1,
        )
        end = raw("job_end", task_id, number=number + 2, status=status, total_ms=77)
        batch += [(f"{T0 + at + 5}-0", plan), (f"{T0 + at + 77}-0", end)]
    return batch


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])
def test_the_list_of_jobs_says_mode_status_and_time_newest_first(archive, order):
    for entry in [*job("a1", 0, number=1, status="degraded"), *job("b1", 500, number=10)][::order]:
        archive.append("s", [entry])
    assert archive.jobs() == (
        JobSummary(
            task_id="b1",
            tenant="default",
            started_at_ms=T0 + 500,
            mode="auto",
            status="running",
            total_ms=None,
        ),
        JobSummary(
            task_id="a1", tenant="default", started_at_ms=T0, mode="parallel", status="degraded", total_ms=77
        ),
    )
    assert len(archive.jobs(1)) == 1


def test_a_job_is_found_by_its_id_a_unique_prefix_or_as_the_last(archive):
    for number, task_id in enumerate(["abc", "abcd", "abd", "x_1"]):
        archive.append("s", job(task_id, number, number=10 * number))
    assert archive.resolve("abc") == "abc"
    assert archive.resolve("abd") == "abd"
    assert archive.resolve("x") == "x_1"
    assert archive.resolve("last") == "x_1"
    with pytest.raises(InvalidInput, match=r"fits several \(abc, abcd, abd\)"):
        archive.resolve("ab")
    with pytest.raises(JobNotFound, match="begins with 'zz'"):
        archive.resolve("zz")
    for bad in ("", "%", "../x", "a" * 65):
        with pytest.raises(InvalidInput, match="not a job id"):
            archive.resolve(bad)


def test_reading_makes_nothing_and_finds_nothing(archive, file):
    assert list(archive.events()) == []
    assert archive.recent(5) == []
    assert archive.jobs() == ()
    assert archive.gaps("s") == ()
    assert archive.identity() is None
    with pytest.raises(JobNotFound, match="run one first"):
        archive.resolve("last")
    assert not file.exists()


def test_an_archive_is_the_same_one_however_it_is_opened(archive, kept_in):
    archive.append("s", entries([1]))
    archive.append("s", entries([2]))
    assert archive.identity() == archive_of(kept_in).identity()
    assert len(archive.identity() or "") == 32


def test_a_mark_bounds_what_is_read(archive):
    archive.append("s", entries(range(10)))
    then = archive.mark("s")
    archive.append("s", entries([5, 11, 12]))
    now = archive.mark("s")
    assert (then.cursor, now.cursor) == (f"{T0 + 9}-0", f"{T0 + 12}-0")
    assert len(list(archive.events(top=then.top))) == 10
    assert [e.at_ms - T0 for e in archive.events(above=then.top, top=now.top)] == [11, 12]
    ids = [f"{n:032x}" for n in (3, 11, 99)]
    assert archive.known(ids, top=then.top) == {ids[0]}
    assert archive.known(ids, top=now.top) == set(ids[:2])


def test_what_the_stream_no_longer_had_is_kept_as_a_gap(archive):
    archive.append("s", entries([1]))
    gap = Gap(after=f"{T0 + 1}-0", through=f"{T0 + 40}-3", place="vm1:/srv/ledger.sqlite")
    archive.append("s", entries([50]), gap=gap)
    archive.append("new", [], gap=Gap(after=None, through=f"{T0 + 7}-0", place="vm2:/srv/ledger.sqlite"))
    assert archive.gaps("s") == ((T0 + 1, T0 + 40, "vm1:/srv/ledger.sqlite"),)
    assert archive.gaps("new") == ((None, T0 + 7, "vm2:/srv/ledger.sqlite"),)
    assert archive.cursor("new") == f"{T0 + 7}-0", "or it would be found again at every look"


@pytest.mark.parametrize("field", ["event_id", "task_id"])
@pytest.mark.parametrize("name", ["nul\x00", "x" * 5_000])
def test_an_id_that_a_database_cannot_keep_stops_nothing(archive, field, name):
    report = archive.append("s", [(f"{T0}-0", json.dumps({"event": "later", field: name})), *entries([1])])
    assert (report.added, [why for _, why in report.refused]) == (1, ["has an id that no Triptych gives"])


def test_whatever_an_unknown_event_says_of_its_job_stops_nothing(archive):
    strange = {"event": "later", "task_id": "job9", "tenant": {"a": 1}, "total_ms": "x"}
    huge = raw("job_end", "job9", number=7, status="failed", total_ms=10**30)
    asked = raw("job_submitted", "job9", number=8, requested_mode="\x00", deadline_s=1.0)
    batch = [(f"{T0}-0", json.dumps(strange)), (f"{T0}-1", huge), (f"{T0}-2", asked)]
    assert archive.append("s", batch).added == 3
    assert [job.tenant for job in archive.jobs()] == ["default"]


def test_the_folder_is_for_its_user_only(in_file, file):
    in_file.append("s", entries([1]))
    assert file.parent.stat().st_mode & 0o077 == 0


def _append_many(kept_in: Settings, worker: int, barrier) -> None:
    archive = archive_of(kept_in)
    barrier.wait(30)
    for batch in range(20):
        first = batch * 10
        own = [
            (f"{T0 + n}-{worker}", raw(number=(worker + 1) * 10_000 + n)) for n in range(first, first + 10)
        ]
        archive.append("s", [*own, *entries(range(first, first + 10))])


def test_processes_that_write_at_once_keep_every_event_once_and_a_follower_misses_none(archive, kept_in):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    writers = [context.Process(target=_append_many, args=(kept_in, n, barrier)) for n in range(3)]
    for writer in writers:
        writer.start()
    following = archive.follow(wait=lambda: time.sleep(0.005))
    barrier.wait(30)
    followed = [event.event_id for event in islice(following, 3 * 200 + 200)]
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(set(followed)) == len(followed)
    assert {event.event_id for event in archive.events()} == set(followed)
    assert archive.cursor("s") == f"{T0 + 199}-2"


def test_a_later_number_is_never_seen_before_an_earlier_one(archive, kept_in):
    """Two archivers after their lock ran out: the second may not commit while the first is under way."""
    archive.append("s", entries([0]))
    second = archive_of(kept_in)
    following = archive.follow(wait=lambda: None)
    blocked = threading.Event()

    def other() -> None:
        blocked.set()
        second.append("s", entries([2]))

    behind = threading.Thread(target=other)
    first = archive_of(kept_in)
    with first._database.writing() as db:
        db.run(
            "INSERT INTO triptych.events (event_id, task_id, at_ms, raw) VALUES (?, ?, ?, ?)",
            (f"{1:032x}", "job1", T0 + 1, raw(number=1)),
        )
        behind.start()
        blocked.wait(10)
        behind.join(0.3)
        assert behind.is_alive(), "it got past a writer that has not committed"
        assert archive.mark("s").cursor == f"{T0}-0"
    behind.join(30)
    assert [event.at_ms - T0 for event in islice(following, 2)] == [1, 2]
    first.close()
    second.close()


def _die_in_the_middle(kept_in: Settings) -> None:
    archive = archive_of(kept_in)
    archive.append("s", entries([1]))
    with archive._database.writing() as db:
        db.run("UPDATE triptych.cursors SET ms = ms + 5")
        os.kill(os.getpid(), signal.SIGKILL)


def test_an_archiver_that_is_killed_between_events_and_cursor_leaves_neither(archive, kept_in):
    process = multiprocessing.get_context("spawn").Process(target=_die_in_the_middle, args=(kept_in,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert archive.cursor("s") == f"{T0 + 1}-0"
    assert archive.append("s", entries([1, 2])).added == 1


def test_a_file_that_is_no_archive_is_named_with_what_to_do(in_file, file):
    file.parent.mkdir(parents=True)
    file.write_bytes(b"something else entirely" * 500)
    with pytest.raises(ArchiveUnusable, match=r"ledger\.sqlite is damaged .*; move it away"):
        in_file.recent(1)


def test_damage_in_the_middle_is_named_and_a_moved_file_is_begun_anew(in_file, file):
    in_file.append("s", entries(range(3_000)))
    in_file.close()
    with file.open("r+b") as damaged:
        damaged.seek(8_192)
        damaged.write(b"\xa5" * 200_000)
    with pytest.raises(ArchiveUnusable, match="move it away"):
        list(in_file.events())
    file.rename(file.with_suffix(".damaged"))
    assert in_file.append("s", entries(range(2))).added == 2


def test_a_file_that_is_moved_away_under_an_open_archive_is_begun_anew(in_file, file):
    in_file.append("s", entries([1]))
    file.rename(file.with_suffix(".old"))
    assert in_file.recent(1) == []
    in_file.append("s", entries([2]))
    assert [e.at_ms - T0 for e in archive_in(file.parent).events()] == [2]


def test_an_archive_of_a_newer_version_is_refused(in_file, file):
    in_file.append("s", entries([1]))
    in_file.close()
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ArchiveUnusable, match="newer Triptych; upgrade"):
        in_file.recent(1)


def test_a_file_from_before_there_were_gaps_is_read_and_goes_on(in_file, file):
    in_file.append("s", entries([1]))
    in_file.close()
    with sqlite3.connect(file) as db:
        db.executescript("DROP TABLE gaps; DROP TABLE meta;")
    assert in_file.gaps("s") == ()
    assert in_file.identity() is not None
    assert in_file.append("s", entries([1, 2])).added == 1


def test_a_home_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveUnusable, match="TRIPTYCH_HOME"):
        archive_in(tmp_path / "file" / "home").append("s", entries([1]))


def test_the_goal_of_a_job_is_nowhere_in_the_file(in_file, file):
    in_file.append("s", job("a1", 0, number=1, status="complete"))
    columns = sqlite3.connect(file).execute("SELECT name FROM pragma_table_info('jobs')").fetchall()
    assert {name for (name,) in columns} == {
        "task_id", "tenant", "started_at_ms", "last_at_ms", "requested_mode", "mode", "status", "total_ms"
    }  # fmt: skip


MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
30 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
31 30 0:44 / /srv/shared\\040home rw - nfs4 nas:/export rw
32 31 8:2 / /srv/shared\\040home/local rw - ext4 /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/triptych", "ext4"),
        ("/srv/shared home/triptych/ledger.sqlite", "nfs4"),
        ("/srv/shared home/local/x", "ext4"),
        ("/srv/shared homes", "ext4"),
    ],
)
def test_the_file_system_of_a_path_is_its_nearest_mounts(path, kind):
    assert file_system(Path(path), MOUNTS) == kind


def test_on_a_network_file_system_the_archive_shares_no_memory(in_file, file, monkeypatch):
    """A write-ahead log would: hosts that share the folder do not share that."""
    in_file.append("s", entries([1]))
    in_file.close()
    monkeypatch.setattr(sqlite, "network_file_system", lambda path: "nfs4")
    in_file.append("s", entries([2]))
    assert sqlite3.connect(file).execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert not file.with_name("ledger.sqlite-shm").exists()
    assert len(in_file.recent(5)) == 2
