"""A late call and its backup on real sockets and a real Redis: who answers, who is cut, and what it costs."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import pytest
import redis

from orchestrator.contracts import Hedge, Usage
from orchestrator.errors import JobCancelled, ModelError
from orchestrator.exporter.serving import new_registry
from orchestrator.report.pace import LEAST_LATE, LEAST_SEEN
from orchestrator.settings.limits import Limit
from orchestrator.store import connect, keys
from orchestrator.store.endpoints import EndpointStore
from orchestrator.store.paces import PaceStore, Seen
from tests.integration.llm.asking import ONCE, PATIENCE_S, QUICK, REQUEST, uncounted, usage
from tests.integration.llm.wire import STREAM, Step, WireServer, document, event, events
from tests.nodes import wait_for
from tests.unit.personas.cases import PLAN, brief
from workers.llm import loop
from workers.llm.cancellation import Cancellation
from workers.llm.client import Completion, Model
from workers.llm.fallback import Candidate
from workers.llm.gate import Gate
from workers.llm.hedging import HedgePolicy, Outcome
from workers.llm.openai_compat import OpenAICompatible
from workers.llm.paces import Paces
from workers.llm.permits import Permits
from workers.llm.protocol import ModelRequest
from workers.model_metrics import ModelMetrics

pytestmark = pytest.mark.integration

STEP = "rebuttal"
TENTH = HedgePolicy(0.1)
USUAL_S = 0.2
"""So long the model took for its first word until now: a test's first call is silent for longer."""


def delta(content, finish=None):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}}
YES = events(delta("Yes"), delta(".", "stop"), USAGE, "[DONE]")
SILENT: tuple[Step, ...] = (STREAM, "hold")


@dataclass
class Worker:
    """One worker's side: a chain of models, what it knows of their pace, and its metrics."""

    wire: WireServer
    gate: Gate
    paces: Paces
    store: PaceStore
    chain: list[OpenAICompatible]
    pool: ThreadPoolExecutor
    registry: Any
    switch: Cancellation = field(default_factory=Cancellation)

    def learn(self, calls: int = LEAST_SEEN, first_s: float = USUAL_S, chars: int | None = None) -> None:
        """So many calls were seen, and this worker knows of it; with ``chars``, also how long answers are."""
        scope, whole_s = self.gate.scopes(self.chain[0])[-1], 1.0 if chars is None else 2 * first_s
        for _ in range(calls):
            seen = Seen(first_s=first_s, whole_s=whole_s, usage=Usage(calls=1), chars=chars)
            self.store.learn(scope, STEP, seen)
        self.paces.expected(scope, STEP)
        wait_for("it to be read", lambda: self.paces.expected(scope, STEP))

    def ask(
        self,
        *,
        models: int = 1,
        equal: bool = True,
        policy: Any = ONCE,
        within_s: float = PATIENCE_S,
        request: ModelRequest = REQUEST,
        **how: Any,
    ) -> Future[Completion]:
        chain = (Candidate(each, equal=equal) for each in self.chain[:models])
        model = Model(*chain, gate=self.gate, paces=self.paces, step=STEP, policy=policy)
        how.setdefault("cancel", self.switch)
        return self.pool.submit(model.complete, request, deadline=time.monotonic() + within_s, **how)

    def outcomes(self) -> dict[str, float]:
        def counted(what: str) -> float:
            labels = {"provider": "openai", "outcome": what}
            return self.registry.get_sample_value("triptych_model_backups_total", labels) or 0

        return {what: counted(what) for what in get_args(Outcome) if counted(what)}

    def budget(self) -> tuple[int, int]:
        """Calls and backups in the window."""
        (budget,) = self.store.look(0.1).budgets
        return budget.calls, budget.backups


MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(wire: WireServer, client: redis.Redis, redis_url: str) -> Iterator[MakeWorker]:
    made: list[Worker] = []

    def make(policy: HedgePolicy | None = TENTH, *, limit: Limit | None = None) -> Worker:
        permits = Permits(EndpointStore(connect(redis_url, timeout_s=5.0)), EndpointStore(connect(redis_url)))
        registry, store = new_registry(), PaceStore(client)
        metrics = ModelMetrics(registry)
        gate = Gate(permits, {"openai:first": limit or Limit()}, meters=metrics)
        chain = [OpenAICompatible(name, f"{wire.url}/v1") for name in ("first", "second")]
        made.append(
            Worker(wire, gate, Paces(store, permits, policy), store, chain, ThreadPoolExecutor(8), registry)
        )
        return made[-1]

    yield make
    for worker in made:
        worker.switch.cancel()
        worker.pool.shutdown()
        worker.gate.close()
        for provider in worker.chain:
            loop.submit(provider.aclose()).result(PATIENCE_S)


