"""The gate on real sockets and a real Redis: two workers' gates in one process, each with permits of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from orchestrator.errors import JobCancelled, ModelError
from orchestrator.exporter.serving import new_registry
from orchestrator.settings.limits import Limit
from orchestrator.store import connect, keys
from orchestrator.store.endpoints import BreakerPolicy, EndpointStore, Turn
from tests.integration.llm.asking import PATIENCE_S, QUICK, REQUEST, openai
from tests.integration.llm.wire import STREAM, document, event, events
from tests.nodes import wait_for
from workers.llm import gate as gate_module
from workers.llm import loop
from workers.llm.cancellation import Cancellation
from workers.llm.client import Completion, Model
from workers.llm.exchange import prompt_tokens
from workers.llm.gate import Gate
from workers.llm.openai_compat import OpenAICompatible
from workers.llm.permits import Permits
from workers.model_metrics import ModelMetrics

pytestmark = pytest.mark.integration


def delta(content, finish=None):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}}
YES = events(delta("Yes"), delta(".", "stop"), USAGE, "[DONE]")

MakeGate = Callable[..., Gate]


@pytest.fixture
def make_gate(client: redis.Redis, redis_url: str) -> Iterator[MakeGate]:
    """A gate as one worker process has it; ``limit`` is the deployment's."""
    made = []

    def make(*, url: str = redis_url, limit: Limit | None = None, **more: Any) -> Gate:
        permits = Permits(EndpointStore(connect(url, timeout_s=1.0)), EndpointStore(connect(url)))
        made.append(Gate(permits, {"openai:some-model": limit or Limit()}, **more))
        return made[-1]

    yield make
    for gate in made:
        gate.close()


@pytest.fixture
def ask(wire) -> Iterator[Callable[..., Future[Completion]]]:
    """Start a call on a thread of its own."""
    provider = openai(wire.url)
    with ThreadPoolExecutor(20) as pool:

        def start(
            gate: Gate, *, order: int = 9, within_s: float = PATIENCE_S, **how: Any
        ) -> Future[Completion]:
            model = Model(provider, gate=gate, order=order, policy=QUICK)
            return pool.submit(model.complete, REQUEST, deadline=time.monotonic() + within_s, **how)

        yield start
    loop.submit(provider.aclose()).result(PATIENCE_S)


def held(client: redis.Redis, what: str) -> int:
    """How many calls of all scopes hold a permit (``held``) or stand in line (``line``)."""
    return sum(client.zcard(key) for key in client.scan_iter(f"{keys.ENDPOINT}*:{what}"))


def test_a_pause_that_one_worker_is_told_holds_for_the_other(wire, make_gate, ask, monkeypatch) -> None:
    monkeypatch.setattr(gate_module, "SPREAD_S", 0.2)
    wire.reply(document({}, status=429, retry_after="1"))
    for _ in range(3):
        wire.reply(*YES)
    told = ask(make_gate())
    wait_for("the refusal", lambda: wire.requests)
    other = make_gate()
    wait_for("it to be known", other._permits._store.look)
    others = [ask(other) for _ in range(2)]
    assert [call.result(PATIENCE_S).text for call in (told, *others)] == ["Yes."] * 3
    refused, *answered = wire.requests
    assert min(request.at for request in answered) - refused.at >= 1.0


def test_a_grader_finds_nothing_wrong_with_a_fleet_that_is_told_to_wait(llmock, make_gate) -> None:
    llmock.rate_limit(times=2, retry_after=1).reply("Yes.", times=None)
    provider = openai(llmock.base_url("openai").removesuffix("/v1"), api_key=SecretStr("llmock-test-key"))
    gates = make_gate(), make_gate()
    with ThreadPoolExecutor(8) as pool:
        calls = [
            pool.submit(
                Model(provider, gate=gates[n % 2], policy=QUICK).complete,
                replace(
                    REQUEST, system=f"You are number {n}."
                ),  # else llmock takes one for a retry of the other
                deadline=time.monotonic() + PATIENCE_S,
            )
            for n in range(8)
        ]
        assert [call.result(PATIENCE_S).text for call in calls] == ["Yes."] * 8
    loop.submit(provider.aclose()).result(PATIENCE_S)
    llmock.assert_resilient(strict=True)


def test_a_wait_that_would_pass_the_deadline_is_not_begun(wire, make_gate, ask) -> None:
    wire.reply(document({}, status=429, retry_after="600"))
    with pytest.raises(ModelError):
        ask(make_gate()).result(PATIENCE_S)
    with pytest.raises(ModelError, match=r"openai:some-model.*asked for a pause for \d+ s") as caught:
        ask(make_gate()).result(PATIENCE_S)
    assert (caught.value.kind, caught.value.asked) == ("overloaded", ("openai", "some-model"))
    for call in [ask(make_gate()) for _ in range(6)]:
        with pytest.raises(ModelError):
            call.result(PATIENCE_S)
    assert len(wire.requests) == 1
    # Who was never let through says nothing of the endpoint.
    (state,) = make_gate()._permits._store.look()
    assert (state.cooling_s > 500, state.is_open) == (True, False)


