"""What is compared: Triptych's modes with the settings that make arms of them, and what users would pick instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Literal, get_args

from benchmarks.latency.world import MERGE, NOMINAL, Job, Mode, Triple
from orchestrator.contracts import RequestedMode
from orchestrator.settings import Settings

Rival = Literal["threads", "chord", "langgraph"]


@dataclass(frozen=True)
class Arm:
    """One side. ``settings`` are its workers', shared by arms that have the same. A ``rival`` has none of ours."""

    name: str
    mode: Mode
    claims: int = 6
    settings: tuple[tuple[str, str], ...] = ()
    rival: Rival | None = None
    merge: float = MERGE
    sections: int = 1

    @property
    def learns(self) -> bool:
        """Whether it does something only once its fleet has seen other jobs: hedges are made of what was learned."""
        return dict(self.settings).get("HEDGE", "off") != "off"

    def lacks(self) -> str:
        """What this version, or this machine, has not got for it; empty where it has all."""
        if self.rival == "langgraph" and find_spec("langgraph") is None:
            return "langgraph is not installed (it is in no lock; pip install langgraph)"
        if self.rival:
            return ""
        if self.mode not in get_args(RequestedMode):
            return f"this version has no mode {self.mode}"
        unknown = [name for name, _ in self.settings if name.lower() not in Settings.model_fields]
        return f"this version has no setting {', '.join(unknown)}" if unknown else ""

    def job(self, world: World, number: int) -> Job:
        """The arm's n-th job in a world: the same luck in every arm."""
        run = f"{self.name}/{world.name}".replace(" ", "_")
        triple = world.triple(number)
        return Job(run, number, self.mode, triple, world.weather, self.claims, self.merge, self.sections)


@dataclass(frozen=True)
class World:
    """What the models are like: how long personas take and how much luck there is."""

    name: str
    weather: str
    triples: Sequence[Triple] = field(default=(NOMINAL,), repr=False)

    @property
    def has_luck(self) -> bool:
        """Whether some calls are slower than others."""
        return self.weather != "none"

    def triple(self, number: int) -> Triple:
        """What job ``number`` (from 0) takes in sequence; recorded ones are gone through in order."""
        return self.triples[number % len(self.triples)]

    def __str__(self) -> str:
        if len(self.triples) > 1:
            return f"{self.name}: {len(self.triples)} recorded runs, replayed"
        return f"{self.name}: {self.triples[0]}"


NO_HEDGE = (("HEDGE", "off"),)
HEDGED = (("HEDGE", "same"),)
MERGE_S = "PIPELINE_MERGE_S"
DEADLINE = ((MERGE_S, "18"),)
"""In s, at scale 1: then the merge goes ahead with what is there."""

SEQUENTIAL = Arm("sequential", "sequential")
PARALLEL = Arm("parallel", "parallel")
SECTIONED = tuple(Arm(f"parallel + {n} sections", "parallel", sections=n) for n in (2, 3, 4))
PIPELINED = tuple(Arm(f"pipelined {n}", "pipelined", n) for n in (3, 4, 5, 6))
BEST = PIPELINED[-1]
LONG_MERGE = Arm("pipelined 6 + long merge", "pipelined", merge=0.3)
SEQUENTIAL_HEDGED = Arm("sequential + hedges", "sequential", settings=HEDGED)
BEST_HEDGED = Arm("pipelined 6 + hedges", "pipelined", settings=HEDGED)
BEST_DEADLINE = Arm("pipelined 6 + deadline", "pipelined", settings=DEADLINE)
BEST_BOTH = Arm("pipelined 6 + hedges + deadline", "pipelined", settings=(*HEDGED, *DEADLINE))
RIVALS = (
    Arm("ThreadPoolExecutor", "parallel", rival="threads"),
    Arm("naive Celery chord", "parallel", rival="chord"),
    Arm("LangGraph", "parallel", rival="langgraph"),
)
ARMS = (
    SEQUENTIAL,
    SEQUENTIAL_HEDGED,
    PARALLEL,
    *SECTIONED,
    *PIPELINED,
    LONG_MERGE,
    BEST_HEDGED,
    BEST_DEADLINE,
    BEST_BOTH,
    *RIVALS,
)
"""All, in the order of the report."""


def environment(settings: Iterable[tuple[str, str]], scale: float = 1.0) -> Mapping[str, str]:
    """An arm's settings as its workers' environment. Where it names no hedge there is none; seconds are scaled."""
    named = dict((*NO_HEDGE, *settings))
    if MERGE_S in named:
        named[MERGE_S] = str(float(named[MERGE_S]) / scale)
    return {f"TRIPTYCH_{name}": value for name, value in named.items()}
