"""Which mode a job runs in, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.contracts import Assignment, Complexity, Consideration, Lesson, Mode, RequestedMode
from orchestrator.contracts.lesson import TaughtMode
from orchestrator.routing.outlook import Outlook, Terms, consider, evidence_of

EVEN = 50.0
"""Percent of the jobs assigned at random that run in the faster mode: what tells two modes apart with the fewest."""
NO_LOT = 100.0
"""The lot of a job that is not to be assigned at random."""


@dataclass(frozen=True)
class Steering:
    """What a staged rollout says: ``share`` percent of the eligible jobs run in ``to_mode``, the others as before.

    ``rollout`` is the one that counts them; ``None`` once it has ended, while what it came to stays in force.
    """

    from_mode: Mode
    to_mode: Mode
    share: float
    rollout: str | None = None


@dataclass(frozen=True)
class Policy:
    """A deployment's rules for choosing a mode.

    ``override`` is the operators' switch; with ``force`` it beats the mode that a job asks for, too. ``default`` is the
    setting ``parallel_mode``. Where neither names a mode, the complexity score decides: below ``boundary`` a job may
    run parallel, and where it meets the ``terms`` pipelined; ``share`` percent of such jobs do, the others run
    sequential. A lesson (``taught``) on the models in use replaces ``boundary``. A rollout's ``steering``
    replaces ``share``, and then pipelined runs only where the rollout names it. ``explore`` percent of the jobs that
    are left to the score are assigned at random.
    """

    default: RequestedMode = "auto"
    boundary: float = 5.0
    share: float = 100.0
    override: RequestedMode | None = None
    force: bool = False
    steering: Steering | None = None
    explore: float = 0.0
    terms: Terms = field(default_factory=Terms)
    taught: Mapping[TaughtMode, Lesson] = field(default_factory=dict)

    @property
    def asks_the_score(self) -> bool:
        """Whether a job that asks for auto is decided by its score, and not by the switch or a setting."""
        return self.default == "auto" if self.override is None else self.override == "auto"


@dataclass(frozen=True)
class Choice:
    """A job's mode, the reason in words, its assignment where the share decided, and what was considered."""

    mode: Mode
    reason: str
    assignment: Assignment | None = None
    considered: tuple[Consideration, ...] = ()


def draw_for(tenant: str, task_id: str) -> float:
    """A job's own number in [0, 100): a hash, so evenly spread over jobs and the same on every worker.

    It does not depend on the share: raising the share moves more jobs to the faster mode and none back.
    """
    return _number("parallel-share", tenant, task_id)


def lot_for(tenant: str, task_id: str) -> float:
    """As ``draw_for``, and independent of it: whether a job is assigned at random, and to which side."""
    return _number("explore", tenant, task_id)


def _number(what: str, tenant: str, task_id: str) -> float:
    digest = hashlib.sha256(f"{what}/{tenant}/{task_id}".encode()).digest()
    return int.from_bytes(digest[:4]) * 100 / 2**32


def choose(
    requested: RequestedMode,
    complexity: Complexity,
    policy: Policy,
    draw: float,
    outlook: Outlook | None = None,
    *,
    lot: float = NO_LOT,
) -> Choice:
    """Choose: a forced switch, the job's own wish, the switch, the deployment's setting, then the score and the share.

    Below the boundary the personas may run side by side; from it on the antithesis should see the thesis. Pipelined
    gives both, and is considered only where there is an ``outlook``.
    """
    if policy.override in ("sequential", "parallel", "pipelined") and (policy.force or requested == "auto"):
        return Choice(policy.override, f"the fleet is switched to {policy.override} (triptych mode)")
    if requested != "auto":
        return Choice(requested, f"the job asks for {requested}")
    if not policy.asks_the_score and policy.default != "auto":
        return Choice(policy.default, f"parallel_mode is {policy.default} for this deployment")
    return _by_score(complexity, policy, draw, outlook, lot)


def _by_score(
    complexity: Complexity, policy: Policy, draw: float, outlook: Outlook | None, lot: float
) -> Choice:
    eligible, why = _below_the_boundary(complexity, policy)
    exploring = lot < policy.explore and policy.steering is None
    faster: Mode | None = "parallel" if eligible else None
    considered: tuple[Consideration, ...] = ()
    if outlook is not None and policy.steering is None:
        lesson = policy.taught.get("pipelined")
        otherwise = "sequential" if faster is None or exploring else faster
        considered = consider(complexity, outlook, policy.terms, lesson, otherwise, exploring=exploring)
        lacking = next((each for each in considered if not each.met), None)
        if lacking is None:
            told = {each.code: each.detail for each in considered}
            faster, why = "pipelined", f"claim by claim is fastest: {told['gain']}; {told['slots']}"
        elif lacking.code != "allowed":
            why += f". Not claim by claim: {lacking.detail}"
    if exploring:
        return _at_random(faster or "parallel", lot, policy.explore, considered)
    if faster is None:
        return Choice("sequential", why, considered=considered)
    by = policy.steering or Steering("sequential", faster, policy.share)
    arm = by.to_mode if draw < by.share else by.from_mode
    assignment = Assignment(arm=arm, share=by.share, draw=draw, rollout=by.rollout)
    if by.share < 100 or policy.steering:
        side = "one of" if draw < by.share else "not one of"
        how = f"that a rollout runs {by.to_mode}" if policy.steering else "that run so"
        why += f"; {side} the {by.share:g} % of such jobs {how}"
    return Choice(arm, why, assignment, considered)


def _at_random(faster: Mode, lot: float, explore: float, considered: tuple[Consideration, ...]) -> Choice:
    draw = min(100 * lot / explore, 99.999)
    sequence: Mode = "sequential"
    arm, other = (faster, sequence) if draw < EVEN else (sequence, faster)
    assignment = Assignment(arm=arm, share=EVEN, draw=draw, other=other, probability=0.5)
    why = (
        f"one of the {explore:g} % of jobs that are assigned at random, to learn from: {arm}, and not {other}"
    )
    return Choice(arm, why, assignment, considered)


def _below_the_boundary(complexity: Complexity, policy: Policy) -> tuple[bool, str]:
    lesson = policy.taught.get("parallel")
    boundary = policy.boundary if lesson is None else lesson.boundary
    factor = "set by the caller" if complexity.source == "caller" else _main_factor(complexity)
    learned = f" (learned from {evidence_of(lesson)})" if lesson else ""
    score, bound = f"complexity {complexity.score:g} ({factor})", f"{boundary:g}{learned}"
    if complexity.score >= boundary:
        return False, f"{score} is at or above {bound}: the antithesis should see the thesis"
    return True, f"{score} is below {bound}: side by side is faster"


def _main_factor(complexity: Complexity) -> str:
    if not complexity.factors:
        return "nothing observed"
    top = max(complexity.factors, key=lambda factor: factor.points)
    return top.why
