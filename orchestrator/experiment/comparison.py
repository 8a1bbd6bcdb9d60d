"""From trials to the report's figures and verdicts: deterministic, given the seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from orchestrator.contracts import LevelReport, Usage
from orchestrator.experiment.bootstrap import RESAMPLES, bootstrap
from orchestrator.experiment.exact import sign_test
from orchestrator.experiment.figures import (
    ArmReport,
    Comparison,
    LevelTest,
    PairReport,
    PreferenceReport,
    Prices,
    Slice,
    SliceArm,
)
from orchestrator.experiment.goals import Goal
from orchestrator.experiment.preference import Judged
from orchestrator.experiment.trial import Arm, Debate, Trial, Vote
from orchestrator.experiment.verdict import (
    ALPHA,
    MEASURES,
    Margins,
    Measure,
    judge_latency,
    judge_rate,
    more_goals,
    overall,
)
from orchestrator.report.summary import percentile

_RATES: tuple[tuple[Measure, Callable[[Trial], bool]], ...] = (
    ("evidence", lambda trial: trial.evidence_ok),
    ("whole", lambda trial: trial.whole),
)
_BANDS = ((0.0, 2.5), (2.5, 5.0), (5.0, 7.5), (7.5, 10.1))


@dataclass(frozen=True)
class _Judge:
    margins: Margins
    seed: int
    alpha: float
    alpha_preference: float
    resamples: int
    blind: Judged | None

    def pair(self, reference: str, candidate: str, both: Sequence[tuple[Trial, Trial]]) -> PairReport:
        """Judge the goals that ran through both arms."""
        whole = [(a.latency_s, b.latency_s) for a, b in both if a.whole and b.whole and a.latency_s > 0]
        judgements = (
            judge_latency(
                [a for a, _ in whole],
                [b for _, b in whole],
                margin=self.margins.latency,
                alpha=self.alpha,
                rng=Random(f"{self.seed}/{reference}/{candidate}"),  # noqa: S311 - has to be repeatable
                resamples=self.resamples,
            ),
            *(
                judge_rate(
                    measure,
                    [said(a) for a, _ in both],
                    [said(b) for _, b in both],
                    margin=self.margins.rate,
                    alpha=self.alpha,
                )
                for measure, said in _RATES
            ),
        )
        verdict = overall(judgements)
        return PairReport(
            reference=reference,
            candidate=candidate,
            verdict=verdict,
            more=more_goals(judgements) if verdict == "too_few" else None,
            judgements=judgements,
            levels=_level_tests(both),
            preference=self._preference(reference, candidate),
        )

    def _preference(self, reference: str, candidate: str) -> PreferenceReport | None:
        if self.blind is None:
            return None
        margin, alpha = self.margins.preference, self.alpha_preference
        return self.blind.pair(reference, candidate, margin=margin, alpha=alpha)


def compare(
    goals: Sequence[Goal],
    arms: Sequence[Arm],
    trials: Iterable[Trial],
    *,
    margins: Margins,
    seed: int,
    prices: Prices | None = None,
    votes: Iterable[Vote] | None = None,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Judge what has run so far. The error of the verdicts is shared among all pairs and measures (Bonferroni).

    ``votes`` are a blind judge's; ``None`` where there is none. Its verdicts share an error of their own.
    """
    by_place = {(trial.goal, trial.arm): trial for trial in trials}
    pairs = list(combinations(arms, 2))
    alpha = ALPHA / (max(1, len(pairs)) * len(MEASURES))
    alpha_preference = ALPHA / max(1, len(pairs))
    blind = None if votes is None else Judged(goals, by_place, votes)
    judge = _Judge(margins, seed, alpha, alpha_preference, resamples, blind)

    def of(arm: Arm, among: Iterable[Goal] = goals) -> list[Trial]:
        return [by_place[goal.id, arm.name] for goal in among if (goal.id, arm.name) in by_place]

    def both(a: Arm, b: Arm) -> list[tuple[Trial, Trial]]:
        places = [((goal.id, a.name), (goal.id, b.name)) for goal in goals]
        return [(by_place[x], by_place[y]) for x, y in places if x in by_place and y in by_place]

    ran = [goal for goal in goals if any((goal.id, arm.name) in by_place for arm in arms)]
    return Comparison(
        seed=seed,
        goals=len(goals),
        arms=tuple(_arm(arm, of(arm), prices, seed, resamples) for arm in arms),
        pairs=tuple(judge.pair(a.name, b.name, both(a, b)) for a, b in pairs),
        slices=tuple(
            Slice(by=by, value=value, goals=len(part), arms=tuple(_slice_arm(a, of(a, part)) for a in arms))
            for by, value, part in _slices(ran, by_place, arms)
        ),
        alpha=alpha,
        margin_latency=margins.latency,
        margin_rate=margins.rate,
        margin_preference=margins.preference if blind else None,
        alpha_preference=alpha_preference if blind else None,
        judge=blind.report(prices) if blind else None,
        votes=blind.votes if blind else (),
        models=tuple(sorted({model for trial in by_place.values() for model in trial.models})),
        texts={goal.id: goal.goal for goal in ran},
        trials=tuple(by_place[goal.id, arm.name] for goal in goals for arm in arms if (goal.id, arm.name) in by_place),
    )  # fmt: skip


