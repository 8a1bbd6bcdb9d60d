"""When a call is tried again: the decision as a table, then its execution."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ModelError, RetryableModelError
from workers.llm.retry import RetryPolicy, retried, should_retry

POLICY = RetryPolicy(max_attempts=4, base_s=1.0, cap_s=3.0, least_s=0.5)


def overloaded(retry_after_s=None):
    return RetryableModelError("overloaded", "busy", retry_after_s)


@pytest.mark.parametrize(
    ("error", "attempt", "remaining_s", "jitter", "wait_s"),
    [
        (overloaded(), 1, 60, 1.0, 1.0),
        (overloaded(), 2, 60, 1.0, 2.0),
        (overloaded(), 3, 60, 1.0, 3.0),  # capped
        (overloaded(), 3, 60, 0.5, 1.5),
        (overloaded(), 1, 60, 0.0, 0.0),  # full jitter begins at nothing
        (overloaded(), 4, 60, 0.5, None),  # attempts used up
        (overloaded(10.0), 1, 60, 0.0, 10.0),
        (overloaded(10.0), 1, 60, 0.5, 10.5),  # later than asked, never sooner
        (overloaded(0.0), 1, 60, 0.0, 0.0),
        (overloaded(59.6), 1, 60, 0.0, None),  # past the deadline: no call, no shortened wait
        (overloaded(59.5), 1, 60, 0.0, 59.5),
        (overloaded(), 1, 1.4, 1.0, None),
        (overloaded(), 1, -1, 0.0, None),
        (ModelError("auth", "no"), 1, 60, 0.5, None),
        (ValueError("ours"), 1, 60, 0.5, None),
        (None, 1, 60, 0.5, None),
    ],
)
def test_the_decision(error, attempt, remaining_s, jitter, wait_s):
    assert should_retry(error, attempt, remaining_s, jitter=jitter, policy=POLICY) == wait_s


@given(
    st.one_of(st.none(), st.floats(0, 100)),
    st.integers(1, 10),
    st.floats(-10, 100),
    st.floats(0, 1, exclude_max=True),
)
def test_a_wait_keeps_the_deadline_and_what_was_asked_for(retry_after_s, attempt, remaining_s, jitter):
    wait_s = should_retry(overloaded(retry_after_s), attempt, remaining_s, jitter=jitter, policy=POLICY)
    if wait_s is not None:
        assert attempt < POLICY.max_attempts
        assert (retry_after_s or 0.0) <= wait_s <= remaining_s - POLICY.least_s + 1e-9


def failing(*errors):
    left = list(errors)

    async def call():
        if left:
            raise left.pop(0)
        return "answer"

    return call, left


def run(call, remaining_s=math.inf):
    return asyncio.run(retried(call, remaining_s=lambda: remaining_s, policy=RetryPolicy(base_s=0.001)))


def test_given_failures_that_pass_when_called_then_the_answer_comes():
    call, left = failing(overloaded(), overloaded(), overloaded())
    assert run(call) == "answer"
    assert not left


def test_given_more_failures_than_attempts_then_the_last_one_is_final_and_keeps_its_kind():
    call, left = failing(*(overloaded() for _ in range(9)))
    with pytest.raises(ModelError) as caught:
        run(call)
    assert (caught.value.kind, len(left)) == ("overloaded", 9 - RetryPolicy().max_attempts)


@pytest.mark.parametrize("error", [ModelError("auth", "no"), ValueError("ours")])
def test_given_a_failure_that_will_not_pass_then_it_is_raised_as_it_is(error):
    call, left = failing(error, overloaded())
    with pytest.raises(type(error)) as caught:
        run(call)
    assert caught.value is error
    assert len(left) == 1


def test_given_no_time_for_the_wait_then_it_is_not_waited():
    call, left = failing(overloaded(3_600.0), overloaded())
    with pytest.raises(ModelError):
        run(call, remaining_s=60)
    assert len(left) == 1
