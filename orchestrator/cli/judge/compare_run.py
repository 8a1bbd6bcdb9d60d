"""What ``triptych compare`` has a fleet do: the jobs that the journal lacks, and what a judge still has to be asked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from orchestrator.cli.judge.compare_view import Following
from orchestrator.cli.shared import interrupt
from orchestrator.cli.shared.joining import engine_line, join_fleet
from orchestrator.client import Client
from orchestrator.comparing import Journal, Runner, Votes, remaining_s
from orchestrator.comparing.judging import votes_of
from orchestrator.errors import InvalidInput, WorldError
from orchestrator.experiment import Goal, Judged, interleaved
from orchestrator.judging import ALONE_S, JudgeClient
from orchestrator.settings import require_keys
from orchestrator.settings.places import JUDGE

if TYPE_CHECKING:
    from orchestrator.contracts import Passage
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings


_JUDGE_S = 120.0
"""How long the judge has for one pair: two answers are much to read for a small model at home."""


class Fleet:
    """The fleet of REDIS_URL, or a private one that ends with the stack; joined when it is first needed."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.settings, self._stack = settings, stack
        self._client: Client | None = None
        self.private: PrivateFleet | None = None

    def client(self) -> Client:
        """Join it. Raises ``WorldError`` where it is away, ``InvalidInput`` where a private one lacks a key."""
        if self._client is None:
            if self.settings.redis_url is None:
                require_keys(self.settings)
            self.private = join_fleet(self.settings, self._stack)
            self.settings = self.private.settings if self.private else self.settings
            self._client = self._stack.enter_context(closing(Client(self.settings)))
            self._client.check()
        return self._client

    def look(self) -> None:
        """Raise where the command was interrupted, or the private worker died."""
        interrupt.check()
        if self.private is not None:
            self.private.check_worker()


def require_judge(settings: Settings) -> None:
    """Raise ``InvalidInput`` where a private worker could ask nobody; a fleet's workers know their own models."""
    if settings.redis_url is None and settings.model_for(JUDGE) == "extractive":
        raise InvalidInput(
            "--judge",
            "needs a model, and the extractive engine is none; name one with TRIPTYCH_MODEL_JUDGE or TRIPTYCH_MODEL "
            "(openai:NAME, anthropic:NAME), or leave --judge out",
        )


def run_arms(
    journal: Journal,
    goals: Sequence[Goal],
    evidence: Mapping[str, Sequence[Passage]],
    settings: Settings,
    fleet: Fleet,
    *,
    at_a_time: int,
    deadline_s: float | None,
) -> None:
    """Run what the journal lacks."""
    order = interleaved(goals, journal.header.arms, journal.header.seed)
    done = {(trial.goal, trial.arm) for trial in journal.trials}
    left = {(goal.id, arm.name): (goal, arm) for goal, arm in order if (goal.id, arm.name) not in done}
    if not left:
        return
    with Following("Comparing", len(order), len(order) - len(left)) as following:
        following.say(engine_line(settings))
        runner = Runner(fleet.client(), evidence, at_a_time=at_a_time, look=fleet.look, deadline_s=deadline_s)
        if fleet.private is not None:  # a private worker starts before anything is measured
            runner.warm_up(*next(iter(left.values())))
        try:
            for trial in runner.run(list(left.values())):
                journal.add(trial)
                del left[trial.goal, trial.arm]
                arms = [arm for _, arm in left.values()]
                why = f" ({', '.join(trial.reasons)})" if trial.reasons else ""
                following.ended(
                    f"{trial.goal}  {trial.arm}: {trial.status}{why}, {trial.latency_s:.2f} s",
                    remaining_s(arms, journal.trials, at_a_time),
                )
        except KeyboardInterrupt:
            following.say(f"{len(journal.trials)} of {len(order)} jobs are done; the same command goes on.")
            raise


def ask_judge(votes: Votes, journal: Journal, goals: Sequence[Goal], fleet: Fleet) -> None:
    """Have a blind judge vote on what it has not yet; what it leaves open is told, and the report says so too."""
    trials = {(trial.goal, trial.arm): trial for trial in journal.trials}
    left = list(Judged(goals, trials, votes.all).missing(journal.header.arms, journal.header.seed))
    if not left:
        return
    fleet.client()
    silent = 0
    began = time.monotonic()
    with (
        Following("Judging", len(left), 0) as following,
        JudgeClient(
            fleet.settings,
            within_s=_JUDGE_S,
            alone_s=None if fleet.private else ALONE_S,
            look=fleet.look,
        ) as judge,
    ):
        following.say(f"The blind judge is asked {len(left)} times, for each pair of answers in both orders.")
        try:
            for number, vote in enumerate(votes_of(judge, left), start=1):
                votes.add(vote)
                silent += vote.better is None
                each = (time.monotonic() - began) / number
                said = f"silent ({vote.silence})" if vote.better is None else vote.better
                following.ended(
                    f"{vote.goal}  {vote.first} | {vote.second}: {said}", each * (len(left) - number)
                )
        except KeyboardInterrupt:
            following.say("What was judged is kept; the same command goes on.")
            raise
        except WorldError as error:
            following.say(f"{error}. The report is made without; the same command asks again.")
            return
        if silent:
            following.say(f"The judge was silent {silent} times; the same command asks again.")
