"""``make bench-live``: Triptych's modes against your own endpoint, within a budget of tokens.

It takes ``OPENAI_BASE_URL``, ``OPENAI_API_KEY`` and ``TRIPTYCH_MODEL`` from the environment and spends real tokens, so
it wants ``--budget`` and ``--yes``. Jobs run one at a time, arms interleaved, until the next one might exceed the
budget. Exit codes: 0 done, 1 not one job of every arm, 2 it did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arms import databases
from benchmarks.command import Told, private, run
from benchmarks.latency.arms import BEST, PARALLEL, SEQUENTIAL, Arm, environment
from benchmarks.latency.book import Entry
from benchmarks.latency.fleet import DOCUMENTS, GOAL, Fleet, Sample, spec_for
from benchmarks.latency.report import Report
from benchmarks.latency.summary import figures

URL, MODEL = "OPENAI_BASE_URL", "TRIPTYCH_MODEL"
ARMS = (SEQUENTIAL, PARALLEL, BEST)
USUAL_TOKENS = 40_000
"""A job's, until one was seen: three to fifteen calls of a few thousand tokens each."""
WORLD = "live"
LIVE = "A real endpoint was asked. Answers are not cached here; what the endpoint caches, it caches for every arm."


class LiveReport(Report):
    """Nothing was asked for but that every arm could be measured."""

    @property
    def met(self) -> bool:
        """Whether every arm has a job."""
        return len(self.figures) == len([arm for arm in ARMS if not arm.lacks()])


def main() -> int:
    """Run it; returns the exit code."""
    arguments = _parser().parse_args()
    model, url = os.environ.get(MODEL, ""), os.environ.get(URL, "")
    if not url or not model.startswith("openai:"):
        return _refused(f"set {URL} to your endpoint and {MODEL} to openai:NAME")
    arms = [arm for arm in ARMS if not arm.lacks()]
    planned = (
        f"{len(arms)} arms, {arguments.jobs} jobs each, {model} at {url}, {arguments.budget:,} tokens at most"
    )
    if not arguments.yes:
        return _refused(f"this spends real tokens ({planned}); say --yes")

    def measure(told: Told) -> LiveReport:
        told(planned)
        return _measure(arguments, model, arms, told)

    return run("benchmark", measure, file=arguments.json)


def _refused(why: str) -> int:
    print(f"the benchmark did not run: {why}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench-live", description="Triptych's modes on your own endpoint."
    )
    parser.add_argument("--budget", type=int, required=True, help="tokens that may be spent, in and out")
    parser.add_argument("--yes", action="store_true", help="spend them")
    parser.add_argument("--jobs", type=int, default=5, help="jobs of each arm (default 5)")
    parser.add_argument("--goal", default=GOAL, help="the question (default: that of make demo)")
    parser.add_argument("--docs", type=Path, nargs="+", default=[DOCUMENTS], help="its documents")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    return parser


def _measure(arguments: argparse.Namespace, model: str, arms: Sequence[Arm], told: Told) -> LiveReport:
    began = time.monotonic()
    with private("live") as (valkey, folder, machine):
        (url,) = databases(valkey.socket, 1)
        asks = {**environment(()), MODEL: model}
        fleet = Fleet(WORLD, url=url, folder=folder, workers=1, environment=asks, documents=arguments.docs)
        try:
            fleet.wait_until_ready()
            samples = asyncio.run(_perform(fleet, arguments, arms, told))
        finally:
            fleet.stop()
        order = [arm.name for arm in arms]
        samples.sort(key=lambda sample: order.index(sample.arm))
        return LiveReport(
            seed=arguments.seed,
            scale=1.0,
            workers=1,
            in_flight=1,
            machine=machine,
            worlds=[WORLD],
            figures=figures(samples, map(_entry, samples)),
            skipped={arm.name: arm.lacks() for arm in ARMS if arm.lacks()},
            took_s=time.monotonic() - began,
            simulated=LIVE,
        )


async def _perform(
    fleet: Fleet, arguments: argparse.Namespace, arms: Sequence[Arm], told: Told
) -> list[Sample]:
    dice = random.Random(arguments.seed)  # noqa: S311 - an order, no secret
    pairs = [(arm, n) for n in range(arguments.jobs) for arm in dice.sample(arms, len(arms))]
    samples, left, dearest = list[Sample](), arguments.budget, dict[str, int]()
    try:
        for arm, number in pairs:
            if dearest.get(arm.name, USUAL_TOKENS) > left:
                told(f"{arm.name}: {left:,} tokens are left; another job might need more")
                continue
            spec = spec_for(arm.mode, goal=arguments.goal, budget=max(1_000, left))
            sample = await fleet.run(spec, Sample(arm.name, WORLD, number))
            samples.append(sample)
            left -= sample.usage.tokens
            dearest[arm.name] = max(dearest.get(arm.name, 0), sample.usage.tokens)
            said = f"{sample.total_s:.1f} s, {sample.status}, {sample.usage.tokens:,} tokens, {left:,} left"
            told(f"{len(samples)} of {len(pairs)}: {arm.name}: {said}")
    finally:
        await fleet.close()
    return samples


def _entry(sample: Sample) -> Entry:
    """A job's calls in one, as its result counts them."""
    used, run = sample.usage, f"{sample.arm}/{WORLD}".replace(" ", "_")
    return Entry(
        run, sample.number, "job", 0, used.input_tokens, used.cached_tokens, used.output_tokens, used.calls
    )


if __name__ == "__main__":
    sys.exit(main())
