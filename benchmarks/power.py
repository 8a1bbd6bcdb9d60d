"""How many goals a comparison needs: verdicts on simulated runs of arms whose truth is known.

python -m benchmarks.power            # the table in docs/comparing.md, about 4 minutes on one core
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from orchestrator.contracts import LevelReport
from orchestrator.experiment import Arm, Goal, Margins, Trial, compare
from orchestrator.experiment.words import VERDICTS

REFERENCE = Arm(name="sequential", mode="sequential")
CANDIDATE = Arm(name="parallel", mode="parallel")
COUNTS = (50, 100, 200)
COMPARISONS = 200
RESAMPLES = 300


@dataclass(frozen=True)
class Truth:
    """What an arm does: how much ``slower`` it is than the others, and how often a run passes and is whole."""

    slower: float = 1.0
    passes: float = 0.97
    whole: float = 0.99


CASES: Mapping[str, Truth] = {
    "the same (A/A)": Truth(),
    "20 % faster": Truth(slower=0.8),
    "15 % slower": Truth(slower=1.15),
    "evidence 97 % -> 90 %": Truth(passes=0.90),
    "evidence 97 % -> 80 %": Truth(passes=0.80),
    "30 % faster, loses a persona in 10 %": Truth(slower=0.7, whole=0.90),
}


def goals(count: int) -> list[Goal]:
    """Make as many goals."""
    return [Goal(id=f"g{number}", goal=f"Is it {number}?") for number in range(count)]


def trial(goal: str, arm: Arm = REFERENCE, **fields: object) -> Trial:
    """Make a run that went well, but for what ``fields`` says."""
    values: dict[str, object] = {
        "goal": goal,
        "arm": arm.name,
        "task_id": f"{goal}-{arm.name}",
        "status": "complete",
        "whole": True,
        "evidence_ok": True,
        "quality": 1.0,
        "latency_s": 20.0,
        "complexity": 4.0,
        "language": "en",
        "evidence_language": "en",
        "evidence": "e",
        "levels": (LevelReport(level=1, name="quotes are verbatim", checked=4, passed=4),),
    }
    return Trial.model_validate(values | fields)


def simulated(
    rng: Random, count: int, truths: Mapping[Arm, Truth], *, goal: float = 0.25, noise: float = 0.18
) -> list[Trial]:
    """Simulate runs: each goal has a length of its own (s.d. of its logarithm), common to all arms; each run, noise."""
    trials = []
    for number in range(count):
        base = 25 * rng.lognormvariate(0, goal)
        for arm, truth in truths.items():
            whole, passes = rng.random() < truth.whole, rng.random() < truth.passes
            fields = {
                "latency_s": base * truth.slower * rng.lognormvariate(0, noise),
                "whole": whole,
                "evidence_ok": passes,
                "status": "complete" if whole and passes else "degraded",
            }
            trials.append(trial(f"g{number}", arm, **fields))
    return trials


def main() -> None:
    """Print a Markdown table: of simulated comparisons, how many end in which verdict."""
    print("| the other arm is | goals |", " | ".join(VERDICTS.values()), "|")
    print("| --- | --- |" + " --- |" * len(VERDICTS))
    for name, truth in CASES.items():
        for count in COUNTS:
            found: Counter[str] = Counter()
            for seed in range(COMPARISONS):
                trials = simulated(Random(seed), count, {REFERENCE: Truth(), CANDIDATE: truth})  # noqa: S311 - repeatable
                report = compare(
                    goals(count),
                    (REFERENCE, CANDIDATE),
                    trials,
                    margins=Margins(),
                    seed=seed,
                    resamples=RESAMPLES,
                )
                found[report.pairs[0].verdict] += 1
            shares = " | ".join(f"{found[verdict] / COMPARISONS:.0%}" for verdict in VERDICTS)
            print(f"| {name} | {count} | {shares} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
