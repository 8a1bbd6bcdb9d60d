"""Asking the judge: what it is told and what not, votes as they come, and when to stop asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from orchestrator.cli.judge.compare_run import require_judge
from orchestrator.comparing.judging import MOST_SILENT, question_of, votes_of
from orchestrator.contracts import Usage
from orchestrator.contracts.judging import JudgeReply, PairQuestion, Preference, Silence, Support
from orchestrator.errors import InvalidInput, WorldError
from orchestrator.experiment import Goal, Judged, Showing, Vote
from orchestrator.settings import Settings
from tests.unit.experiment.runs import CANDIDATE, REFERENCE, goals
from tests.unit.experiment.test_preference import differing, ran

TIE = JudgeReply(
    opinion=Preference(better="tie", reason="Alike."), model="openai:j", usage=Usage(input_tokens=7)
)
LATE = JudgeReply(opinion=Silence(why="deadline", detail="no answer came in time"))


class Planted:
    """A judge that replies as it is told to, the last question first."""

    def __init__(self, says: Callable[[PairQuestion], JudgeReply]) -> None:
        self._says = says
        self.asked: list[PairQuestion] = []

    def ask(self, questions: Sequence[PairQuestion]) -> Iterator[tuple[int, JudgeReply]]:
        for number in reversed(range(len(questions))):
            self.asked.append(questions[number])
            yield number, self._says(questions[number])


def showings(count: int) -> list[Showing]:
    by_place = {(t.goal, t.arm): t for t in ran(count, differing)}
    return list(Judged(goals(count), by_place, []).missing((REFERENCE, CANDIDATE), seed=1))


def test_a_vote_is_on_what_was_shown_in_that_order():
    shown = showings(3)
    judge = Planted(
        lambda q: JudgeReply(opinion=Preference(better="first" if len(q.first) > len(q.second) else "second"))
    )
    votes = list(votes_of(judge, shown))
    assert [vote.jobs for vote in votes] == [showing.jobs for showing in reversed(shown)]
    assert all({"first": v.first, "second": v.second}[v.better or ""] == "parallel" for v in votes)


def test_a_vote_keeps_the_words_the_model_and_the_cost():
    (vote, *_) = votes_of(Planted(lambda _: TIE), showings(1))
    assert (vote.better, vote.why, vote.model, vote.usage.input_tokens) == ("tie", "Alike.", "openai:j", 7)
    assert Vote.model_validate_json(vote.model_dump_json()) == vote


def test_the_judge_is_told_the_goal_with_its_bounds_and_no_arm():
    (showing, _) = showings(1)
    goal = Goal(id="g0", goal="Move?", constraints=("no new staff",), scope="orders")
    asked = question_of(Showing(goal, showing.first, showing.second, showing.texts))
    assert asked.goal == "Move?\n\nConstraints and scope:\n- no new staff\n- orders"
    assert question_of(
        Showing(Goal(id="g0", goal="Move?"), showing.first, showing.second, ("a", "b"))
    ) == PairQuestion(goal="Move?", first="a", second="b")
    assert not any(name in asked.model_dump_json() for name in ("sequential", "parallel", "g0-"))


@pytest.mark.parametrize(
    ("opinion", "silence"),
    [
        (Silence(why="unreadable"), "unreadable"),
        (Silence(why="overloaded", detail="no"), "overloaded"),
        (Support(verdict="supported"), "unreadable"),
    ],
)
def test_what_is_no_preference_is_a_silence(opinion, silence):
    (vote, *_) = votes_of(Planted(lambda _: JudgeReply(opinion=opinion)), showings(1))
    assert (vote.better, vote.silence) == (None, silence)


def test_a_judge_that_fell_silent_is_not_asked_for_ever():
    judge = Planted(lambda _: LATE)
    with pytest.raises(WorldError, match="silent 6 times in a row: no answer came in time"):
        list(votes_of(judge, showings(20)))
    assert len(judge.asked) == MOST_SILENT


def test_one_that_is_silent_now_and_then_is_asked_to_the_end():
    replies = iter([LATE, LATE, LATE, TIE] * 10)
    assert len(list(votes_of(Planted(lambda _: next(replies)), showings(20)))) == 40


@pytest.mark.parametrize("why", ["no_model", "no_worker", "queue_full"])
def test_where_nobody_is_there_to_answer_nobody_is_asked_twice(why: Any) -> None:
    none = JudgeReply(opinion=Silence(why=why, detail="set TRIPTYCH_MODEL there"))
    judge = Planted(lambda _: none)
    with pytest.raises(WorldError, match="the judge cannot be asked: set TRIPTYCH_MODEL there"):
        list(votes_of(judge, showings(5)))
    assert len(judge.asked) == 1


def test_the_extractive_engine_is_no_judge(tmp_path):
    def settings(**fields: Any) -> Settings:
        return Settings(home=tmp_path, **fields)

    with pytest.raises(
        InvalidInput, match="--judge: needs a model, and the extractive engine is none; name one with"
    ):
        require_judge(settings())
    with pytest.raises(InvalidInput, match="needs a model"):
        require_judge(settings(model="openai:a", model_judge="extractive"))
    require_judge(settings(model_judge="openai:b"))
    require_judge(settings(model="openai:b"))
    require_judge(settings(redis_url="redis://elsewhere"))  # its workers know