@pytest.fixture
def worker(make_worker: MakeWorker) -> Worker:
    one = make_worker()
    one.learn()
    return one


def held(client: redis.Redis) -> int:
    return sum(client.zcard(key) for key in client.scan_iter(f"{keys.ENDPOINT}*:held"))


@pytest.mark.parametrize(
    "silent",
    [SILENT, ("hold",), (STREAM, event({"choices": []}), "hold")],
    ids=["headers", "nothing", "no text"],
)
def test_the_backup_of_a_silent_call_answers_and_the_silent_one_is_cut(wire, worker, silent) -> None:
    wire.reply(*silent)
    wire.reply(*YES)
    heard: list[str] = []
    answer = worker.ask(on_text=heard.append).result(PATIENCE_S)
    first, backup = wire.requests
    assert first.hung_up.wait(PATIENCE_S)
    assert not backup.hung_up.is_set()
    assert first.body == backup.body
    assert (answer.text, heard, answer.attempts, answer.fallbacks) == ("Yes.", ["Yes", "."], 1, ())
    (hedge,) = answer.hedges
    assert (hedge.model, hedge.won) == ("openai:first", True)
    assert hedge.after_ms >= USUAL_S * LEAST_LATE * 900  # which its pace says to a few percent
    # Both were paid for: the one that was cut by an estimate.
    assert answer.usage == usage(40, 2) + uncounted("")
    assert worker.outcomes() == {"won": 1}
    wait_for("it to be counted", lambda: worker.budget() == (LEAST_SEEN + 1, 1))


def test_a_gateway_that_does_not_stream_is_silent_until_all_is_there(wire, worker) -> None:
    wire.reply("hold")
    said = {"message": {"content": "Yes."}, "finish_reason": "stop", "index": 0}
    wire.reply(document({"model": "m", "choices": [said], "usage": USAGE["usage"]}))
    answer = worker.ask().result(PATIENCE_S)
    assert (answer.text, answer.hedges[0].won) == ("Yes.", True)


def test_a_first_call_that_speaks_before_its_backup_does_answers(wire, worker) -> None:
    door = wire.gate()
    wire.reply(STREAM, door, *YES[1:])
    wire.reply(*SILENT)
    call = worker.ask()
    wait_for("the backup", lambda: len(wire.requests) == 2)
    door.open()
    answer = call.result(PATIENCE_S)
    assert wire.requests[1].hung_up.wait(PATIENCE_S)
    assert not wire.requests[0].hung_up.is_set()
    assert (answer.text, answer.usage) == ("Yes.", usage(40, 2) + uncounted(""))
    assert [hedge.won for hedge in answer.hedges] == [False]
    assert worker.outcomes() == {"lost": 1}


def test_a_call_that_has_said_a_word_gets_no_backup(wire, worker) -> None:
    door = wire.gate()
    wire.reply(*YES[:2], door, *YES[2:])
    call = worker.ask()
    wait_for("the call", lambda: wire.requests)
    time.sleep(3 * USUAL_S)  # nothing to wait for: nothing is to happen
    door.open()
    answer = call.result(PATIENCE_S)
    assert (answer.hedges, len(wire.requests), worker.outcomes()) == ((), 1, {})


HALF = events(delta("Yes, and"))[:2]
"""Of an answer of 20 characters, and nothing more."""
TOLD = replace(REQUEST, brief=brief(plan=PLAN.model_copy(update={"mode": "pipelined"})))
"""A thesis whose claims others act on while it is written."""


