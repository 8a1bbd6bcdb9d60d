"""The journal, and the votes beside it: what a crash leaves is enough to go on, and it goes on with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.comparing import Header, Journal, Votes, remaining_s
from orchestrator.comparing.journal import NAME
from orchestrator.comparing.votes import NAME as VOTES
from orchestrator.errors import InvalidInput
from orchestrator.experiment import Vote
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, trial

HEADER = Header(seed=7, arms=(REFERENCE, CANDIDATE), goals="g", evidence="e")


def begun(folder: Path, *names: str) -> Path:
    with Journal.open(folder, HEADER, seed_given=False) as journal:
        for name in names:
            journal.add(trial(name))
    return folder / NAME


def goals_in(folder: Path, header: Header = HEADER, *, seed_given: bool = False) -> list[str]:
    with Journal.open(folder, header, seed_given=seed_given) as journal:
        return [each.goal for each in journal.trials]


def test_what_was_added_is_there_again(tmp_path):
    begun(tmp_path / "new" / "folder", "g1", "g2")
    assert goals_in(tmp_path / "new" / "folder") == ["g1", "g2"]


def test_wherever_a_crash_tears_the_last_line_the_others_are_kept(tmp_path):
    path = begun(tmp_path, "g1", "g2")
    whole = path.read_bytes()
    first, second = whole.index(b"\n") + 1, whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for length in (*range(first, first + 5), second, second + 1, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert goals_in(tmp_path) == (["g1"] if length >= second else [])
        assert path.read_bytes() == whole[: second if length >= second else first]


def test_a_journal_whose_first_line_is_torn_is_begun_anew(tmp_path):
    path = begun(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    assert goals_in(tmp_path) == []
    assert path.read_bytes().endswith(b"}\n")


def test_an_old_journal_keeps_its_seed_unless_another_is_asked_for(tmp_path):
    begun(tmp_path)
    other = HEADER.model_copy(update={"seed": 8})
    with Journal.open(tmp_path, other, seed_given=False) as journal:
        assert journal.header.seed == 7
    with pytest.raises(InvalidInput, match="differs in the seed"):
        goals_in(tmp_path, other, seed_given=True)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("arms", (CANDIDATE, REFERENCE), "the arms"),
        ("goals", "other", "the goals"),
        ("evidence", "other", "the evidence found in the documents"),
    ],
)
def test_another_comparison_does_not_go_on_in_this_one(tmp_path, field, value, named):
    begun(tmp_path, "g1")
    with pytest.raises(InvalidInput, match=f"differs in {named}"):
        goals_in(tmp_path, HEADER.model_copy(update={field: value}))
    assert goals_in(tmp_path) == ["g1"]


def test_two_commands_do_not_write_one_journal(tmp_path):
    with (
        Journal.open(tmp_path, HEADER, seed_given=False),
        pytest.raises(InvalidInput, match="in use by another command"),
    ):
        goals_in(tmp_path)


@pytest.mark.parametrize(("at", "problem"), [(0, "no journal of this version"), (1, "line 2 cannot be read")])
def test_a_damaged_line_is_named_and_nothing_is_overwritten(tmp_path, at, problem):
    path = begun(tmp_path, "g1", "g2")
    lines = path.read_bytes().split(b"\n")
    lines[at] = b'{"v": 9}'
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(InvalidInput, match=problem):
        goals_in(tmp_path)
    assert path.read_bytes() == b"\n".join(lines)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"--out: .* cannot be written"):
        goals_in(tmp_path / "file")


@pytest.mark.parametrize(
    ("left", "at_a_time", "seconds"),
    [
        ([REFERENCE, CANDIDATE, CANDIDATE], 1, 40.0),
        ([REFERENCE, CANDIDATE, CANDIDATE], 2, 20.0),
        ([CANDIDATE], 8, 10.0),
        ([], 1, 0.0),
    ],
)
def test_the_time_left_is_estimated_from_each_arms_own_runs(left, at_a_time, seconds):
    ran = [trial("g1"), trial("g1", CANDIDATE, latency_s=8.0), trial("g2", CANDIDATE, latency_s=12.0)]
    assert remaining_s(left, ran, at_a_time) == seconds


def test_of_an_arm_that_has_not_run_nothing_is_foretold():
    assert remaining_s([REFERENCE, CANDIDATE], [trial("g1")], 1) is None


def test_a_journal_from_before_arms_had_sections_goes_on(tmp_path):
    path = begun(tmp_path, "g1")
    old = path.read_text().replace(',"sections":null', "")
    assert old != path.read_text()
    path.write_text(old)
    assert goals_in(tmp_path) == ["g1"]


def test_votes_are_kept_whole_and_a_torn_one_is_dropped(tmp_path):
    cast = [
        Vote(goal="g1", first="a", second="b", jobs=("1", "2"), better="tie", why="Both say so."),
        Vote(goal="g1", first="b", second="a", jobs=("2", "1"), better=None, silence="unreadable"),
    ]
    with Votes.open(tmp_path / "new") as votes:
        assert votes.all == []
        for vote in cast:
            votes.add(vote)
    path = tmp_path / "new" / VOTES
    with path.open("ab") as file:
        file.write(b'{"goal":"g2","fir')
    with Votes.open(tmp_path / "new") as votes:
        assert votes.all == cast
        with pytest.raises(InvalidInput, match="in use by another command"), Votes.open(tmp_path / "new"):
            pass
    assert path.read_bytes().count(b"\n") == 2
    path.write_text('{"goal": 1}\n')
    with (
        pytest.raises(InvalidInput, match=r"votes.jsonl line 1 cannot be read"),
        Votes.open(tmp_path / "new"),
    ):
        pass
