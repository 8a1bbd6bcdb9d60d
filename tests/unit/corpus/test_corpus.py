"""A corpus on disk: built, kept up to date, never half-changed."""

import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.corpus import Corpus, Hit, adhoc_name, files, sync
from orchestrator.errors import CallerError, DocumentError, InvalidInput, WorldError
from tests.unit.corpus import makers


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "lease.md").write_text("# Leases\nA lease is renewed by a heartbeat every two seconds.\n")
    (folder / "sub" / "korean.txt").write_text(
        "가시성 제한시간이 지나면 시스템에서는 메시지를 다시 배달한다."
    )
    (folder / "guide.pdf").write_bytes(
        makers.pdf("The chord runs its callback once.", "The ledger is append-only.")
    )
    for path in (p for p in folder.rglob("*") if p.is_file()):
        settle(path)
    return folder


def settle(path: Path, ago_s: float = 60) -> None:
    """Give a file a time of change that is not of this moment, as files have that nobody is just writing."""
    when = path.stat().st_mtime - ago_s
    os.utime(path, (when, when))


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(home / "corpora" / "c.sqlite")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def sources(home: Path, *queries: str) -> list[str]:
    return [hit.passage.source for hit in Corpus.open(home, "c").search(queries)]


def test_what_was_built_is_found_with_its_place(home, docs, monkeypatch):
    monkeypatch.chdir(docs.parent)

    stats = Corpus.build(home, "c", ["docs"])

    assert (stats.documents, stats.passages, stats.added, stats.skipped) == (3, 3, 3, ())
    (hit,) = Corpus.open(home, "c").search(["heartbeat of a lease"])
    assert (hit.passage.source, hit.passage.heading) == ("docs/lease.md", "Leases")
    (hit,) = Corpus.open(home, "c").search(["시스템"])
    assert hit.passage.source == "docs/sub/korean.txt"
    (hit,) = Corpus.open(home, "c").search(["chord callback"])
    assert hit.passage.page == 1


def test_an_update_reads_what_changed_and_nothing_else(home, docs, monkeypatch):
    before = Corpus.build(home, "c", [docs])
    read: list[str] = []
    real = files.read

    def noted(path, source):
        read.append(Path(path).name)
        return real(path, source)

    monkeypatch.setattr(sync, "read", noted)
    (docs / "lease.md").write_text("A lease is renewed by a watchdog every nine seconds.")
    (docs / "new.txt").write_text("Fencing tokens guard the store.")
    (docs / "guide.pdf").unlink()

    after = Corpus.update(home, "c")

    assert (before.added, before.unchanged) == (3, 0)
    assert (after.added, after.updated, after.removed, after.unchanged) == (1, 1, 1, 1)
    assert sorted(read) == ["lease.md", "new.txt"]
    assert sources(home, "watchdog")
    assert not sources(home, "heartbeat")
    assert not sources(home, "chord callback")


def test_a_file_touched_but_not_changed_keeps_its_passages(home, docs):
    Corpus.build(home, "c", [docs])
    ids = rows(home, "SELECT id FROM passages")
    settle(docs / "lease.md", ago_s=99)

    assert Corpus.update(home, "c").unchanged == 3
    assert rows(home, "SELECT id FROM passages") == ids


def test_a_change_that_time_and_size_do_not_show_is_seen_where_it_can_happen(home, docs):
    path = docs / "lease.md"
    path.write_text("A lease is renewed by a heartbeat.")  # just now, and again within the clock's tick
    stamp = path.stat().st_mtime_ns
    Corpus.build(home, "c", [docs])
    path.write_text("A lease is renewed by a heartburn.")
    os.utime(path, ns=(stamp, stamp))

    assert Corpus.update(home, "c").updated == 1


def test_a_corpus_of_unchanged_documents_needs_no_place_to_write(home, docs, monkeypatch):
    built = Corpus.build(home, "c", [docs])

    def read_only(*_: object, **__: object) -> None:
        raise WorldError("read-only")

    monkeypatch.setattr("orchestrator.corpus.index.writing", read_only)
    again = Corpus.build(home, "c", [docs])
    assert (again.documents, again.passages, again.unchanged) == (3, built.passages, 3)
    (docs / "new.md").write_text("One more.")
    with pytest.raises(WorldError, match="read-only"):
        Corpus.build(home, "c", [docs])


def test_a_root_that_holds_nothing_any_more_is_refused_also_where_nothing_changed(home, docs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("A lease.")
    (other / "b.xyz").write_text("of no kind that is read")
    Corpus.build(home, "c", [docs, other])
    (other / "a.md").unlink()
    Corpus.update(home, "c")
    with pytest.raises(DocumentError, match="holds nothing that can be read"):
        Corpus.build(home, "c", [docs, other])


def test_a_folder_that_cannot_be_written_is_said_with_the_way_round_it(tmp_path, docs):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError, match="TRIPTYCH_HOME"):
        Corpus.build(tmp_path / "file", "c", [docs])


