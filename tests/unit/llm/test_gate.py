"""When a waiting call asks again, and what a call's end says: decisions as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import JobCancelled, ModelError, RetryableModelError
from orchestrator.store.endpoints import Turn
from workers.llm.consequences import ANOTHER_MODEL_MAY_HELP, SILENCE_S, cooling_s, said
from workers.llm.gate import LEAST_S, REASK_S, SPREAD_S, next_ask

OK, FAILED, NOTHING = ("ok", "ok"), ("ok", "failed"), ("nothing", "nothing")


@pytest.mark.parametrize(
    ("turn", "remaining_s", "jitter", "wait_s"),
    [
        (Turn("full"), 60, 0.5, REASK_S),
        (Turn("full"), 1.0, 0.5, 0.5),  # once more before it is too late
        (Turn("full"), 0.4, 0.5, None),
        (Turn("cooling", at_least_s=1.0), 60, 0.0, 1.0),
        (Turn("cooling", at_least_s=1.0), 60, 0.5, 1.0 + SPREAD_S / 2),  # not all at once
        (Turn("open", at_least_s=30.0), 60, 0.5, REASK_S),  # to keep its place
        (Turn("open", at_least_s=59.5), 60, 0.5, REASK_S),
        (Turn("cooling", at_least_s=59.6), 60, 0.0, None),  # past its time: at once, not in a minute
        (Turn("rate", at_least_s=600.0), 60, 0.0, None),
    ],
)
def test_when_a_waiting_call_asks_again(turn, remaining_s, jitter, wait_s):
    assert next_ask(turn, remaining_s, jitter=jitter) == wait_s


@given(st.floats(0, 100), st.floats(-5, 100), st.floats(0, 1, exclude_max=True))
def test_a_wait_never_passes_the_calls_time_nor_its_place(at_least_s, remaining_s, jitter):
    wait_s = next_ask(Turn("cooling", at_least_s=at_least_s), remaining_s, jitter=jitter)
    if wait_s is not None:
        assert 0 <= wait_s <= remaining_s - LEAST_S
        assert wait_s <= REASK_S + SPREAD_S


@pytest.mark.parametrize(
    ("error", "says", "cools"),
    [
        (None, OK, 0.0),
        (RetryableModelError("overloaded", "429", 20.0), ("ok", "nothing"), 20.0),
        (RetryableModelError("overloaded", "429", 0.0), FAILED, 0.0),
        (RetryableModelError("overloaded", "503"), FAILED, 0.0),
        (RetryableModelError("truncated", "cut before text"), FAILED, 0.0),
        (RetryableModelError("unreachable", "no connection"), ("failed", "nothing"), 0.0),
        (ModelError("truncated", "cut after text"), FAILED, 0.0),
        (ModelError("overloaded", "the quota is spent"), ("ok", "nothing"), 0.0),
        (ModelError("unreachable", "TLS"), NOTHING, 0.0),
        (ModelError("auth", "401"), ("ok", "nothing"), 0.0),
        (ModelError("context_length", "400"), ("ok", "nothing"), 0.0),
        (ModelError("provider", "404"), ("ok", "nothing"), 0.0),
        (ModelError("model_refused", "no"), ("ok", "nothing"), 0.0),
        (JobCancelled("cancelled"), NOTHING, 0.0),
        (ValueError("ours"), NOTHING, 0.0),
    ],
)
def test_what_a_calls_end_says(error, says, cools):
    assert (said(error), cooling_s(error)) == (says, cools)


def test_a_call_that_was_cut_counts_only_after_a_long_silence():
    assert said(TimeoutError(), silent_s=SILENCE_S - 1) == NOTHING
    assert said(TimeoutError(), silent_s=SILENCE_S) == ("nothing", "failed")


def test_no_other_model_is_asked_for_what_the_job_or_the_caller_ended():
    assert not ANOTHER_MODEL_MAY_HELP & {"deadline", "internal", "model_refused", "token_budget", "no_inputs"}