def test_the_backup_of_a_call_that_falls_behind_answers_and_the_slow_one_is_cut(wire, make_worker) -> None:
    worker = make_worker()
    worker.learn(chars=20)
    wire.reply(*HALF, "hold")
    wire.reply(*YES)
    heard: list[str] = []
    answer = worker.ask(on_text=heard.append).result(PATIENCE_S)
    first, backup = wire.requests
    assert first.hung_up.wait(PATIENCE_S)
    assert first.body == backup.body
    assert (answer.text, answer.attempts) == ("Yes.", 1)
    # Whoever watched has read what the slow one said; the answer begins on a line of its own.
    assert "".join(heard) == "Yes, and\nYes."
    assert answer.usage == usage(40, 2) + uncounted("Yes, and")
    assert [hedge.won for hedge in answer.hedges] == [True]
    assert worker.outcomes() == {"won": 1}
    wait_for("it to be counted", lambda: worker.budget() == (LEAST_SEEN + 1, 1))


def test_a_slow_call_that_ends_before_its_backup_answers(wire, make_worker) -> None:
    worker = make_worker()
    worker.learn(chars=20)
    door = wire.gate()
    wire.reply(*HALF, door, *events(delta(".", "stop"), USAGE, "[DONE]")[1:])
    wire.reply(*YES[:2], "hold")
    heard: list[str] = []
    call = worker.ask(on_text=heard.append)
    wait_for("the backup", lambda: len(wire.requests) == 2)
    door.open()
    answer = call.result(PATIENCE_S)
    assert wire.requests[1].hung_up.wait(PATIENCE_S)
    assert (answer.text, "".join(heard)) == ("Yes, and.", "Yes, and.")
    assert worker.outcomes() == {"lost": 1}


def test_a_slow_call_that_breaks_off_beside_its_backup_is_answered_by_it(wire, make_worker) -> None:
    worker = make_worker()
    worker.learn(chars=20)
    fails, answers = wire.gate(), wire.gate()
    wire.reply(*HALF, fails, "abort")
    wire.reply(STREAM, answers, *YES[1:])
    call = worker.ask(policy=QUICK)
    wait_for("the backup", lambda: len(wire.requests) == 2)
    fails.open()
    time.sleep(0.2)
    answers.open()
    answer = call.result(PATIENCE_S)
    assert (answer.text, answer.attempts, len(wire.requests)) == ("Yes.", 1, 2)


@pytest.mark.parametrize("may", [True, False])
def test_a_slow_call_that_others_act_on_is_cut_where_another_may_go_on(wire, make_worker, may: bool) -> None:
    worker = make_worker()
    worker.learn(chars=20)
    door = wire.gate()
    wire.reply(*HALF, door, *events(delta(".", "stop"), USAGE, "[DONE]")[1:])
    asked = threading.Event()

    def may_go_on() -> bool:
        asked.set()
        return may

    call = worker.ask(request=TOLD, may_go_on=may_go_on)
    assert asked.wait(PATIENCE_S)
    if may:
        with pytest.raises(ModelError) as caught:
            call.result(PATIENCE_S)
        assert wire.requests[0].hung_up.wait(PATIENCE_S)
        assert (caught.value.kind, caught.value.usage) == ("overloaded", uncounted("Yes, and"))
        assert [(hedge.model, hedge.won) for hedge in caught.value.hedges] == [("openai:first", True)]
        assert worker.outcomes() == {"won": 1}
    else:
        time.sleep(2 * USUAL_S)
        door.open()
        assert call.result(PATIENCE_S).text == "Yes, and."
        assert worker.outcomes() == {}
    assert len(wire.requests) == 1  # whoever asked knows from where to go on


def test_a_slow_call_that_others_act_on_is_left_alone_without_a_budget(wire, make_worker) -> None:
    worker = make_worker()
    worker.learn(chars=20)
    for _ in range(10):
        assert worker.store.take(worker.gate.scopes(worker.chain[0])[-1], 0.1)
    door = wire.gate()
    wire.reply(*HALF, door, *events(delta(".", "stop"), USAGE, "[DONE]")[1:])
    refused, take = threading.Event(), worker.paces.take

    async def told(scope: Any) -> bool:
        granted: bool = await take(scope)
        refused.set()
        return granted

    worker.paces.take = told
    call = worker.ask(request=TOLD, may_go_on=lambda: True)
    assert refused.wait(PATIENCE_S)
    door.open()
    answer = call.result(PATIENCE_S)
    assert (answer.text, answer.hedges, worker.outcomes()) == ("Yes, and.", (), {"refused": 1})