def test_passage_ids_are_never_used_again(home, docs):
    Corpus.build(home, "c", [docs])
    old = {row for (row,) in rows(home, "SELECT id FROM passages")}
    (docs / "sub" / "korean.txt").unlink()  # the last one read, so the highest id
    Corpus.update(home, "c")
    (docs / "new.txt").write_text("Fencing tokens guard the store.")
    Corpus.update(home, "c")

    (new,) = {row for (row,) in rows(home, "SELECT id FROM passages")} - old
    assert new > max(old)


def test_the_index_follows_its_passages(home, docs):
    Corpus.build(home, "c", [docs])
    (docs / "lease.md").write_text("Changed altogether.")
    Corpus.update(home, "c")

    assert rows(home, "SELECT rowid FROM search ORDER BY 1") == rows(
        home, "SELECT id FROM passages ORDER BY 1"
    )
    assert rows(home, "INSERT INTO search(search) VALUES ('integrity-check')") == []


def test_add_keeps_and_build_replaces_and_remove_drops(home, docs, tmp_path):
    (tmp_path / "extra.txt").write_text("Fencing tokens guard the store.")
    Corpus.add(home, "c", [docs])

    assert Corpus.add(home, "c", [tmp_path / "extra.txt"]).documents == 4
    assert Corpus.remove(home, "c", [docs]).documents == 1
    assert Corpus.build(home, "c", [docs]).documents == 3
    with pytest.raises(InvalidInput, match="nothing would remain"):
        Corpus.remove(home, "c", [docs])
    with pytest.raises(DocumentError, match="was not added"):
        Corpus.remove(home, "c", [tmp_path])
    Corpus.delete(home, "c")
    assert Corpus.list(home) == ()


def test_a_listing_says_what_there_is_and_what_is_wrong(home, docs):
    Corpus.build(home, "c", [docs])
    (home / "corpora" / "broken.sqlite").write_text("no database " * 100)

    broken, fine = Corpus.list(home)

    assert (fine.name, fine.documents, fine.passages, fine.roots) == ("c", 3, 3, (str(docs),))
    assert "is damaged or no corpus" in broken.problem


def test_a_walk_is_in_order_reports_what_it_skips_and_passes_over_junk(home, docs):
    for name in (".hidden.md", "~$lock.docx", "Thumbs.db", "tool.exe"):
        (docs / name).write_text("words")
    for folder in (".git", "node_modules"):
        (docs / folder).mkdir()
        (docs / folder / "a.md").write_text("words")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 garbage")
    (docs / "gone.md").symlink_to(docs / "nowhere")
    (docs / "sub" / "up").symlink_to(docs, target_is_directory=True)
    order = []

    stats = Corpus.build(
        home, "c", [docs], progress=lambda done, total, source: order.append((done, total, source))
    )

    assert {Path(path).name: reason.split(";")[0] for path, reason in stats.skipped} == {
        "broken.pdf": stats.skipped[-1][1].split(";")[0],
        "gone.md": "does not exist",
        "tool.exe": "is of a kind that is not read (.exe)",
    }
    assert "is damaged" in stats.skipped[-1][1]
    assert [os.path.relpath(source, docs) for *_, source in order] == [
        "broken.pdf", "guide.pdf", "lease.md", "sub/korean.txt",
    ]  # fmt: skip
    assert [(done, total) for done, total, _ in order] == [(n, 4) for n in (1, 2, 3, 4)]


def bad_paths(docs: Path) -> dict[str, str]:
    (docs / "empty").mkdir()
    (docs / "only-bad").mkdir()
    (docs / "only-bad" / "a.pdf").write_bytes(b"%PDF-1.4 garbage")
    (docs / "zero.txt").write_text("")
    (docs / "locked.pdf").write_bytes(makers.encrypted_pdf("x"))
    return {
        "nowhere.md": "does not exist",
        "empty": "is a folder with nothing in it",
        "only-bad": "holds nothing that can be read",
        "zero.txt": "is empty",
        "locked.pdf": "is password-protected",
    }


@pytest.mark.parametrize("which", range(5))
def test_one_bad_path_among_good_ones_changes_nothing(home, docs, tmp_path, which):
    name, problem = list(bad_paths(docs).items())[which]

    with pytest.raises(DocumentError, match=problem) as caught:
        Corpus.build(home, "new", [docs / "lease.md", docs / name])
    assert caught.value.field == str(docs / name)
    assert not list(home.rglob("*.sqlite*"))

    Corpus.build(home, "c", [docs / "lease.md"])
    before = (home / "corpora" / "c.sqlite").read_bytes()
    with pytest.raises(DocumentError):
        Corpus.add(home, "c", [docs / "guide.pdf", docs / name])
    assert (home / "corpora" / "c.sqlite").read_bytes() == before


