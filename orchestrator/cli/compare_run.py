"""What ``triptych compare`` has a fleet do: the jobs that the journal lacks, and what a judge still has to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from orchestrator.cli import interrupt
from orchestrator.cli.compared import Following
from orchestrator.cli.run import engine_line, join_fleet
from orchestrator.client import Client
from orchestrator.comparing import Journal, Runner, remaining_s
from orchestrator.errors import WorldError
from orchestrator.experiment import Goal, interleaved
from orchestrator.settings import require_keys

if TYPE_CHECKING:
    from orchestrator.contracts import Passage
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings


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
        if self.private is not None and self.private.worker_died():
            raise WorldError(f"the private worker died: {self.private.log('worker')[-600:]}")


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