def test_where_both_fail_there_is_one_failure(wire, worker) -> None:
    door = wire.gate()
    wire.reply(STREAM, door, "abort")
    wire.reply(STREAM, "abort")
    call = worker.ask()
    wait_for("the backup", lambda: len(wire.requests) == 2)
    wait_for("what it cost", lambda: worker.budget() == (LEAST_SEEN, 1))
    assert not call.done()  # the first one is still waited for
    door.open()
    with pytest.raises(ModelError) as caught:
        call.result(PATIENCE_S)
    assert (caught.value.kind, caught.value.usage) == ("truncated", uncounted("", 2))
    assert [hedge.won for hedge in caught.value.hedges] == [False]
    assert worker.outcomes() == {"neither": 1}


def test_a_first_call_that_fails_beside_its_backup_is_not_made_again(wire, worker) -> None:
    fails, answers = wire.gate(), wire.gate()
    wire.reply(STREAM, fails, "abort")
    wire.reply(STREAM, answers, *YES[1:])
    call = worker.ask(policy=QUICK)
    wait_for("the backup", lambda: len(wire.requests) == 2)
    fails.open()
    time.sleep(0.3)  # QUICK would have tried again by now
    answers.open()
    answer = call.result(PATIENCE_S)
    assert (answer.text, answer.attempts, len(wire.requests)) == ("Yes.", 1, 2)
    assert answer.hedges[0].won


def test_a_call_has_one_backup_in_all_its_attempts(wire, worker) -> None:
    fails, answers = wire.gate(), wire.gate()
    wire.reply(STREAM, fails, "abort")
    wire.reply(STREAM, "abort")
    wire.reply(STREAM, answers, *YES[1:])
    call = worker.ask(policy=QUICK)
    wait_for("the backup", lambda: len(wire.requests) == 2)
    fails.open()
    wait_for("the retry", lambda: len(wire.requests) == 3)
    time.sleep(3 * USUAL_S)
    answers.open()
    answer = call.result(PATIENCE_S)
    assert (answer.text, answer.attempts, len(wire.requests)) == ("Yes.", 2, 3)
    assert answer.usage == usage(40, 2) + uncounted("", 2)


def test_a_refusal_for_good_ends_both(wire, worker) -> None:
    door = wire.gate()
    wire.reply(STREAM, door, event({"error": {"code": "invalid_api_key", "type": "authentication_error"}}))
    wire.reply(*SILENT)
    call = worker.ask(policy=QUICK)
    wait_for("the backup", lambda: len(wire.requests) == 2)
    door.open()
    with pytest.raises(ModelError) as caught:
        call.result(PATIENCE_S)
    assert caught.value.kind == "auth"
    assert wire.requests[1].hung_up.wait(PATIENCE_S)


@pytest.mark.parametrize("how", ["cancelled", "out of time"])
def test_what_ends_a_call_cuts_both_and_gives_everything_back(wire, make_worker, client, how) -> None:
    worker = make_worker(limit=Limit(concurrency=2))
    worker.learn()
    begun, stream = list[object](), worker.chain[0].stream

    async def told(request: ModelRequest) -> AsyncGenerator[Any]:
        async with aclosing(stream(request)) as answer:
            async for item in answer:
                begun.append(item)
                yield item

    worker.chain[0].stream = told
    for _ in range(2):
        wire.reply(*SILENT)
    call = worker.ask(within_s=4.0 if how == "out of time" else PATIENCE_S)
    wait_for("the backup", lambda: len(wire.requests) == 2)
    if how == "cancelled":
        wait_for("both permits", lambda: held(client) == 2)
        wait_for("both answers to have begun", lambda: len(begun) == 2)
        worker.switch.cancel()
    with pytest.raises(JobCancelled if how == "cancelled" else ModelError) as caught:
        call.result(PATIENCE_S)
    assert all(request.hung_up.wait(PATIENCE_S) for request in wire.requests)
    assert caught.value.usage == uncounted("", 2)
    assert caught.value.hedges == (
        Hedge(model="openai:first", after_ms=caught.value.hedges[0].after_ms, won=False),
    )
    wait_for("every permit to be back", lambda: held(client) == 0)
    assert worker.outcomes() == {"neither": 1}