def test_an_update_that_would_leave_nothing_changes_nothing(home, docs):
    Corpus.build(home, "c", [docs])
    shutil.rmtree(docs)

    with pytest.raises(DocumentError, match="holds nothing that can be read"):
        Corpus.update(home, "c")
    assert sources(home, "heartbeat")


@pytest.mark.parametrize("paths", [[], [""], ["a\0b"]])
def test_what_is_no_path_is_refused(home, paths):
    with pytest.raises(DocumentError):
        Corpus.build(home, "c", paths)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "a b", "a\n"])
def test_what_is_no_name_is_refused(home, docs, name):
    for call in (lambda: Corpus.open(home, name), lambda: Corpus.build(home, name, [docs])):
        with pytest.raises(InvalidInput, match="is no name for a corpus"):
            call()


def test_a_corpus_that_is_not_there_says_how_to_make_it(home):
    with pytest.raises(InvalidInput, match="triptych corpus add nope PATH"):
        Corpus.open(home, "nope")


def test_somebody_elses_database_is_left_alone(home, docs):
    (home / "corpora").mkdir(parents=True)
    with sqlite3.connect(home / "corpora" / "c.sqlite") as db:
        db.execute("CREATE TABLE precious (x)")
    db.close()

    for call in (lambda: Corpus.open(home, "c"), lambda: Corpus.build(home, "c", [docs])):
        with pytest.raises(InvalidInput, match="is not a corpus"):
            call()
    assert rows(home, "SELECT name FROM sqlite_master") == [("precious",)]


def test_another_versions_corpus_is_refused_by_readers_and_built_anew_by_build(home, docs):
    Corpus.build(home, "c", [docs])
    with sqlite3.connect(home / "corpora" / "c.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(InvalidInput, match="another version"):
        Corpus.open(home, "c")
    assert Corpus.build(home, "c", [docs]).added == 3
    assert sources(home, "heartbeat")


def test_a_file_damaged_later_is_named(home, docs):
    Corpus.build(home, "c", [docs])
    file = home / "corpora" / "c.sqlite"
    file.write_bytes(file.read_bytes()[:4096] + os.urandom(8192))

    with pytest.raises((InvalidInput, WorldError)):
        Corpus.open(home, "c").search(["heartbeat"])


def test_a_writer_that_died_in_its_commit_is_undone_by_the_next_reader(home, docs, tmp_path):
    Corpus.build(home, "c", [docs])
    file = home / "corpora" / "c.sqlite"
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the commit
    db.execute("BEGIN")
    db.execute("UPDATE passages SET text = 'half-written ' || hex(randomblob(20000))")
    for suffix in ("", "-journal"):
        shutil.copy(f"{file}{suffix}", tmp_path / f"copy{suffix}")
    db.execute("ROLLBACK")
    db.close()
    for suffix in ("", "-journal"):  # what a kill leaves: no lock, but a hot journal
        shutil.copy(tmp_path / f"copy{suffix}", f"{file}{suffix}")

    (hit,) = Corpus.open(home, "c").search(["heartbeat"])

    assert hit.passage.text.startswith("A lease is renewed")


def test_readers_see_the_old_state_until_the_new_one_is_whole(home, docs):
    Corpus.build(home, "c", [docs])
    (docs / "new.txt").write_text("Fencing tokens guard the store.")
    during = []

    Corpus.update(
        home, "c", progress=lambda *_: during.append((sources(home, "heartbeat"), sources(home, "fencing")))
    )

    assert during == [([str(docs / "lease.md")], [])] * 4
    assert sources(home, "fencing")


def test_two_writers_wait_for_each_other(home, docs, monkeypatch):
    monkeypatch.setattr("orchestrator.corpus.index.WRITE_TIMEOUT_S", 0.05)

    def late(*_):
        with pytest.raises(WorldError, match="is being written by another process"):
            Corpus.build(home, "c", [docs])

    Corpus.build(home, "c", [docs / "lease.md"], progress=late)


def test_one_corpus_serves_many_threads(home, docs):
    Corpus.build(home, "c", [docs])
    corpus = Corpus.open(home, "c")
    results: list[tuple[Hit, ...]] = []

    def ask():
        results.extend(corpus.search(["heartbeat of a lease"]) for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert len(set(results)) == 1


def test_a_runs_own_corpus_is_named_by_its_paths(docs, monkeypatch):
    monkeypatch.chdir(docs)

    assert adhoc_name(["lease.md", "sub"]) == adhoc_name([docs / "sub", docs / "lease.md", "./lease.md"])
    assert adhoc_name(["lease.md"]) != adhoc_name(["sub"])
    with pytest.raises(CallerError):
        adhoc_name([])
