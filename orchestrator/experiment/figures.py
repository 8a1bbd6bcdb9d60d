"""What a report holds: figures per arm, verdicts per pair, slices, and every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from orchestrator.contracts import LevelReport, Mode, Usage
from orchestrator.contracts.base import Frozen
from orchestrator.contracts.base import Sequence as AsTuple
from orchestrator.experiment.trial import Debate, Trial, Vote
from orchestrator.experiment.verdict import Judgement, Verdict


class Prices(Frozen):
    """Of a million tokens, in any currency. ``cached``: input that the provider's cache knew."""

    input: float
    output: float
    cached: float

    def of(self, usage: Usage) -> float:
        """What this usage costs; tokens that the endpoint did not count are priced as output."""
        fresh = usage.input_tokens - usage.cached_tokens
        spoken = usage.output_tokens + usage.estimated_tokens
        return (fresh * self.input + usage.cached_tokens * self.cached + spoken * self.output) / 1_000_000


class ArmReport(Frozen):
    """One arm over all its runs. Latencies (s) are of ``whole`` runs; ``low_s``..``high_s`` holds the mean at 95 %."""

    arm: str
    mode: Mode
    runs: int
    complete: int
    degraded: int
    failed: int
    whole: int
    evidence_ok: int
    reasons: Mapping[str, int]
    mean_s: float | None
    low_s: float | None
    high_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None
    levels: Annotated[tuple[LevelReport, ...], AsTuple]
    usage: Usage
    cost: float | None
    claims: int
    debate: Debate


class LevelTest(Frozen):
    """Goals whose answer is clean at a gate level in one arm and not in the other; ``p`` is McNemar's, exact."""

    level: int
    name: str
    wins: int
    losses: int
    p: float


class PreferenceReport(Frozen):
    """What a blind judge prefers of a pair, in goals; beside the pair's verdict, which it has no part in.

    ``asked`` were judged in both orders. ``ties`` includes ``same``: both answered the same, or neither did.
    ``unopposed`` are won or lost because one side delivered nothing, ``unknown`` the judge left open. Of those asked,
    ``turned`` changed with the order, to what was shown first or second; and of those decided, the longer answer won
    ``longer`` and the shorter ``shorter``.
    """

    judgement: Judgement
    asked: int
    ties: int
    same: int
    unopposed: int
    unknown: int
    turned: int
    to_first: int
    to_second: int
    longer: int
    shorter: int


class JudgeReport(Frozen):
    """Who judged and what it took; each of the ``votes`` is on one order of two answers.

    ``silences`` counts why it said nothing, each time that it was asked; their tokens are in ``usage`` too.
    """

    models: Annotated[tuple[str, ...], AsTuple]
    votes: int
    silences: Mapping[str, int]
    usage: Usage
    cost: float | None


class PairReport(Frozen):
    """One arm against another that stands before it in the list. ``more``: goals that a verdict would take."""

    reference: str
    candidate: str
    verdict: Verdict
    more: int | None
    judgements: Annotated[tuple[Judgement, ...], AsTuple]
    levels: Annotated[tuple[LevelTest, ...], AsTuple]
    preference: PreferenceReport | None = None


class SliceArm(Frozen):
    """One arm on a part of the goals."""

    arm: str
    runs: int
    whole: int
    evidence_ok: int
    mean_s: float | None


class Slice(Frozen):
    """A part of the goals: by complexity, or by the languages of goal and evidence. Too small for verdicts."""

    by: str
    value: str
    goals: int
    arms: Annotated[tuple[SliceArm, ...], AsTuple]


class Comparison(Frozen):
    """The whole report, as ``--json`` prints it. ``alpha`` is the two-sided error of each interval and exact test.

    ``alpha_preference`` is that of the judge's, whose verdicts are a family of their own.
    """

    seed: int
    goals: int
    arms: Annotated[tuple[ArmReport, ...], AsTuple]
    pairs: Annotated[tuple[PairReport, ...], AsTuple]
    slices: Annotated[tuple[Slice, ...], AsTuple]
    alpha: float
    margin_latency: float
    margin_rate: float
    margin_preference: float | None = None
    alpha_preference: float | None = None
    judge: JudgeReport | None = None
    models: Annotated[tuple[str, ...], AsTuple]
    texts: Mapping[str, str]
    trials: Annotated[tuple[Trial, ...], AsTuple]
    votes: Annotated[tuple[Vote, ...], AsTuple] = ()
