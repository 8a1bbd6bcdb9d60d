"""One call as a task's thread sees it: time, cancelling, retries and the bill."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.errors import JobCancelled, LeaseLost, ModelError, RetryableModelError
from tests.integration.llm.asking import (
    PATIENCE_S,
    QUICK,
    REQUEST,
    anthropic,
    complete,
    openai,
    uncounted,
    usage,
)
from tests.integration.llm.wire import STREAM, document, event, events
from workers.llm import loop
from workers.llm.cancellation import Cancellation
from workers.llm.client import Model
from workers.llm.exchange import MAX_ANSWER_CHARS
from workers.llm.protocol import Delta, Finish, Spent

pytestmark = pytest.mark.integration


def delta(content, finish=None):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


YES = events(delta("Yes"), delta(".", "stop"), "[DONE]")
STARTED = {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}}


class Scripted:
    """A provider that does what each attempt's list says: items are yielded, errors raised."""

    name, model, address = "scripted", "m", ""

    def __init__(self, *attempts):
        self.attempts = list(attempts)

    async def stream(self, request):
        for item in self.attempts.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item

    async def aclose(self):
        pass


BUSY = RetryableModelError("overloaded", "busy")


def test_an_answer_comes_with_its_measures(wire):
    wire.reply(*YES)
    heard: list[str] = []
    completion = complete(openai(wire.url), on_text=heard.append)
    assert (completion.text, completion.provider, completion.model) == ("Yes.", "openai", "some-model")
    assert heard == ["Yes", "."]
    assert completion.first_token_ms is not None
    assert 0 <= completion.first_token_ms <= completion.model_ms


def test_given_a_busy_server_when_it_recovers_then_the_bill_holds_every_attempt_that_reached_a_model(wire):
    wire.reply(document({}, status=503))
    wire.reply(*events(STARTED, {"type": "error", "error": {"type": "overloaded_error"}}))
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
    text = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Yes."}}
    wire.reply(*events(STARTED, text, stop))
    completion = complete(anthropic(wire.url), policy=QUICK)
    assert (completion.text, completion.attempts, completion.usage) == ("Yes.", 3, usage(14, 6, calls=2))


def test_given_a_failure_for_good_then_its_bill_is_on_the_error(wire):
    wire.reply(*events(STARTED, {"type": "error", "error": {"type": "authentication_error"}}))
    with pytest.raises(ModelError) as caught:
        complete(anthropic(wire.url), policy=QUICK)
    assert caught.value.usage == usage(7, 1)
    assert caught.value.asked == ("anthropic", "some-model")


def test_given_a_silent_model_when_the_time_is_up_then_the_call_ends_and_hangs_up(wire):
    wire.reply(STREAM, event(STARTED), "hold")
    with pytest.raises(ModelError) as caught:
        complete(anthropic(wire.url), policy=QUICK, within_s=0.3)
    assert (caught.value.kind, caught.value.usage) == ("deadline", usage(7, 1))
    assert wire.hung_up.wait(PATIENCE_S)


@pytest.fixture
def warm(wire):
    """A model with an open connection: a request on it would leave at once."""
    wire.reply(*YES)
    model = Model(openai(wire.url))
    model.complete(REQUEST, deadline=time.monotonic() + PATIENCE_S)
    yield model
    loop.submit(model.provider.aclose()).result(PATIENCE_S)


def test_given_no_time_left_then_the_model_is_not_asked(wire, warm):
    with pytest.raises(ModelError) as caught:
        warm.complete(REQUEST, deadline=time.monotonic() - 1)
    assert caught.value.kind == "deadline"
    loop.submit(warm.provider.aclose()).result(PATIENCE_S)
    assert wire.hung_up.wait(PATIENCE_S)  # all that was sent has been read
    assert len(wire.requests) == 1


def test_given_a_wait_that_reaches_past_the_deadline_then_it_fails_at_once(wire):
    wire.reply(document({}, status=429, retry_after="3600"))
    with pytest.raises(ModelError) as caught:
        complete(openai(wire.url), policy=QUICK)
    assert caught.value.kind == "overloaded"
    assert len(wire.requests) == 1


def test_given_a_running_answer_when_it_is_cancelled_then_the_connection_closes_and_no_more_text_comes(wire):
    wire.reply(STREAM, event(delta("Well")), "hold")
    heard, switch = threading.Event(), Cancellation()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(complete, openai(wire.url), on_text=lambda _: heard.set(), cancel=switch)
        assert heard.wait(PATIENCE_S)
        switch.cancel()
        with pytest.raises(JobCancelled) as caught:
            call.result(PATIENCE_S)
    assert caught.value.usage == uncounted("Well")
    assert wire.hung_up.wait(PATIENCE_S)


