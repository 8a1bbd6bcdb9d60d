"""Puts to a judge what it has not voted on yet. What it is shown names no arm: a question, and two texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, get_args

from orchestrator.contracts.judging import JudgeReply, PairQuestion, Preference, Silence, Unserved
from orchestrator.errors import WorldError
from orchestrator.experiment import Goal, Showing, Vote

MOST_SILENT = 6
"""Silences in a row after which nobody is asked any more: what ails the judge will not pass by asking."""


class Judge(Protocol):
    """Who answers questions, in whatever order: ``orchestrator.judging.JudgeClient``."""

    def ask(self, questions: Sequence[PairQuestion]) -> Iterator[tuple[int, JudgeReply]]:
        """Give each question's number and reply."""
        ...


def votes_of(judge: Judge, showings: Sequence[Showing]) -> Iterator[Vote]:
    """Ask in this order and give each vote as it comes. Raises ``WorldError`` where the judge has fallen silent."""
    silent = 0
    for number, reply in judge.ask([question_of(showing) for showing in showings]):
        said = reply.opinion
        if isinstance(said, Silence) and said.why in get_args(Unserved):
            raise WorldError(f"the judge cannot be asked: {said.detail}")
        yield _vote(showings[number], reply)
        silent = silent + 1 if isinstance(said, Silence) else 0
        if isinstance(said, Silence) and silent >= MOST_SILENT:
            raise WorldError(f"the judge was silent {silent} times in a row: {said.detail or said.why}")


def question_of(showing: Showing) -> PairQuestion:
    """What the judge is asked: the goal with what it was bound to, and both texts."""
    first, second = showing.texts
    return PairQuestion(goal=_asked(showing.goal), first=first, second=second)


def _asked(goal: Goal) -> str:
    bound = [f"- {constraint}" for constraint in goal.constraints]
    scope = [f"- {goal.scope}"] if goal.scope else []
    return "\n".join([goal.goal, *(["", "Constraints and scope:", *bound, *scope] if bound or scope else [])])


def _vote(showing: Showing, reply: JudgeReply) -> Vote:
    said = reply.opinion
    better = said.better if isinstance(said, Preference) else None
    return Vote(
        goal=showing.goal.id,
        first=showing.first.arm,
        second=showing.second.arm,
        jobs=showing.jobs,
        better=better,
        why=said.reason if isinstance(said, Preference) else "",
        silence="" if better else said.why if isinstance(said, Silence) else "unreadable",
        model=reply.model,
        usage=reply.usage,
    )
