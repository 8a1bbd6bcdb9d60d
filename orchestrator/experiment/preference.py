"""A blind judge of pairs of answers: what it is asked, and what its votes come to.

Each pair of answers to a goal is shown twice, each arm's first once. An arm wins a goal that it wins in both orders;
all else is a tie. What an arm did not answer it has lost, and nobody is asked. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from orchestrator.contracts import Usage
from orchestrator.experiment.blind import shown
from orchestrator.experiment.figures import JudgeReport, PreferenceReport, Prices
from orchestrator.experiment.goals import Goal
from orchestrator.experiment.trial import Arm, Trial, Vote
from orchestrator.experiment.verdict import judge_preference

Jobs = tuple[str, str]


@dataclass(frozen=True)
class Showing:
    """Two answers in the order in which the judge is to see them, as texts that name no arm."""

    goal: Goal
    first: Trial
    second: Trial
    texts: tuple[str, str]

    @property
    def jobs(self) -> Jobs:
        """Whose answers they are."""
        return self.first.task_id, self.second.task_id


class Judged:
    """Votes on the answers of a comparison, by pair. Of those about other jobs than its own it takes no notice."""

    def __init__(
        self, goals: Sequence[Goal], trials: Mapping[tuple[str, str], Trial], votes: Iterable[Vote]
    ) -> None:
        self._goals, self._trials = goals, trials
        # An answer that a run failed to deliver is none, whatever is left of it.
        self._texts = {place: shown(t.answer) * (t.status != "failed") for place, t in trials.items()}
        jobs = {trial.task_id for trial in trials.values()}
        self.votes = tuple(vote for vote in votes if jobs.issuperset(vote.jobs))
        self._said = {vote.jobs: vote for vote in self.votes if vote.better}

    def missing(self, arms: Sequence[Arm], seed: int) -> Iterator[Showing]:
        """Give what is still to be asked, goal by goal; which order comes first follows from the seed."""
        rng = Random(f"{seed}/judge")  # noqa: S311 - has to be repeatable
        for goal in rng.sample(list(self._goals), k=len(self._goals)):
            for pair in combinations(arms, 2):
                for one, other in rng.sample([pair, pair[::-1]], k=2):
                    places = (goal.id, one.name), (goal.id, other.name)
                    first, second = map(self._trials.get, places)
                    if first is None or second is None or not self._differ(*places):
                        continue
                    showing = Showing(goal, first, second, (self._texts[places[0]], self._texts[places[1]]))
                    if showing.jobs not in self._said:
                        yield showing

    def pair(self, reference: str, candidate: str, *, margin: float, alpha: float) -> PreferenceReport:
        """Count over the goals that ran through both, and judge."""
        found: Counter[str] = Counter()
        for goal in self._goals:
            places = (goal.id, reference), (goal.id, candidate)
            if all(place in self._trials for place in places):
                found.update(self._goal(*places))
        wins = found["won"] + found["won_unopposed"]
        losses = found["lost"] + found["lost_unopposed"]
        ties = found["tied"] + found["same"]
        return PreferenceReport(
            judgement=judge_preference(wins, losses, ties, found["unknown"], margin=margin, alpha=alpha),
            asked=found["won"] + found["lost"] + found["tied"],
            ties=ties,
            same=found["same"],
            unopposed=found["won_unopposed"] + found["lost_unopposed"],
            unknown=found["unknown"],
            turned=found["turned"],
            to_first=found["to_first"],
            to_second=found["to_second"],
            longer=found["longer"],
            shorter=found["shorter"],
        )

    def report(self, prices: Prices | None) -> JudgeReport:
        """What judging took: it is nobody's answer, so it is counted with no arm."""
        usage = sum((vote.usage for vote in self.votes), Usage())
        return JudgeReport(
            models=tuple(sorted({vote.model for vote in self._said.values()})),
            votes=len(self._said),
            silences=dict(sorted(Counter(vote.silence for vote in self.votes if not vote.better).items())),
            usage=usage,
            cost=prices.of(usage) if prices else None,
        )

    def _differ(self, reference: tuple[str, str], candidate: tuple[str, str]) -> bool:
        """Whether there is something to be judged: two answers, and not one twice."""
        a, b = self._texts[reference], self._texts[candidate]
        return bool(a and b and a != b)

    def _goal(self, reference: tuple[str, str], candidate: tuple[str, str]) -> Iterator[str]:
        a, b = self._texts[reference], self._texts[candidate]
        if not self._differ(reference, candidate):
            # Where neither answered, neither is preferred.
            yield "same" if a == b else "won_unopposed" if b else "lost_unopposed"
            return
        jobs = self._trials[reference].task_id, self._trials[candidate].task_id
        straight, crossed = self._said.get(jobs), self._said.get(jobs[::-1])
        if straight is None or crossed is None:
            yield "unknown"
            return
        said = straight.better, crossed.better
        won, lost = said == ("second", "first"), said == ("first", "second")
        yield "won" if won else "lost" if lost else "tied"
        if (won or lost) and len(a) != len(b):
            yield "longer" if won == (len(b) > len(a)) else "shorter"
        if not (won or lost) and said != ("tie", "tie"):
            yield "turned"
            yield "to_first" if "first" in said else "to_second"
