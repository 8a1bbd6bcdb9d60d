"""How many goals a comparison needs: verdicts on simulated runs of arms whose truth is known.

python -m benchmarks.power --svg docs/power.svg    # table and curves of docs/comparing.md, 4 minutes on one core
python -m benchmarks.power --alarms                # how often two equal arms are told apart
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.power_picture import drawing
from orchestrator.contracts import LevelReport
from orchestrator.experiment import Arm, Goal, Margins, Trial, compare
from orchestrator.experiment.figures import PairReport
from orchestrator.experiment.words import VERDICTS
from orchestrator.timeline import svg

REFERENCE = Arm(name="sequential", mode="sequential")
CANDIDATE = Arm(name="parallel", mode="parallel")
COUNTS = (25, 50, 75, 100, 150, 200, 300)
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


def verdicts(truth: Truth, count: int, seed: int, *, resamples: int = RESAMPLES) -> PairReport:
    """Simulate one comparison of so many goals and judge it."""
    trials = simulated(Random(seed), count, {REFERENCE: Truth(), CANDIDATE: truth})  # noqa: S311 - repeatable
    arms = (REFERENCE, CANDIDATE)
    return compare(goals(count), arms, trials, margins=Margins(), seed=seed, resamples=resamples).pairs[0]


def false_alarms(comparisons: int = 1_000, *, count: int = 25, passes: float = 0.8) -> int:
    """How many A/A comparisons tell two equal arms apart, in any measure; at most 5 % are promised."""
    alarms = 0
    arms = (REFERENCE, CANDIDATE)
    for seed in range(comparisons):
        trials = simulated(Random(seed), count, dict.fromkeys(arms, Truth(passes=passes)))  # noqa: S311 - repeatable
        pair = compare(goals(count), arms, trials, margins=Margins(), seed=seed, resamples=200).pairs[0]
        alarms += any(judgement.verdict in {"better", "worse"} for judgement in pair.judgements)
    return alarms


def main() -> None:
    """Print a Markdown table: of simulated comparisons, how many end in which verdict; draw it, or count alarms."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power", description=main.__doc__)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw the curves here")
    parser.add_argument(
        "--alarms", action="store_true", help="only count false alarms of 1,000 A/A comparisons"
    )
    arguments = parser.parse_args()
    if arguments.alarms:
        print(f"of 1,000 A/A comparisons of 25 goals, {false_alarms()} tell the arms apart")
        return
    print("| the other arm is | verdict, of so many goals |", " | ".join(map(str, COUNTS)), "|")
    print("| --- | --- |" + " ---: |" * len(COUNTS))
    curves: dict[str, list[tuple[int, float]]] = {}
    for name, truth in CASES.items():
        found = [
            Counter(verdicts(truth, count, seed).verdict for seed in range(COMPARISONS)) for count in COUNTS
        ]
        for verdict, words in VERDICTS.items():
            if any(counted[verdict] for counted in found):
                shares = " | ".join(f"{counted[verdict] / COMPARISONS:.0%}" for counted in found)
                print(f"| {name} | {words} | {shares} |")
        sys.stdout.flush()
        curves[name] = [
            (n, 1 - counted["too_few"] / COMPARISONS) for n, counted in zip(COUNTS, found, strict=True)
        ]
    if arguments.svg:
        below = f"Share of {COMPARISONS} simulated comparisons that end in a verdict, default margins"
        arguments.svg.write_text(svg.render(drawing(curves, below=below)), encoding="utf-8")


if __name__ == "__main__":
    main()