def test_a_pause_is_not_waited_out_while_another_model_stands_ready(wire, make_gate) -> None:
    wire.reply(document({}, status=429, retry_after=str(int(PATIENCE_S / 2))))
    for _ in range(2):
        wire.reply(*YES)
    chain = [OpenAICompatible(name, f"{wire.url}/v1") for name in ("first", "second")]
    for gate in (make_gate(), make_gate()):
        answer = Model(*chain, gate=gate, policy=QUICK).complete(
            REQUEST, deadline=time.monotonic() + PATIENCE_S
        )
        assert [fallback.kind for fallback in answer.fallbacks] == ["overloaded"]
    assert [request.body["model"] for request in wire.requests] == ["first", "second", "second"]
    for provider in chain:
        loop.submit(provider.aclose()).result(PATIENCE_S)


def test_a_freed_place_is_given_to_who_waits_at_once(wire, make_gate, ask, client, monkeypatch) -> None:
    # Only being woken can be in time.
    monkeypatch.setattr(gate_module, "REASK_S", 3 * PATIENCE_S)
    limit = Limit(concurrency=1)
    doors = [wire.gate() for _ in range(3)]
    for door in doors:
        wire.reply(*YES[:2], door, *YES[2:])
    running = ask(make_gate(limit=limit))
    wait_for("the first call", lambda: wire.requests)
    late, urgent = make_gate(limit=limit), make_gate(limit=limit)
    new = ask(late, order=9)
    wait_for("it to stand in line", lambda: held(client, "line") == 1)
    synthesis = ask(urgent, order=0)
    wait_for("both to stand in line", lambda: held(client, "line") == 2)
    assert (len(wire.requests), held(client, "held")) == (1, 1)
    for door, call in zip(doors, (running, synthesis, new), strict=True):
        door.open()
        assert call.result(PATIENCE_S).text == "Yes."
    assert (held(client, "held"), held(client, "line")) == (0, 0)
    assert len(wire.requests) == 3


@pytest.mark.parametrize("where", ["in line", "in the call"])
@pytest.mark.parametrize("how", ["cancelled", "out of time"])
def test_a_call_that_is_cut_gives_everything_back(wire, make_gate, ask, client, where, how) -> None:
    gate, limit = make_gate, Limit(concurrency=1, tpm=10_000)
    wire.reply(STREAM, event(delta("Well")), "hold")
    switches = [Cancellation(), Cancellation()]
    short = {"within_s": 1.0} if how == "out of time" else {}
    first = ask(gate(limit=limit), cancel=switches[0], **(short if where == "in the call" else {}))
    wait_for("the first call", lambda: wire.requests)
    second = ask(gate(limit=limit), cancel=switches[1], **short) if where == "in line" else first
    if where == "in line":
        wait_for("the second to stand in line", lambda: held(client, "line"))
    if how == "cancelled":
        switches[0 if where == "in the call" else 1].cancel()
    with pytest.raises(JobCancelled if how == "cancelled" else ModelError) as caught:
        second.result(PATIENCE_S)
    if how == "out of time":
        assert isinstance(caught.value, ModelError)
        assert caught.value.kind == ("deadline" if where == "in the call" else "overloaded")
    if where == "in the call":
        assert wire.hung_up.wait(PATIENCE_S)
    wait_for("it to be out of the line", lambda: held(client, "line") == 0)
    wait_for("the right number of permits", lambda: held(client, "held") == (where == "in line"))
    switches[0].cancel()
    with pytest.raises((JobCancelled, ModelError)):
        first.result(PATIENCE_S)
    wait_for("every permit to be back", lambda: held(client, "held") == 0)


def test_tokens_are_settled_by_what_the_endpoint_counted(wire, make_gate, ask, client) -> None:
    limit = Limit(tpm=prompt_tokens(REQUEST) + REQUEST.max_output_tokens + 50)
    for _ in range(2):
        wire.reply(*YES)
    gate = make_gate(limit=limit)
    ask(gate).result(PATIENCE_S)
    # Only what was given back lets a second one in now; its time is too short for the bucket to fill.
    assert ask(gate, within_s=2.0).result(PATIENCE_S).text == "Yes."
    with pytest.raises(ModelError, match="TRIPTYCH_MODEL_LIMITS allows no more in this minute"):
        ask(gate, within_s=2.0).result(PATIENCE_S)