def test_given_a_wait_between_attempts_when_it_is_cancelled_then_it_ends(wire):
    wire.reply(document({}, status=429, retry_after="600"))
    switch = Cancellation()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(complete, openai(wire.url), policy=QUICK, cancel=switch, within_s=900.0)
        while not wire.requests:
            threading.Event().wait(0.005)
        switch.cancel()
        with pytest.raises(JobCancelled):
            call.result(PATIENCE_S)


def test_given_a_thrown_switch_then_nothing_is_asked(wire, warm):
    switch = Cancellation()
    switch.cancel()
    switch.cancel()
    with pytest.raises(JobCancelled):
        warm.complete(REQUEST, deadline=time.monotonic() + PATIENCE_S, cancel=switch)
    loop.submit(warm.provider.aclose()).result(PATIENCE_S)
    assert wire.hung_up.wait(PATIENCE_S)
    assert len(wire.requests) == 1


def test_given_a_stopping_worker_then_the_step_is_left_to_another(wire):
    wire.reply(STREAM, event(delta("Well")), "hold")
    heard = threading.Event()
    model = Model(openai(wire.url))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(
            model.complete, REQUEST, deadline=time.monotonic() + PATIENCE_S, on_text=lambda _: heard.set()
        )
        assert heard.wait(PATIENCE_S)
        loop.close()
        with pytest.raises(LeaseLost):
            call.result(PATIENCE_S)
    assert wire.hung_up.wait(PATIENCE_S)
    wire.reply(*YES)
    assert complete(model.provider).text == "Yes."  # on a new loop


@pytest.mark.parametrize(
    ("attempts", "kind"),
    [
        ([[Delta("x"), BUSY], [Finish("stop", usage(1, 1), "m")]], "overloaded"),
        ([[Delta("x")]], "truncated"),
        ([[Delta("x" * MAX_ANSWER_CHARS), Delta("y")]], "provider"),
    ],
    ids=["a retryable error after text is final", "no Finish", "an answer without end"],
)
def test_a_provider_that_breaks_its_promises_makes_no_answer(attempts, kind):
    provider = Scripted(*attempts)
    with pytest.raises(ModelError) as caught:
        complete(provider, policy=QUICK)
    assert caught.value.kind == kind


def test_the_bill_of_a_finished_attempt_is_its_last_word():
    provider = Scripted(
        [Spent(usage(5, 0)), BUSY], [Spent(usage(5, 0)), Delta("x"), Finish("stop", usage(5, 3), "m")]
    )
    assert complete(provider, policy=QUICK).usage == usage(10, 3, calls=2)


def test_many_threads_share_one_model(wire):
    for _ in range(40):
        wire.reply(*YES)
    model = Model(openai(wire.url))
    deadline = time.monotonic() + PATIENCE_S
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: model.complete(REQUEST, deadline=deadline).text, range(40)))
    loop.submit(model.provider.aclose()).result(PATIENCE_S)
    assert answers == ["Yes."] * 40


FORKED = """
import json, multiprocessing, sys, time
from tests.integration.llm.asking import REQUEST
from orchestrator.settings import Settings
from orchestrator.settings.chain import Choice
from workers.llm.client import Model
from workers.llm.registry import provider_for

kept = Model(provider_for(Choice("openai:m"), Settings(openai_base_url=sys.argv[1] + "/v1")))
ask = lambda: kept.complete(REQUEST, deadline=time.monotonic() + 20).text
answers = [ask()]
def child(results):
    results.put(ask())
context = multiprocessing.get_context("fork")
results = context.Queue()
process = context.Process(target=child, args=(results,))
process.start()
answers.append(results.get(timeout=20))
process.join(20)
answers.append(ask())
print(json.dumps([answers, process.exitcode]))
"""


def test_given_a_fork_then_the_child_has_a_loop_of_its_own_and_the_parents_still_works(wire):
    for _ in range(3):
        wire.reply(*YES)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, wire.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == [["Yes.", "Yes.", "Yes."], 0]
    assert done.stderr == ""  # nor does leaving without closing make any noise


def test_importing_the_client_starts_no_thread():
    counted = "import threading; import workers.llm.registry; print(threading.active_count())"
    done = subprocess.run(
        [sys.executable, "-c", counted], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "1"