def _arm(arm: Arm, trials: Sequence[Trial], prices: Prices | None, seed: int, resamples: int) -> ArmReport:
    seconds = sorted(trial.latency_s for trial in trials if trial.whole)
    statuses = Counter(trial.status for trial in trials)
    low = high = None
    if len(seconds) > 1:
        rng = Random(f"{seed}/{arm.name}")  # noqa: S311 - has to be repeatable
        found = bootstrap(seconds, seconds, lambda _, mean: mean, rng=rng, resamples=min(resamples, 1_000))
        low, high = found.interval(0.05)
    usage = sum((trial.usage for trial in trials), Usage())
    return ArmReport(
        arm=arm.name,
        mode=arm.mode,
        runs=len(trials),
        complete=statuses["complete"],
        degraded=statuses["degraded"],
        failed=statuses["failed"],
        whole=sum(trial.whole for trial in trials),
        evidence_ok=sum(trial.evidence_ok for trial in trials),
        reasons=dict(sorted(Counter(reason for trial in trials for reason in trial.reasons).items())),
        mean_s=_mean(seconds),
        low_s=low,
        high_s=high,
        p50_s=percentile(seconds, 50),
        p95_s=percentile(seconds, 95),
        max_s=max(seconds, default=None),
        levels=_levels(trials),
        usage=usage,
        cost=prices.of(usage) if prices else None,
        claims=sum(trial.claims for trial in trials),
        debate=sum((trial.debate for trial in trials), Debate()),
    )


def _levels(trials: Sequence[Trial]) -> tuple[LevelReport, ...]:
    found: dict[int, LevelReport] = {}
    for level in (level for trial in trials for level in trial.levels):
        before = found.get(level.level)
        found[level.level] = LevelReport(
            level=level.level,
            name=level.name,
            checked=level.checked + (before.checked if before else 0),
            passed=level.passed + (before.passed if before else 0),
            not_judged=level.not_judged + (before.not_judged if before else 0),
        )
    return tuple(found[level] for level in sorted(found))


def _level_tests(both: Sequence[tuple[Trial, Trial]]) -> tuple[LevelTest, ...]:
    names = {level.level: level.name for pair in both for trial in pair for level in trial.levels}
    tests = []
    for number in sorted(names.keys() - {4}):  # level 4 proposes, and passes nothing
        clean = [(_clean(a, number), _clean(b, number)) for a, b in both]
        wins, losses = sum(b and not a for a, b in clean), sum(a and not b for a, b in clean)
        tests.append(
            LevelTest(level=number, name=names[number], wins=wins, losses=losses, p=sign_test(wins, losses))
        )
    return tuple(tests)


def _clean(trial: Trial, number: int) -> bool:
    """Something was checked at this level, and all of it passed."""
    found = [level for level in trial.levels if level.level == number and level.checked]
    return bool(found) and all(level.passed == level.checked for level in found)


def _slices(
    goals: Sequence[Goal], by_place: Mapping[tuple[str, str], Trial], arms: Sequence[Arm]
) -> Iterable[tuple[str, str, list[Goal]]]:
    first = {g.id: next(by_place[g.id, a.name] for a in arms if (g.id, a.name) in by_place) for g in goals}

    def parts(by: str, label: Callable[[Trial], str]) -> Iterable[tuple[str, str, list[Goal]]]:
        for value in sorted({label(trial) for trial in first.values()}):
            yield by, value, [goal for goal in goals if label(first[goal.id]) == value]

    yield from parts("complexity", _band)
    yield from parts("language", lambda t: f"{t.language}, evidence {t.evidence_language}")


def _band(trial: Trial) -> str:
    if trial.complexity is None:
        return "unknown"
    low, high = next(band for band in _BANDS if trial.complexity < band[1])
    return f"{low:g} to {min(high, 10):g}"


def _slice_arm(arm: Arm, trials: Sequence[Trial]) -> SliceArm:
    return SliceArm(
        arm=arm.name,
        runs=len(trials),
        whole=sum(trial.whole for trial in trials),
        evidence_ok=sum(trial.evidence_ok for trial in trials),
        mean_s=_mean([trial.latency_s for trial in trials if trial.whole]),
    )


def _mean(seconds: Sequence[float]) -> float | None:
    return sum(seconds) / len(seconds) if seconds else None
