"""What a rollout does next: one pure function of what was asked for, where it is, what was counted, and the time.

The guard comes first, before any hold, minimum or pause. A promotion has to be earned: time, jobs, and bounds that
say that the new arm fails no more often and is no slower, within the margins. No data is a hold, and so is silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from orchestrator.contracts.rollout import Move, RolloutSpec, RolloutStatus
from orchestrator.rollout.bounds import excess, slower_by
from orchestrator.rollout.guard import THRESHOLD, evidence
from orchestrator.rollout.tally import ArmTally, StageTally, Tallies

UNDER_WAY = ("running", "paused")
_MOST_MORE = 1_000_000


@dataclass(frozen=True)
class Transition:
    """The rollout moves, and why."""

    move: Move
    why: str


@dataclass(frozen=True)
class Hold:
    """The rollout stays where it is; ``waits`` is everything that it waits for."""

    waits: tuple[str, ...]

    @property
    def why(self) -> str:
        """All of it in one sentence."""
        return "; ".join(self.waits)


@dataclass(frozen=True)
class Reading:
    """What the tallies say at a stage.

    ``evidence`` is the guard's E, of the whole rollout. The rest is of the stage's own jobs: the control of a stage
    that leaves none (100 %) is the stage's before, at ``control_share``. ``excess`` is the upper 95 % bound of how much
    more often the canary fails, ``slower`` of how much longer its mean is as a share of the control's; ``None`` where
    there is nothing to tell it from.
    """

    evidence: float
    canary: ArmTally
    control: ArmTally
    control_share: float
    excess: float | None
    slower: float | None


def read(spec: RolloutSpec, stage: int, tallies: Tallies) -> Reading:
    """Work out what is known at a stage."""
    share = spec.stages[stage].share
    against = spec.stages[stage - 1].share if share >= 100 and stage else share
    canary = tallies.get(share, StageTally()).canary
    control = tallies.get(against, StageTally()).control
    known = canary.jobs and control.jobs
    return Reading(
        evidence=evidence(
            (at / 100, both.canary.failures, both.control.failures) for at, both in tallies.items()
        ),
        canary=canary,
        control=control,
        control_share=against,
        excess=excess((canary.failures, canary.jobs), (control.failures, control.jobs)) if known else None,
        slower=slower_by(canary.seconds, control.seconds),
    )


def decide(spec: RolloutSpec, status: RolloutStatus, tallies: Tallies, now_ms: int) -> Transition | Hold:
    """Decide. ``now_ms`` is Redis TIME, epoch; the same four values give the same answer, today or from the ledger."""
    if status.phase not in UNDER_WAY:
        return Hold((f"it is {status.phase.replace('_', ' ')}, until somebody starts another",))
    reading = read(spec, status.stage, tallies)
    if reading.evidence >= THRESHOLD:
        return Transition("roll_back", _alarm(spec, tallies, reading.evidence))
    if status.phase == "paused":
        return Hold(("paused; the guard goes on",))
    waits = tuple(_lacking(spec, status, reading, now_ms))
    if waits:
        return Hold(waits)
    stage = spec.stages[status.stage]
    why = f"{reading.canary.jobs} jobs at {stage.share:g} %, {_rates(reading.canary, reading.control)}: "
    why += f"it fails at most {_points(reading.excess)} more often (95 %)"
    last = status.stage + 1 == len(spec.stages)
    return Transition("complete" if last else "advance", why)


def _lacking(spec: RolloutSpec, status: RolloutStatus, reading: Reading, now_ms: int) -> Iterator[str]:
    stage = spec.stages[status.stage]
    left_s = stage.hold_s - (now_ms - status.since_ms) / 1_000
    if left_s > 0:
        yield f"{_duration(left_s)} of the {_duration(stage.hold_s)} at {stage.share:g} %"
    canary, control = reading.canary, reading.control
    arms = ((canary, spec.to_mode, stage.share), (control, spec.from_mode, reading.control_share))
    for arm, mode, share in arms:
        if arm.jobs < stage.count:
            yield f"{stage.count - arm.jobs} of {stage.count} {mode} jobs at {share:g} %"
    if reading.excess is None:
        yield "failures of both arms to compare"
    elif reading.excess >= spec.margin:
        more = _more_jobs(canary, control, spec.margin)
        yield (
            f"the bound on the excess failure rate, {_points(reading.excess)}, has to be below "
            f"{_points(spec.margin)}"
            + (f" (about {more:,} more {spec.to_mode} jobs, if none of them fails)" if more else "")
        )
    if reading.slower is None:
        yield "latencies of both arms to compare"
    elif reading.slower > spec.slower:
        yield (
            f"the bound on the mean latency, {100 * reading.slower:+.0f} % against {spec.from_mode}, "
            f"has to be {100 * spec.slower:+.0f} % at most"
        )


def _more_jobs(canary: ArmTally, control: ArmTally, margin: float) -> int | None:
    """How many more jobs of the canary it takes, all else as it is, if none of them fails."""

    def enough(more: int) -> bool:
        return excess((canary.failures, canary.jobs + more), (control.failures, control.jobs)) < margin

    high = 1
    while not enough(high):
        high *= 2
        if high > _MOST_MORE:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _alarm(spec: RolloutSpec, tallies: Tallies, found: float) -> str:
    canary = sum(both.canary.failures for both in tallies.values())
    control = sum(both.control.failures for both in tallies.values())
    shares = "; ".join(
        f"at {share:g} % {both.canary.failures} of {both.canary.jobs} against {both.control.failures} of "
        f"{both.control.jobs}"
        for share, both in tallies.items()
    )
    return (
        f"E = {found:.3g} reached {THRESHOLD:g}: {canary} {spec.to_mode} and {control} {spec.from_mode} jobs "
        f"failed ({shares})"
    )[:500]


def _rates(canary: ArmTally, control: ArmTally) -> str:
    return f"{canary.failures} failed, control {control.failures} of {control.jobs}"


def _points(rate: float | None) -> str:
    return "unknown" if rate is None else f"{100 * rate:.1f} points"


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{ceil(seconds)} s"
