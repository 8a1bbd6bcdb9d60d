"""What a run measures: which arms in which worlds, and how many jobs of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.latency.arms import (
    ARMS,
    BEST,
    BEST_BOTH,
    BEST_DEADLINE,
    BEST_HEDGED,
    PARALLEL,
    PIPELINED,
    SECTIONED,
    SEQUENTIAL,
    SEQUENTIAL_HEDGED,
    Arm,
    World,
)
from benchmarks.latency.recorded import Recorded
from benchmarks.latency.summary import CALM, NOMINAL, NOVEMBER, RECORDED, TAIL

LOAD, STREAMS = "load", "streams"
PARTS = (NOMINAL, CALM, TAIL, NOVEMBER, RECORDED, LOAD, STREAMS)
_MONTH = 11


@dataclass(frozen=True)
class Scene:
    """One world and the jobs of each arm in it."""

    world: World
    arms: Mapping[Arm, int]


def scenes(parts: Sequence[str], *, jobs: int, recorded: Sequence[Recorded], wanted: str = "") -> list[Scene]:
    """The scenes of these parts; of the recorded ones only where there are recorded runs.

    ``jobs`` is how many an arm runs in the calm world, from which the others follow; ``wanted`` keeps only the arms
    of these names, given with commas.
    """
    few, many = max(1, jobs // 10), jobs * 10
    core = (SEQUENTIAL, PARALLEL, *SECTIONED, *PIPELINED)
    november = [run.triple for run in recorded if run.month == _MONTH]
    everything = [run.triple for run in recorded]
    found = [
        Scene(World(NOMINAL, "none"), dict.fromkeys(ARMS, few)),
        Scene(World(CALM, "calm"), dict.fromkeys((*core, SEQUENTIAL_HEDGED, BEST_HEDGED), jobs)),
        Scene(
            World(TAIL, "tail"),
            {
                **dict.fromkeys((SEQUENTIAL, SEQUENTIAL_HEDGED), jobs),
                # The longest of so many is compared; hedges are made once a hundred of a kind were seen.
                **dict.fromkeys((BEST, BEST_HEDGED, BEST_DEADLINE, BEST_BOTH), many),
            },
        ),
        Scene(World(NOVEMBER, "replayed", november), dict.fromkeys(core, len(november))),
        Scene(
            World(RECORDED, "replayed", everything),
            dict.fromkeys((SEQUENTIAL, PARALLEL, BEST), len(everything)),
        ),
    ]
    kept = [
        replace(scene, arms={arm: n for arm, n in scene.arms.items() if n and named(arm, wanted)})
        for scene in found
        if scene.world.name in parts
    ]
    return [scene for scene in kept if scene.arms]


def named(arm: Arm, wanted: str) -> bool:
    """Whether an arm is among these names, given with commas; none asks for all."""
    return not wanted or arm.name in (name.strip() for name in wanted.split(","))