def test_an_endpoint_that_fails_both_workers_is_left_alone_until_one_call_has_tried_it(
    wire, make_gate, ask, client, monkeypatch
) -> None:
    monkeypatch.setattr(gate_module, "SPREAD_S", 0.2)
    breaker, metrics = BreakerPolicy(open_ms=1_000), new_registry()
    one, other = (make_gate(breaker=breaker, meters=meters) for meters in (ModelMetrics(metrics), None))
    for _ in range(5):
        wire.reply(document({}, status=500))
    door = wire.gate()
    wire.reply(*YES[:2], door, *YES[2:])
    for _ in range(3):
        wire.reply(*YES)
    with pytest.raises(ModelError):
        ask(one).result(PATIENCE_S)  # four attempts
    calls = [ask(other)]  # its first attempt is the fifth failure
    wait_for("the breaker to open", lambda: any(state.is_open for state in one._permits._store.look()))
    calls += [ask(one), ask(other), ask(one)]
    wait_for("a probe", lambda: len(wire.requests) == 6)
    assert wire.requests[5].at - wire.requests[4].at >= 1.0  # which opened it
    wait_for("the others to stand in line", lambda: held(client, "line") == 3)
    assert len(wire.requests) == 6
    door.open()
    assert [call.result(PATIENCE_S).text for call in calls] == ["Yes."] * 4
    assert not any(state.is_open for state in one._permits._store.look())

    def counted(name: str, **labels: str) -> float | None:
        return metrics.get_sample_value(f"triptych_{name}", {"provider": "openai", **labels})

    assert counted("model_retries_total", kind="overloaded") == 3
    # Whose call was the probe is chance; both of this worker's waited for the breaker.
    waits = [counted("model_wait_seconds_count", why=why) for why in ("open", "probing")]
    assert sum(filter(None, waits)) == 2
    assert counted("endpoint_changes_total", change="opened") in (None, 0)  # it was the other's call


def test_without_redis_calls_go_on_and_each_worker_keeps_to_what_it_knows(wire, make_gate, ask) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        gate = make_gate(url=f"redis://127.0.0.1:{deaf.getsockname()[1]}/0", limit=Limit(concurrency=1))
        door = wire.gate()
        wire.reply(*YES[:2], door, *YES[2:])
        wire.reply(document({}, status=429, retry_after="600"))
        first = ask(gate)
        wait_for("the first call", lambda: wire.requests)
        second = ask(gate)
        wait_for("the second to wait", lambda: gate._permits._waiting)
        assert len(wire.requests) == 1
        door.open()
        assert first.result(PATIENCE_S).text == "Yes."
        with pytest.raises(ModelError):
            second.result(PATIENCE_S)
        assert len(wire.requests) == 2
        with pytest.raises(ModelError, match="asked for a pause"):
            ask(gate).result(PATIENCE_S)
        assert len(wire.requests) == 2


def test_who_waits_and_loses_redis_goes_on(wire, make_gate, ask, client, monkeypatch) -> None:
    monkeypatch.setattr(gate_module, "REASK_S", 0.1)
    scope_is_full = Limit(concurrency=1)
    wire.reply(STREAM, event(delta("Well")), "hold")
    elsewhere, gate = make_gate(limit=scope_is_full), make_gate(limit=scope_is_full)
    switch = Cancellation()
    running = ask(elsewhere, cancel=switch)
    wait_for("the first call", lambda: wire.requests)
    wire.reply(*YES)
    waiting = ask(gate)
    wait_for("the second to stand in line", lambda: held(client, "line"))
    gate._permits._store = EndpointStore(connect("unix://nowhere.sock", timeout_s=0.5))
    assert waiting.result(PATIENCE_S).text == "Yes."
    switch.cancel()
    with pytest.raises(JobCancelled):
        running.result(PATIENCE_S)


class SlowStore(EndpointStore):
    """Answers the first ``ask`` late."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self.asked, self.go_on = threading.Event(), threading.Event()

    def ask(self, *args: Any, **how: Any) -> Turn:
        self.asked.set()
        assert self.go_on.wait(PATIENCE_S)
        return super().ask(*args, **how)


def test_a_permit_that_comes_after_its_call_was_cancelled_is_given_back(wire, make_gate, ask, client) -> None:
    gate, switch = make_gate(limit=Limit(concurrency=1)), Cancellation()
    slow = gate._permits._store = SlowStore(client)
    call = ask(gate, cancel=switch)
    assert slow.asked.wait(PATIENCE_S)
    switch.cancel()
    with pytest.raises(JobCancelled):
        call.result(PATIENCE_S)
    slow.go_on.set()
    wire.reply(*YES)
    assert ask(make_gate(limit=Limit(concurrency=1)), within_s=4.0).result(PATIENCE_S).text == "Yes."


def test_a_process_that_neither_waits_nor_holds_runs_no_thread_for_it(wire, make_gate, ask) -> None:
    wire.reply(*YES)
    gate = make_gate()
    ask(gate).result(PATIENCE_S)
    assert gate._permits._thread is None
    wire.reply(*YES)
    limited = make_gate(limit=Limit(concurrency=1))
    ask(limited).result(PATIENCE_S)
    wait_for("the thread to end", lambda: limited._permits._thread is None)
