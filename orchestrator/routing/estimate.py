"""How long a job takes in each mode and what it costs, reckoned from what its steps take. Pure.

Until it is known better, a rebuttal of one of n claims is taken to write the antithesis' nth part and 10 % more, a
resolution likewise of the 85 % of the synthesis that the merge leaves, a critic 60 % of the antithesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.contracts import Mode
from orchestrator.routing.flow import (
    ANTITHESIS,
    ANTITHESIS_STANDALONE,
    CRITIC,
    REBUTTAL,
    RESOLUTION,
    SYNTHESIS,
    THESIS,
)

MERGE = "merge"
"""The short synthesis of a pipelined job, as the fleet learns of it."""
MORE_IN_PARTS = 1.1
MERGE_SHARE = 0.15
CRITIC_SHARE = 0.6
"""Of the antithesis, and of the tokens it may take: at full length the critic is what a pipelined job waits for."""
INPUT_PRICE, CACHED_PRICE = 0.2, 0.02
"""Of a token that is read, and of one that the provider's cache had, in tokens that are written."""


@dataclass(frozen=True)
class StepFigures:
    """A call of one kind of step: times in s (median), tokens (mean); ``cached`` is part of ``input``."""

    first_s: float
    whole_s: float
    input: float
    cached: float
    output: float

    @property
    def price(self) -> float:
        """What it costs, in tokens that are written."""
        return (self.input - self.cached) * INPUT_PRICE + self.cached * CACHED_PRICE + self.output

    def part(self, share: float, *, reads: float = 0.0) -> StepFigures:
        """A call that writes this share of it, and reads so many tokens instead, as many of them from the cache."""
        spoken_s = max(0.0, self.whole_s - self.first_s)
        return replace(
            self,
            whole_s=self.first_s + share * spoken_s,
            input=reads or self.input,
            cached=min(self.cached, reads or self.input),
            output=share * self.output,
        )


Figures = Mapping[str, StepFigures]
"""By kind of step; ``merge`` is the synthesis of a pipelined job."""

NOMINAL: Figures = {
    THESIS: StepFigures(0.7, 4.5, 1_500, 0, 228),
    ANTITHESIS: StepFigures(0.7, 10.8, 1_728, 0, 606),
    SYNTHESIS: StepFigures(0.7, 14.2, 2_334, 0, 810),
}
"""What is reckoned with until a fleet has learned better."""


@dataclass(frozen=True)
class Estimate:
    """Of one job: ``seconds`` by mode, ``cost`` of pipelined relative to sequential; ``learned`` or nominal figures."""

    seconds: Mapping[Mode, float]
    cost: float
    learned: bool


def estimate(learned: Figures, claims: int) -> Estimate:
    """Reckon with what was learned, where all three personas are among it, or else with nominal personas."""
    whole = {ANTITHESIS: learned[ANTITHESIS_STANDALONE]} if ANTITHESIS_STANDALONE in learned else {}
    whole |= {step: figures for step, figures in learned.items() if step in NOMINAL}
    is_learned = whole.keys() == NOMINAL.keys()
    known = {**learned, **whole} if is_learned else NOMINAL
    thesis, antithesis, synthesis = known[THESIS], known[ANTITHESIS], known[SYNTHESIS]
    parts = _parts(known, max(1, claims))
    rebuttal, resolution, merge = parts[REBUTTAL], parts[RESOLUTION], parts[MERGE]
    in_sequence = thesis.price + antithesis.price + synthesis.price
    in_parts = thesis.price + claims * (rebuttal.price + resolution.price) + parts[CRITIC].price + merge.price
    return Estimate(
        seconds={
            "sequential": thesis.whole_s + antithesis.whole_s + synthesis.whole_s,
            "parallel": max(thesis.whole_s, antithesis.whole_s) + synthesis.whole_s,
            "pipelined": thesis.whole_s + rebuttal.whole_s + resolution.whole_s + merge.whole_s,
        },
        cost=in_parts / in_sequence if in_sequence > 0 else 1.0,
        learned=is_learned,
    )


def _parts(known: Figures, claims: int) -> Figures:
    """The steps of a pipelined job: as learned, or else as parts of the whole ones."""
    thesis, antithesis, synthesis = known[THESIS], known[ANTITHESIS], known[SYNTHESIS]
    prompt, one = thesis.input, 1 / claims
    share = MORE_IN_PARTS * one
    rebuttal = antithesis.part(share, reads=prompt + thesis.output * one)
    settled = (1 - MERGE_SHARE) * share
    resolution = synthesis.part(settled, reads=prompt + thesis.output * one + rebuttal.output)
    reckoned = {
        CRITIC: antithesis.part(CRITIC_SHARE, reads=prompt),
        REBUTTAL: rebuttal,
        RESOLUTION: resolution,
        MERGE: synthesis.part(MERGE_SHARE, reads=prompt + claims * resolution.output),
    }
    return reckoned | {step: known[step] for step in reckoned if step in known}