def test_the_fleets_budget_bounds_backups(wire, make_worker) -> None:
    one, other = make_worker(), make_worker()
    for worker in (one, other):
        worker.learn(LEAST_SEEN // 2 if worker is one else LEAST_SEEN - LEAST_SEEN // 2)
    one.paces._read_at.clear()  # what it knows is the half that it has seen itself
    one.paces._known.clear()
    one.learn(0)
    # A tenth of a hundred calls: ten backups, whoever makes them.
    for _ in range(10):
        assert other.store.take(other.gate.scopes(other.chain[0])[-1], 0.1)
    asked, take = threading.Event(), one.paces.take

    async def told(scope: Any) -> bool:
        granted: bool = await take(scope)
        asked.set()
        return granted

    one.paces.take = told
    door = wire.gate()
    wire.reply(STREAM, door, *YES[1:])
    call = one.ask()
    assert asked.wait(PATIENCE_S)
    time.sleep(0.3)  # a backup would be made by now
    door.open()
    assert (call.result(PATIENCE_S).hedges, len(wire.requests)) == ((), 1)
    assert one.outcomes() == {"refused": 1}


def test_a_backup_waits_in_no_line_and_returns_what_it_did_not_use(wire, make_worker, client) -> None:
    worker = make_worker(limit=Limit(concurrency=1))
    worker.learn()
    door, returned, give_back = wire.gate(), threading.Event(), worker.paces.give_back

    def told(scope: Any) -> None:
        give_back(scope)
        returned.set()

    worker.paces.give_back = told
    wire.reply(STREAM, door, *YES[1:])
    call = worker.ask()
    assert returned.wait(PATIENCE_S)
    assert not list(client.scan_iter(f"{keys.ENDPOINT}*:line"))
    door.open()
    assert (call.result(PATIENCE_S).hedges, len(wire.requests)) == ((), 1)
    assert worker.outcomes() == {"refused": 1}
    wait_for("the budget to be whole again", lambda: worker.budget()[1] == 0)


@pytest.mark.parametrize(
    ("policy", "seen"),
    [(None, LEAST_SEEN), (TENTH, LEAST_SEEN - 1)],
    ids=["switched off", "too little seen"],
)
def test_where_nothing_is_to_be_hedged_a_call_is_made_as_ever_and_learned_from(
    wire, make_worker, policy, seen
) -> None:
    worker = make_worker(policy)
    worker.learn(seen)
    door = wire.gate()
    wire.reply(STREAM, door, *YES[1:])
    call = worker.ask()
    wait_for("the call", lambda: wire.requests)
    time.sleep(3 * USUAL_S)
    door.open()
    assert (call.result(PATIENCE_S).hedges, len(wire.requests)) == ((), 1)
    wait_for("it to be learned", lambda: worker.store.look(0.1).paces[0].seen == seen + 1)


@pytest.mark.parametrize(("equal", "asked"), [(True, "second"), (False, "first")])
def test_a_backup_goes_elsewhere_only_where_the_answer_counts_as_equal(
    wire, make_worker, equal, asked
) -> None:
    worker = make_worker(HedgePolicy(elsewhere=True))
    worker.learn()
    wire.reply(*SILENT)
    wire.reply(*YES)
    answer = worker.ask(models=2, equal=equal).result(PATIENCE_S)
    assert [request.body["model"] for request in wire.requests] == ["first", asked]
    assert (answer.model, answer.hedges[0].model, answer.fallbacks) == (asked, f"openai:{asked}", ())


def test_the_slow_ones_that_were_cut_still_count_as_slow(wire, worker) -> None:
    wire.reply(*SILENT)
    wire.reply(*YES)
    worker.ask().result(PATIENCE_S)
    wait_for("both to be learned", lambda: worker.store.look(0.1).paces[0].calls == LEAST_SEEN + 2)
    (pace,) = worker.store.look(0.1).paces
    assert (pace.seen, pace.backups, pace.backups_won) == (LEAST_SEEN + 2, 1, 1)
    stored = worker.store.pace(worker.gate.scopes(worker.chain[0])[-1], STEP)
    assert sum(count for bucket, count in stored.firsts.items() if bucket > min(stored.firsts)) >= 1
