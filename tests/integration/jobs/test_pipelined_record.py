"""A pipelined job whose chord is broken in every way: the record finishes it, and nothing is computed twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace

import pytest
import redis
from celery.canvas import Signature
from kombu.exceptions import OperationalError

from orchestrator.client import Client
from orchestrator.contracts import Claim
from orchestrator.contracts.events import ClaimClosed, StepRecovered
from orchestrator.errors import LeaseLost
from orchestrator.recovery import runnable
from orchestrator.store import JobRef, history, keys
from tests.integration.conftest import StartWorker, question
from tests.integration.jobs.conftest import why
from tests.integration.jobs.scripted import Scripted, waiting
from tests.model_server import ModelServer, through
from tests.nodes import wait_for
from workers.execution import Attempt, Executor, Worked
from workers.progress import Canvas
from workers.sweeping import Sweeper

pytestmark = pytest.mark.integration


def claims(attempt: Attempt, *numbers: int) -> None:
    for number in numbers:
        attempt.claims.add(Claim(id=f"t{number}", text=f"Claim {number} holds."))


@pytest.fixture
def work() -> Scripted:
    """A thesis that closes two claims."""
    scripted = Scripted("pipelined")

    def thesis(attempt: Attempt) -> Worked:
        claims(attempt, *range(len(attempt.claims.written) + 1, 3))
        output = scripted.output(attempt).model_copy(update={"claims": attempt.claims.written})
        return Worked(output)

    scripted.on["thesis"] = thesis
    return scripted


@pytest.fixture
def ref(producer: Client) -> JobRef:
    return producer.submit(question(mode="pipelined")).ref


def test_bare_deliveries_take_a_job_to_its_end(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    executor.run(ref, "plan")
    executor.run(ref, "thesis")
    assert executor.run(ref, "synthesis").word == "not ready"
    assert executor.run(ref, "resolution:1").word == "not ready"
    assert executor.run(ref, "rebuttal:3").word == "not ready"
    for step in ("rebuttal:1", "rebuttal:2", "resolution:1"):
        executor.run(ref, step)
    assert producer.store.load(ref).steps.get("synthesis") is None
    executor.run(ref, "resolution:2")
    assert producer.store.load(ref).steps["synthesis"].sends == 1
    assert executor.run(ref, "synthesis").word == "ok"
    assert producer.result(ref) is not None
    assert set(Counter(work.done).values()) == {1}


def test_a_claim_that_was_recorded_and_never_sent_is_found(
    executor: Executor, producer: Client, sweeper: Sweeper, client: redis.Redis, ref: JobRef
) -> None:
    """Redis broke between the claim's record and the chord: the count that was taken will never be met."""

    def broken(message: Signature) -> None:
        raise OperationalError("away")

    executor.run(ref, "plan")
    executor.run(ref, "thesis", Canvas(fires=True, grow=broken))
    assert list(producer.store.load(ref).claims) == [1, 2]
    for key in list(client.scan_iter("triptych.v*")):
        client.delete(key)
    sweeper.turn()
    assert waiting(client, "rebuttal:1") == 0, "its message may be under way"
    client.hset(
        ref.job, mapping={"sent:rebuttal:1": 0, "sent:rebuttal:2": 0, "accepted_ms": 0, "ended:plan": 0}
    )
    client.delete(keys.SWEEP_LOCK)
    sweeper.turn()
    assert waiting(client, "rebuttal:1") == 2
    for step in ("rebuttal:1", "rebuttal:2", "resolution:1", "resolution:2", "synthesis"):
        executor.run(ref, step)
    assert producer.result(ref) is not None


