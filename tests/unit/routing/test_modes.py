"""Who decides the mode: the job, the deployment, the score; in this order."""

from typing import Literal

import pytest

from orchestrator.contracts import Complexity, Factor
from orchestrator.routing import choose


def scored(score: float, source: Literal["observed", "caller"] = "observed") -> Complexity:
    return Complexity(
        score=score,
        source=source,
        factors=(Factor(name="f", value=1.0, points=score, why="3 sub-questions"),),
    )


@pytest.mark.parametrize(
    ("requested", "setting", "score", "mode", "reason"),
    [
        ("parallel", "sequential", 9.0, "parallel", "the job asks"),
        ("sequential", "parallel", 1.0, "sequential", "the job asks"),
        ("auto", "parallel", 9.0, "parallel", "parallel_mode is parallel"),
        ("auto", "sequential", 1.0, "sequential", "parallel_mode is sequential"),
        ("auto", "auto", 4.99, "parallel", "below 5"),
        ("auto", "auto", 5.0, "sequential", "at or above 5"),
        ("auto", "auto", 10.0, "sequential", "3 sub-questions"),
    ],
)
def test_the_mode_and_its_reason(requested, setting, score, mode, reason):
    chosen, why = choose(requested, setting, scored(score), 5.0)
    assert chosen == mode
    assert reason in why


def test_the_reason_says_when_the_caller_set_the_score():
    assert "set by the caller" in choose("auto", "auto", scored(7.0, "caller"), 5.0)[1]


def test_the_boundary_moves_the_choice():
    assert choose("auto", "auto", scored(4.0), 3.0)[0] == "sequential"
