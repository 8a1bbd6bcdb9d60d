"""``python -m benchmarks.latency``: measure in one run, print tables, say whether the targets are met.

Exit codes: 0 all targets of what was run are met, 1 some missed, 2 the benchmark did not run, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import Told, private, run, seed_of
from benchmarks.latency import recorded, steady, streams
from benchmarks.latency.arms import ARMS, BEST
from benchmarks.latency.book import Entry
from benchmarks.latency.fleet import Model, Sample
from benchmarks.latency.programme import LOAD, PARTS, STREAMS, Scene, named, scenes
from benchmarks.latency.report import Report
from benchmarks.latency.running import Stage, Theatre, perform
from benchmarks.latency.steady import Level
from benchmarks.latency.streams import Reading
from benchmarks.latency.summary import LONGEST_S, figures
from benchmarks.processes import BenchmarkFailed


def main() -> int:
    """Run the benchmark; returns the exit code."""
    arguments = _parser().parse_args()
    arguments.seed = seed_of(arguments.seed)

    def measure(told: Told) -> Report:
        report = _measure(arguments, told)
        if arguments.html:
            arguments.html.write_text(report.html())
        if arguments.png:
            arguments.png.write_bytes(report.png())
        return report

    return run("benchmark", measure, file=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench-latency", description="How long a job takes in each mode, with simulated models."
    )
    for name in ("json", "html", "png"):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"also write {name.upper()} here")
    parser.add_argument("--only", default="", metavar="PARTS", help=f"of {','.join(PARTS)}")
    parser.add_argument(
        "--arms",
        default="",
        metavar="NAMES",
        help=f"of {', '.join(arm.name for arm in ARMS)}".replace("%", "%%"),
    )
    parser.add_argument(
        "--jobs", type=int, default=100, help="jobs of an arm in the calm world; others follow (default 100)"
    )
    parser.add_argument("--in-flight", type=int, default=40, help="jobs at a time (default 40)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes for each set of settings")
    parser.add_argument(
        "--recorded", type=Path, nargs="+", default=[], metavar="CSV", help="recorded runs to replay"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="divide all durations by this (default 1)")
    parser.add_argument("--levels", default="", help="of load: jobs in flight, ascending, with commas")
    parser.add_argument("--window", type=float, default=20.0, help="of load: s of arrivals that are counted")
    parser.add_argument("--seed", type=int, help="of all luck and of the order (default: fresh)")
    return parser


def _measure(arguments: argparse.Namespace, told: Told) -> Report:
    chosen = [part for part in arguments.only.split(",") if part] or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        raise BenchmarkFailed(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if not any(named(arm, arguments.arms) for arm in ARMS):
        raise BenchmarkFailed(f"there is no arm {arguments.arms}; see --help")
    runs = recorded.read(arguments.recorded) if arguments.recorded else []
    planned = [
        Scene(scene.world, {arm: n for arm, n in scene.arms.items() if not arm.lacks()})
        for scene in scenes(chosen, jobs=arguments.jobs, recorded=runs, wanted=arguments.arms)
    ]
    began = time.monotonic()
    with private("latency") as (valkey, folder, machine):
        told(f"seed {arguments.seed}; {machine}")
        if machine.busy:
            told("Something else keeps this machine busy: the figures will be worse than it is.")
        stage = Stage(valkey.socket, folder, arguments.seed, arguments.scale, arguments.workers, told)
        samples, book = _modes(stage, planned, arguments.in_flight)
        return Report(
            seed=arguments.seed,
            scale=arguments.scale,
            workers=arguments.workers,
            in_flight=arguments.in_flight,
            machine=machine,
            worlds=[scene.world.name for scene in planned],
            figures=figures(samples, book, [arm.name for arm in ARMS if arm.rival]),
            levels=_levels(stage, arguments) if LOAD in chosen and not BEST.lacks() else (),
            longest=[each for each in samples if each.total_s > LONGEST_S],
            readings=_readings(stage, arguments) if STREAMS in chosen else (),
            skipped={a.name: why for a in ARMS if named(a, arguments.arms) and (why := a.lacks())},
            took_s=time.monotonic() - began,
        )


def _modes(stage: Stage, planned: Sequence[Scene], in_flight: int) -> tuple[list[Sample], list[Entry]]:
    arms = dict.fromkeys(arm for scene in planned for arm in scene.arms)
    if not arms:
        return [], []
    theatre = Theatre.open(stage, list(arms))
    try:
        samples = []
        for scene in planned:
            if scene.arms:
                samples += asyncio.run(perform(theatre, scene.world, scene.arms, in_flight))
        with urllib.request.urlopen(f"{theatre.model.url}/book", timeout=60) as answer:  # noqa: S310 - our own
            book = [Entry(*entry) for entry in json.load(answer)["calls"]]
    finally:
        theatre.close()
    order = {arm.name: number for number, arm in enumerate(ARMS)}
    worlds = [scene.world.name for scene in planned]
    samples.sort(key=lambda sample: (worlds.index(sample.world), order[sample.arm], sample.number))
    return samples, book


def _levels(stage: Stage, arguments: argparse.Namespace) -> list[Level]:
    levels = tuple(map(int, arguments.levels.split(","))) if arguments.levels else steady.LEVELS
    theatre = Theatre.open(stage, [BEST])
    try:
        return asyncio.run(steady.rises(theatre, levels, arguments.window))
    finally:
        theatre.close()


def _readings(stage: Stage, arguments: argparse.Namespace) -> list[Reading]:
    """At scale 1 whatever the rest runs at: what is asked is what 60 tokens a second cost."""
    model = Model(seed=stage.seed, scale=1.0, folder=stage.folder)
    quick = arguments.scale > 1
    counts, seconds = ((5,), 1.0) if quick else (streams.COUNTS, 6.0)
    try:
        return streams.readings(model.url, stage.told, counts=counts, seconds=seconds)
    finally:
        model.worker.stop()


if __name__ == "__main__":
    sys.exit(main())
