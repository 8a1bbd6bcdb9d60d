"""When ``auto`` runs a job claim by claim: one table. What is not known counts against it; sequence is always left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.contracts import Assignment, Complexity, Factor, Lesson
from orchestrator.routing.estimate import StepFigures
from orchestrator.routing.modes import Choice, Policy, Steering, choose, draw_for, lot_for
from orchestrator.routing.outlook import Outlook, Room, Terms, lacks_only_room
from orchestrator.routing.questions import derivations

MODELS = ("openai:a", "openai:a", "openai:b")
GOOD = Outlook(claims=6, room=Room(slots=20, jobs=3, pipelined=1))
ON = Policy(terms=Terms(allowed="on"), share=100)
PERSONAS = ("thesis", "antithesis", "synthesis")
SLOW_TO_BEGIN = StepFigures(first_s=8.0, whole_s=9.0, input=1_500, cached=0, output=60)
LONG_PROMPTS = StepFigures(first_s=0.7, whole_s=9.0, input=9_000, cached=0, output=500)


def lesson(mode: Any = "pipelined", boundary: float = 7.0, **fields: Any) -> Lesson:
    known = {
        "risk": 0.02,
        "source": "comparison",
        "jobs": 120,
        "lost": 0,
        "who": "ada",
        "why": "x",
        "since_ms": 1,
    }
    return Lesson(mode=mode, models=MODELS, boundary=boundary, **{**known, **fields})


def chosen(
    score: float = 6.0, policy: Policy = ON, outlook: Outlook | None = GOOD, draw: float = 0.0
) -> Choice:
    factors = (Factor(name="f", value=1.0, points=score, why="3 sub-questions"),)
    complexity = Complexity(score=score, source="observed", factors=factors)
    return choose("auto", complexity, policy, draw, outlook)


LEARNED = replace(ON, terms=Terms(), taught={"pipelined": lesson()})


@pytest.mark.parametrize(
    ("what", "score", "policy", "outlook", "mode", "lacks"),
    [
        ("all is well, above the boundary of parallel too", 6.0, ON, GOOD, "pipelined", None),
        ("not asked", 6.0, ON, None, "sequential", None),
        ("no comparison yet", 6.0, Policy(share=100), GOOD, "sequential", "allowed"),
        ("no comparison yet, and simple", 3.0, Policy(share=100), GOOD, "parallel", "allowed"),
        ("switched off, whatever was learned", 6.0, replace(LEARNED, terms=Terms(allowed="off")), GOOD, "sequential",
         "allowed"),
        ("learned", 6.9, LEARNED, GOOD, "pipelined", None),
        ("learned, and beyond", 7.0, LEARNED, GOOD, "sequential", "boundary"),
        ("allowed by hand, a lesson's boundary counts", 7.0, replace(LEARNED, terms=Terms(allowed="on")), GOOD,
         "sequential", "boundary"),
        ("learned of another mode", 3.0, replace(LEARNED, taught={"parallel": lesson("parallel", 2.0)}), GOOD,
         "sequential", "allowed"),
        ("thin evidence", 3.0, ON, replace(GOOD, claims=2), "parallel", "claims"),
        ("claims that follow from each other", 6.0, ON, replace(GOOD, derivations=1), "sequential", "independent"),
        ("a model that thinks for long before each answer", 3.0, ON,
         replace(GOOD, figures=dict.fromkeys(PERSONAS, SLOW_TO_BEGIN)), "parallel", "gain"),
        ("too dear", 3.0, replace(ON, terms=Terms("on", ceiling=2.5)), GOOD, "parallel", "cost"),
        ("dear enough for the ceiling with fewer claims", 3.0, replace(ON, terms=Terms("on", ceiling=2.5)),
         replace(GOOD, claims=5), "pipelined", None),
        ("long prompts that no cache has", 3.0, ON,
         replace(GOOD, figures=dict.fromkeys(PERSONAS, LONG_PROMPTS)), "parallel", "cost"),
        ("two slots", 3.0, ON, replace(GOOD, room=Room(slots=2)), "parallel", "slots"),
        ("three slots", 3.0, ON, replace(GOOD, room=Room(slots=3)), "pipelined", None),
        ("three that others have", 6.0, ON, replace(GOOD, room=Room(slots=3, jobs=1)), "sequential", "slots"),
        ("nine, of which two jobs take six", 6.0, ON, replace(GOOD, room=Room(slots=9, jobs=2, pipelined=2)),
         "pipelined", None),
        ("nobody says how many", 6.0, ON, replace(GOOD, room=None), "sequential", "slots"),
    ],
)  # fmt: skip
def test_the_table(what, score, policy, outlook, mode, lacks):
    choice = chosen(score, policy, outlook)
    assert choice.mode == mode, what
    assert next((each.code for each in choice.considered if not each.met), None) == lacks, what
    if mode == "pipelined":
        assert "claim by claim is fastest" in choice.reason
        assert choice.assignment == Assignment(arm="pipelined", share=100, draw=0.0)
    elif lacks == "allowed":
        assert "laim by claim" not in choice.reason, "whom nothing was promised is not told what is missing"
    elif lacks:
        told = next(each.detail for each in choice.considered if each.code == lacks)
        assert choice.reason.endswith(f"Not claim by claim: {told}")


def test_what_was_found_is_told_in_figures():
    told = {each.code: each.detail for each in chosen(3.0, LEARNED).considered}
    assert told == {
        "allowed": "learned from 120 goals of a comparison, at a risk of 2 %",
        "boundary": "complexity 3 is below 7, as was learned for it",
        "claims": "the evidence carries 6 claims, 3 are the least",
        "independent": "the goal asks for no claims that follow from each other",
        "gain": "about 12.6 s against 25.0 s parallel (nominal durations, none learned yet)",
        "cost": "tokens cost 2.54 x those of sequential, 2.6 x is the ceiling",
        "slots": "15 of 20 slots are free, it takes 3",
    }


def test_the_share_takes_as_many_of_these_jobs_as_of_the_others_and_the_same_ones():
    policy = replace(ON, share=20)
    assert chosen(policy=policy, draw=19.9).mode == "pipelined"
    spared = chosen(policy=policy, draw=20.0)
    assert (spared.mode, spared.assignment) == (
        "sequential",
        Assignment(arm="sequential", share=20, draw=20.0),
    )
    assert "not one of the 20 % of such jobs" in spared.reason


@pytest.mark.parametrize("score", [1.0, 6.0])
def test_a_rollout_alone_says_what_its_jobs_run_in(score):
    policy = replace(ON, steering=Steering("sequential", "parallel", 50.0, "r0123456789ab"))
    assert chosen(score, policy) == chosen(score, policy, None)


@pytest.mark.parametrize(
    ("requested", "policy", "mode"),
    [
        ("parallel", ON, "parallel"),
        ("auto", replace(ON, override="sequential"), "sequential"),
        ("auto", replace(ON, default="sequential"), "sequential"),
    ],
)
def test_whoever_stands_above_the_score_is_obeyed(requested, policy, mode):
    complexity = Complexity(score=1.0, source="caller")
    choice = choose(requested, complexity, policy, 0.0, GOOD)
    assert (choice.mode, choice.considered) == (mode, ())


@pytest.mark.parametrize(("boundary", "mode"), [(7.0, "parallel"), (5.0, "sequential")])
def test_what_was_learned_of_parallel_stands_in_the_place_of_the_setting(boundary, mode):
    policy = Policy(share=100, boundary=9.0, taught={"parallel": lesson("parallel", boundary, source="live")})
    choice = chosen(6.0, policy)
    assert choice.mode == mode
    assert f"{boundary:g} (learned from 120 jobs assigned at random, at a risk of 2 %)" in choice.reason


@pytest.mark.parametrize(
    ("outlook", "asked"),
    [
        (replace(GOOD, room=None), True),
        (replace(GOOD, room=None, claims=1), False),
        (replace(GOOD, room=Room(0)), False),
        (GOOD, False),
    ],
)
def test_slots_are_only_looked_for_where_nothing_else_is_lacking(outlook, asked):
    assert lacks_only_room(chosen(outlook=outlook).considered) is asked


@given(
    st.floats(0, 10),
    st.integers(0, 200),
    st.integers(0, 3),
    st.integers(0, 500),
    st.integers(0, 500),
    st.dictionaries(
        st.sampled_from(["thesis", "antithesis", "synthesis", "rebuttal", "merge"]),
        st.builds(StepFigures, *[st.floats(0, 1e6)] * 5),
    ),
)
def test_whatever_was_learned_there_is_a_mode(score, claims, words, slots, jobs, figures):
    outlook = Outlook(claims, words, figures, Room(slots, jobs))
    choice = chosen(score, ON, outlook)
    assert choice.mode == "pipelined" or any(not each.met for each in choice.considered)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("Should we move to four-day weeks?", 0),
        ("Work out step by step what the queue costs in three years.", 2),
        ("Calculate the yearly cost.", 1),
        ("이벤트 큐로 옮겨야 하는가?", 0),
        ("3년 비용을 단계별로 계산하라.", 2),
    ],
)
def test_goals_that_ask_for_one_thing_after_another(goal, words):
    assert derivations(goal) == words


EXPLORING = replace(ON, explore=4)


@pytest.mark.parametrize(
    ("what", "score", "policy", "outlook", "lot", "mode", "other"),
    [
        ("the first half runs faster", 6.0, EXPLORING, GOOD, 1.9, "pipelined", "sequential"),
        ("the second does not", 6.0, EXPLORING, GOOD, 2.0, "sequential", "pipelined"),
        (
            "beyond what was learned, too",
            9.0,
            replace(LEARNED, explore=4),
            GOOD,
            0.0,
            "pipelined",
            "sequential",
        ),
        (
            "beyond the boundary, too",
            9.0,
            replace(EXPLORING, terms=Terms()),
            GOOD,
            0.0,
            "parallel",
            "sequential",
        ),
        ("without foresight", 9.0, EXPLORING, None, 3.9, "sequential", "parallel"),
        ("no room", 9.0, EXPLORING, replace(GOOD, room=Room(2)), 0.0, "parallel", "sequential"),
    ],
)
def test_some_jobs_are_assigned_at_random_whatever_their_complexity(
    what, score, policy, outlook, lot, mode, other
):
    complexity = Complexity(score=score, source="observed")
    choice = choose("auto", complexity, policy, 99.0, outlook, lot=lot)
    assert (choice.mode, choice.assignment) == (
        mode,
        Assignment(arm=mode, share=50, draw=100 * lot / 4, other=other, probability=0.5),
    ), what
    assert (
        f"one of the 4 % of jobs that are assigned at random, to learn from: {mode}, and not {other}"
        in choice.reason
    )


@pytest.mark.parametrize(
    ("requested", "policy", "lot"),
    [
        ("auto", EXPLORING, 4.0),
        ("auto", ON, 0.0),
        ("parallel", EXPLORING, 0.0),
        ("auto", replace(EXPLORING, override="sequential"), 0.0),
        ("auto", replace(EXPLORING, default="parallel"), 0.0),
        ("auto", replace(EXPLORING, steering=Steering("sequential", "parallel", 50.0, "r0123456789ab")), 0.0),
    ],
)
def test_no_other_job_is(requested, policy, lot):
    choice = choose(requested, Complexity(score=3.0, source="caller"), policy, 0.0, GOOD, lot=lot)
    assert choice.assignment is None or choice.assignment.probability is None


def test_lots_are_evenly_spread_and_have_nothing_to_do_with_draws():
    lots = [(lot_for("a", f"job{n}"), draw_for("a", f"job{n}")) for n in range(20_000)]
    explored = [draw for lot, draw in lots if lot < 10]
    assert abs(len(explored) - 2_000) < 4 * (20_000 * 0.09) ** 0.5
    assert abs(sum(draw < 50 for draw in explored) - len(explored) / 2) < 4 * (len(explored) / 4) ** 0.5
    assert (
        abs(sum(lot < 5 for lot, _ in lots if lot < 10) - len(explored) / 2) < 4 * (len(explored) / 4) ** 0.5
    )
