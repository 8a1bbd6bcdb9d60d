"""What the doctor says of the ledger's archive, as tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestrator.doctor import ledger
from orchestrator.doctor.ledger import examine_archive, judge_archives, judge_ledger, judge_room
from orchestrator.settings import Settings
from orchestrator.store.admission import Admission
from orchestrator.store.archive_state import ArchiveProblem, ArchiveState
from tests.unit.doctor.test_judging import levels, worker

FULL_DISK = ArchiveProblem(
    "the ledger's archive /srv/ledger.sqlite cannot grow: its disk is full", "vm1:/srv", 4.0
)
MIB = 2**20


@pytest.mark.parametrize(
    ("state", "memory_max", "expected"),
    [
        (ArchiveState(), 0, {}),
        (ArchiveState(place="vm1:/srv", waiting_s=2.0), 768 * MIB, {}),
        (ArchiveState(place="vm1:/srv", waiting_s=61.0), 0, {"archiving": "warning"}),
        (ArchiveState(place="vm1:/srv", problem=FULL_DISK), 0, {"archiving": "error"}),
        (ArchiveState(Admission(waiting=200_000)), 0, {"admission": "error"}),
        (
            ArchiveState(Admission(waiting=5, backlog=5), waiting_s=90.0, problem=FULL_DISK),
            0,
            {"archiving": "error", "admission": "error"},
        ),
        (ArchiveState(), 128 * MIB, {"admission": "warning"}),
        (ArchiveState(Admission(backlog=50_000)), 128 * MIB, {}),
    ],
)
def test_the_ledger_is_judged(state, memory_max, expected):
    assert levels(judge_ledger(state, memory_max=memory_max)) == expected


def test_a_closed_door_names_the_figures_and_what_to_mend():
    state = ArchiveState(Admission(waiting=1_234, backlog=1_000), problem=FULL_DISK)
    _, closed = judge_ledger(state, memory_max=0)
    assert closed.what == "closed: 1,234 events wait for the ledger's archive, 1,000 may"
    assert closed.do == "mend vm1:/srv; it opens by itself, and nothing is lost"


@pytest.mark.parametrize(
    ("archives", "expected"),
    [
        ([], {}),
        ([("", "")], {}),
        ([("vm1:/srv", "a"), ("vm1:/srv", "a")], {}),
        ([("3fa1:/srv", "a"), ("77c2:/srv", "a")], {}),  # two containers that share a volume
        ([("vm1:/srv", "a"), ("vm2:/srv", "b")], {"archives": "warning"}),
        ([("vm1:/srv", "a"), ("postgresql://db/x", "postgresql://db/x")], {"archives": "warning"}),
        ([("vm1:/srv", "a"), ("vm2:/srv", "")], {}),
    ],
)
def test_archives_are_told_apart_by_what_they_are_not_by_how_they_are_reached(archives, expected):
    workers = [worker(n, archive=label, archive_id=name) for n, (label, name) in enumerate(archives)]
    assert levels(judge_archives(workers)) == expected


def test_an_archive_on_a_network_file_system_is_a_warning(tmp_path: Path, monkeypatch):
    settings = Settings(home=tmp_path)
    assert levels(examine_archive(settings)) == {}
    monkeypatch.setattr(ledger, "network_file_system", lambda path: "nfs4")
    assert levels(examine_archive(settings)) == {"ledger's archive": "warning"}


def test_an_archive_that_cannot_be_used_from_here_is_an_error(tmp_path: Path, monkeypatch):
    (tmp_path / "ledger.sqlite").mkdir()
    assert levels(examine_archive(Settings(home=tmp_path))) == {"ledger's archive": "error"}
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "orchestrator.store.archive.postgres", raising=False)
    (finding,) = examine_archive(Settings(ledger_url=SecretStr("postgresql://h/d")))
    assert "pip install 'triptych[postgres]'" in finding.do


def test_a_full_fleet_is_a_warning():
    assert levels(judge_room(Admission(jobs=9, max_jobs=10))) == {}
    assert levels(judge_room(Admission(jobs=10, max_jobs=10))) == {"jobs": "warning"}
