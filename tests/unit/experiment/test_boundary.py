"""The router's boundary: learnt at a stated risk, refused with too few goals, and never bought with a loss."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.experiment import Trial
from orchestrator.experiment.boundary import Learnt, learn_boundary
from tests.unit.experiment.runs import CANDIDATE, trial


def pair(n: int, score: float | None, *, held: bool = True, reference_held: bool = True) -> list[Trial]:
    return [
        trial(f"g{n}", complexity=score, evidence_ok=reference_held),
        trial(f"g{n}", CANDIDATE, complexity=score, evidence_ok=held, latency_s=15.0),
    ]


def learnt(*pairs: list[Trial], risk: float = 0.02) -> Learnt:
    runs = [each for both in pairs for each in both]
    return learn_boundary(runs, reference="sequential", candidate="parallel", risk=risk)


@pytest.mark.parametrize(("risk", "least"), [(0.02, 49), (0.05, 19), (0.1, 9), (0.01, 99)])
def test_a_risk_takes_so_many_goals_without_a_loss(risk, least):
    few = learnt(*(pair(n, 3.0) for n in range(least - 1)), risk=risk)
    assert (few.boundary, few.more) == (None, 1)
    enough = learnt(*(pair(n, 3.0) for n in range(least)), risk=risk)
    assert (enough.boundary, enough.more) == (10.0, 0)


def test_the_boundary_stays_below_the_scores_that_are_lost():
    found = learnt(*(pair(n, n / 10, held=n / 10 < 6.2) for n in range(100)))
    # One loss among a hundred is a risk of 2 / 101, and two are more than 2 %.
    assert found.boundary == 6.0
    at = {step.boundary: step for step in found.steps}
    assert (at[6.0].lost, at[6.5].lost) == (0, 3)
    assert at[6.0].goals == 60
    assert at[6.0].risk == pytest.approx(1 / 101)
    assert at[6.5].risk == pytest.approx(4 / 101)
    assert at[6.0].saved_s == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("held", "reference_held", "lost"), [(False, True, 1), (False, False, 0), (True, False, 0)]
)
def test_lost_is_what_the_slower_arm_would_have_held(held, reference_held, lost):
    assert learnt(pair(1, 2.0, held=held, reference_held=reference_held)).steps[-1].lost == lost


def test_a_lost_persona_is_a_loss_too_and_goals_without_score_or_partner_say_nothing():
    both = pair(1, 2.0)
    both[1] = both[1].model_copy(update={"whole": False})
    found = learnt(both, pair(2, None), pair(3, 4.0)[:1])
    assert (found.goals, found.steps[-1].lost) == (1, 1)


def test_of_nothing_nothing_is_learnt():
    assert (learnt().boundary, learnt().more) == (None, 49)


@given(st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=120), st.sampled_from([0.02, 0.1]))
def test_the_risk_never_falls_with_the_boundary_and_the_chosen_one_keeps_it(found, risk):
    result = learnt(*(pair(n, score, held=held) for n, (score, held) in enumerate(found)), risk=risk)
    risks = [step.risk for step in result.steps]
    assert risks == sorted(risks)
    if result.boundary is not None:
        assert next(step.risk for step in result.steps if step.boundary == result.boundary) <= risk


def test_the_next_job_is_lost_as_seldom_as_promised():
    """Goals whose loss grows with their score; the boundary learnt from 60 is tried on one more."""
    rng, lost = Random(4), 0

    def goal(n: int) -> tuple[float, bool, list[Trial]]:
        score = rng.uniform(0, 10)
        held = rng.random() >= (score / 10) ** 3
        return score, held, pair(n, score, held=held)

    for _ in range(400):
        found = learnt(*(goal(n)[2] for n in range(60)), risk=0.1)
        score, held, _ = goal(99)
        lost += found.boundary is not None and score < found.boundary and not held
    assert lost <= 0.1 * 400 + 12