def test_the_last_of_a_loose_job_sends_the_synthesis_though_it_came_with_a_chord(
    executor: Executor, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    """A sibling was begun twice: it left the chord, which is never met."""
    joined: list[str] = []
    canvas = Canvas(fires=True, grow=lambda message: joined.append(message.options["task_id"]))
    executor.run(ref, "plan")
    executor.run(ref, "thesis", canvas)
    client.hset(ref.job, "attempts:rebuttal:1", 1)
    for step in ("rebuttal:1", "rebuttal:2", "resolution:1"):
        executor.run(ref, step, canvas)
    assert waiting(client, "synthesis") == 1, "the resolution of the one that left"
    executor.run(ref, "resolution:2", canvas)
    assert producer.store.load(ref).steps["synthesis"].sends == 1
    assert joined == [f"{ref.tenant}.{ref.task_id}.{step}" for step in (
        "rebuttal:1", "rebuttal:2", "resolution:2",
    )]  # fmt: skip


def test_a_second_attempt_goes_on_behind_the_claims_of_the_first(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    executor.run(ref, "plan")
    first = producer.store.acquire(ref, "thesis", "a worker that died").granted
    assert first is not None
    claim = Claim(id="t1", text="Claim 1 holds.")
    event = ClaimClosed(event_id="0" * 32, task_id=ref.task_id, claim_id="t1")
    for expected in ("written", "duplicate"):  # the reply was lost, and it was sent again
        done = producer.store.write_claim(first.lease, "claim:1", claim, event=event, sends="rebuttal:1")
        assert done == expected
    client.delete(ref.lease("thesis"))
    executor.run(ref, "thesis")
    record = producer.store.load(ref)
    assert list(record.claims) == [1, 2]
    assert record.awaited == ("resolution:1", "resolution:2")
    told = [e.claim_id for e in history(client, ref) if isinstance(e, ClaimClosed)]
    assert told == ["t1", "t2"]
    late = producer.store.write_claim(first.lease, "claim:3", claim, event=event, sends="rebuttal:3")
    assert late == "lost", "an attempt that was overtaken records nothing any more"


def test_once_the_synthesis_has_begun_its_inputs_are_closed(
    executor: Executor, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    executor.run(ref, "plan")
    executor.run(ref, "thesis")
    critic = producer.store.acquire(ref, "critic", "a slow worker").granted
    assert critic is not None
    for step in ("rebuttal:1", "rebuttal:2", "resolution:1", "resolution:2"):
        executor.run(ref, step)
    assert producer.store.renew([critic.lease]) == ["kept"]
    assert producer.store.acquire(ref, "synthesis", "w").status == "granted"
    assert producer.store.renew([critic.lease]) == ["cancelled"]
    late = producer.store.write_output(critic.lease, Scripted().output(_as(critic, "critic")), events=[])
    assert late.status == "ended"
    assert "critic" not in producer.store.load(ref).outputs


def _as(granted: object, step: str) -> Attempt:
    return Attempt(granted.lease.ref, step, 1, None, 0.0, None, None)  # type: ignore[attr-defined,arg-type]  # what is asked of it


def test_when_its_time_has_come_a_job_is_merged_with_what_is_there(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, sweeper: Sweeper, ref: JobRef
) -> None:
    executor.run(ref, "plan")
    held = producer.store.acquire(ref, "thesis", "a worker that writes slowly").granted
    assert held is not None
    for number in (1, 2):
        claim = Claim(id=f"t{number}", text=f"Claim {number} holds.")
        event = ClaimClosed(event_id=f"{number:032x}", task_id=ref.task_id, claim_id=claim.id)
        producer.store.write_claim(
            held.lease, f"claim:{number}", claim, event=event, sends=f"rebuttal:{number}"
        )
    executor.run(ref, "rebuttal:1")
    executor.run(ref, "resolution:1")
    sweeper.turn()
    assert executor.run(ref, "synthesis").word == "not ready"
    plan = producer.store.load(ref).plan
    assert plan is not None
    client.hset(ref.job, "out:plan", plan.model_copy(update={"merge_after_ms": 0}).to_wire())
    client.delete(keys.SWEEP_LOCK)
    sweeper.turn()
    assert producer.store.load(ref).steps["synthesis"].sends == 1, (
        "at once: nothing has to be given time to arrive"
    )
    assert executor.run(ref, "synthesis").word == "ok"
    assert producer.store.renew([held.lease]) == ["cancelled"]
    result = producer.result(ref)
    assert result is not None
    assert result.status == "degraded"
    assert why(result)[0] == ("persona_cut", "thesis", "deadline")
    assert {o.step for o in result.outputs} == {"thesis", "rebuttal:1", "resolution:1", "synthesis"}


def test_nothing_is_merged_before_there_is_a_claim(
    executor: Executor, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    executor.run(ref, "plan")
    executor.run(ref, "critic")
    record = producer.store.load(ref)
    assert record.plan is not None
    hurried = replace(record, plan=record.plan.model_copy(update={"merge_after_ms": 0}))
    assert not hurried.to_be_merged(record.deadline_ms)
    assert runnable(hurried, record.deadline_ms) == ("thesis",)


def test_a_thesis_whose_job_was_cancelled_records_nothing_more(
    executor: Executor, work: Scripted, producer: Client, ref: JobRef
) -> None:
    def cancelled(attempt: Attempt) -> Worked:
        claims(attempt, 1)
        producer.cancel(ref, who="a test")
        with pytest.raises(LeaseLost):
            claims(attempt, 2)
        raise LeaseLost("as the model call would")

    executor.run(ref, "plan")
    work.on["thesis"] = cancelled
    executor.run(ref, "thesis")
    assert list(producer.store.load(ref).claims) == [1]


def test_a_worker_killed_in_the_middle_of_a_thesis_and_a_rebuttal_costs_seconds_and_no_claim(
    start_worker: StartWorker, producer: Client, client: redis.Redis
) -> None:
    model = ModelServer()
    try:
        thesis, rebuttal = model.gate(), model.gate()
        model.script("thesis", through(thesis))
        model.script("rebuttal", through(rebuttal))
        first = start_worker(**model.environment())
        ref = producer.submit(question(mode="pipelined")).ref
        wait_for("a rebuttal that is being written", lambda: model.of("rebuttal"))
        start_worker(**model.environment())
        os.kill(first.pid, signal.SIGKILL)
        result = producer.wait(ref)
        assert result.status == "complete", why(result)
        attempts = {o.step: o.attempt for o in result.outputs}
        assert (attempts["thesis"], attempts["rebuttal:1"]) == (2, 2)
        events = history(client, ref)
        assert {e.step for e in events if isinstance(e, StepRecovered)} >= {"thesis", "rebuttal:1"}
        assert [e.claim_id for e in events if isinstance(e, ClaimClosed)] == ["t1", "t2"]
        calls = Counter(asked.form for asked in model.asked)
        # What died with the worker is asked again, and nothing else.
        assert (calls["thesis"], calls["rebuttal"], calls["resolution"], calls["merge"]) == (2, 3, 2, 1)
    finally:
        model.close()
