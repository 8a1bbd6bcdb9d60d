"""From jobs to the figures of an arm, and from figures to verdicts. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from benchmarks.figures import Target, percentile
from benchmarks.latency.arms import BEST, BEST_BOTH, SEQUENTIAL
from benchmarks.latency.book import Cost, Entry
from benchmarks.latency.fleet import Sample

HOPE_S, REQUIRED_S, LONGEST_S = 18.5, 20.0, 25.0
BOUNDS_S: Final = (HOPE_S, REQUIRED_S, LONGEST_S)
NOMINAL, CALM, TAIL, NOVEMBER, RECORDED = "nominal", "calm", "tail", "november", "recorded"


@dataclass(frozen=True)
class Figures:
    """One arm in one world. Times in s; shares from 0 to 1; ``added_ms`` is the median over the ideal.

    ``tokens`` (written) and ``cost`` are relative to ``sequential`` in the same world, ``cached`` with a prefix cache
    on both sides; ``None`` where it did not run, or for a rival, whose prompts hold no evidence. ``calls`` is a job's
    mean. ``words_s`` is the median until the first words of a settled claim were said, ``first_s`` until it was there.
    """

    arm: str
    world: str
    jobs: int
    mean: float
    p50: float
    p95: float
    max: float
    within: tuple[float, ...]
    degraded: float
    lost: int
    added_ms: float | None
    added_to_argument_ms: float | None
    words_s: float | None
    first_s: float | None
    calls: float
    tokens: float | None
    cost: float | None
    cached: float | None


def figures(samples: Iterable[Sample], book: Iterable[Entry], rivals: Iterable[str] = ()) -> list[Figures]:
    """Figures of every arm in every world, in the order in which they come first."""
    by_arm: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        by_arm[sample.world, sample.arm].append(sample)
    costs = _costs(book, {key: len(each) for key, each in by_arm.items()})
    apart = frozenset(rivals)
    return [
        _of(each, costs.get(key), None if key[1] in apart else costs.get((key[0], SEQUENTIAL.name)))
        for key, each in by_arm.items()
    ]


def _costs(book: Iterable[Entry], jobs: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], Cost]:
    names = {f"{arm}/{world}".replace(" ", "_"): (world, arm) for world, arm in jobs}
    entries: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in book:
        if entry.run in names:
            entries[names[entry.run]].append(entry)
    return {key: Cost.of(each).each(jobs[key]) for key, each in entries.items()}


def _of(samples: Sequence[Sample], cost: Cost | None, sequential: Cost | None) -> Figures:
    totals = [sample.total_s for sample in samples]
    added = [s.total_s - s.ideal_s for s in samples if s.ideal_s is not None]
    argued = [s.argument_s - s.ideal_s for s in samples if s.argument_s is not None and s.ideal_s is not None]
    words = [sample.words_s for sample in samples if sample.words_s is not None]
    firsts = [sample.first_s for sample in samples if sample.first_s is not None]
    relative = (
        (cost.written / sequential.written, cost.plain / sequential.plain, cost.cached / sequential.cached)
        if cost and sequential
        else (None, None, None)
    )
    return Figures(
        arm=samples[0].arm,
        world=samples[0].world,
        jobs=len(samples),
        mean=fmean(totals),
        p50=percentile(totals, 0.5),
        p95=percentile(totals, 0.95),
        max=max(totals),
        within=tuple(sum(total <= bound for total in totals) / len(totals) for bound in BOUNDS_S),
        degraded=sum(sample.status != "complete" for sample in samples) / len(samples),
        lost=sum(sample.status == "lost" for sample in samples),
        added_ms=median(added) * 1_000 if added else None,
        added_to_argument_ms=median(argued) * 1_000 if argued else None,
        words_s=median(words) if words else None,
        first_s=median(firsts) if firsts else None,
        calls=cost.calls if cost else 0.0,
        tokens=relative[0],
        cost=relative[1],
        cached=relative[2],
    )


def targets(all_figures: Sequence[Figures], worlds: Iterable[str]) -> list[Target]:
    """What was asked for of the worlds that were run, each with what was measured."""
    by_key = {(each.world, each.arm): each for each in all_figures}
    found = []
    for world in worlds:
        best, hedged = by_key.get((world, BEST.name)), by_key.get((world, BEST_BOTH.name))
        if world == NOMINAL:
            found += [
                Target("nominal: pipelined 6, mean", _seconds(best), 12.9, "s"),
                Target(
                    "nominal: what Triptych adds to it, p50", best.added_ms if best else None, 150.0, "ms"
                ),
                Target("nominal: first words of a resolved claim", best.words_s if best else None, 5.0, "s"),
            ]
        elif world == NOVEMBER:
            share = best.within[0] * 100 if best else None
            found += [
                Target("november's runs: pipelined 6, mean", _seconds(best), 13.5, "s"),
                Target(f"november's runs: at or under {HOPE_S} s", share, 95.0, "%", "at least"),
            ]
        elif world == RECORDED:
            found.append(Target("all recorded runs: pipelined 6, mean", _seconds(best), 17.0, "s"))
        elif world == TAIL:
            degraded = hedged.degraded * 100 if hedged else None
            jobs = f"of {hedged.jobs} jobs" if hedged else "of 1000 jobs"
            found += [
                Target(
                    f"tail: longest {jobs}, hedged, deadline", hedged.max if hedged else None, LONGEST_S, "s"
                ),
                Target("tail: degraded", degraded, 2.0, "%"),
            ]
    return found


def _seconds(each: Figures | None) -> float | None:
    return each.mean if each else None
