"""One delivery at a time, on a real Valkey, with work that does what a test needs: what the record says afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from orchestrator.client import Client
from orchestrator.contracts import Reason, Usage
from orchestrator.contracts.events import LeaseLost as LeaseLostEvent
from orchestrator.contracts.events import StepEnd, StepRecovered
from orchestrator.errors import JobCancelled
from orchestrator.store import JobRef, history, keys
from tests.integration.conftest import question
from tests.integration.jobs.scripted import IN_CANVAS, Scripted, waiting
from workers.execution import MAX_ATTEMPTS, MAX_OUTPUT_BYTES, Attempt, Executor, Worked
from workers.sweeping import Sweeper

pytestmark = pytest.mark.integration


def test_a_step_whose_inputs_are_missing_is_not_done_and_not_counted(
    executor: Executor, work: Scripted, producer: Client, ref: JobRef
) -> None:
    assert executor.run(ref, "synthesis", IN_CANVAS) == ("not ready", False)
    assert executor.run(ref, "plan") == ("ok", True)
    assert executor.run(ref, "synthesis", IN_CANVAS) == ("not ready", False)
    assert work.done == ["plan"]
    assert "synthesis" not in producer.store.load(ref).steps


def test_a_defect_in_a_persona_is_an_output_and_is_not_tried_again(
    executor: Executor, work: Scripted, producer: Client, ref: JobRef
) -> None:
    def broken(attempt: Attempt) -> Worked:
        raise ZeroDivisionError("a text that must not reach the ledger")

    work.on["thesis"] = broken
    executor.run(ref, "plan")
    assert executor.run(ref, "thesis", IN_CANVAS) == ("failed", True)
    assert executor.run(ref, "thesis", IN_CANVAS) == ("done", True)
    output = producer.store.load(ref).outputs["thesis"]
    assert (output.status, output.attempt) == ("failed", 1)
    assert output.failure is not None
    assert output.failure.kind == "internal"
    assert "ZeroDivisionError" in output.failure.message
    assert "must not reach" not in output.failure.message
    assert work.done.count("thesis") == 1


def test_a_defect_in_the_plan_ends_the_job_at_once(
    executor: Executor, work: Scripted, producer: Client, ref: JobRef
) -> None:
    def broken(attempt: Attempt) -> Worked:
        raise ZeroDivisionError

    work.on["plan"] = broken
    assert executor.run(ref, "plan") == ("plan_failed", True)
    result = producer.result(ref)
    assert result is not None
    assert [r.code for r in result.reasons] == ["plan_failed"]


@pytest.mark.parametrize("step", ["plan", "thesis"])
def test_a_step_that_takes_its_workers_with_it_is_given_up(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef, step: str
) -> None:
    if step != "plan":
        executor.run(ref, "plan")
    client.hset(ref.job, f"attempts:{step}", MAX_ATTEMPTS)
    executor.run(ref, step, IN_CANVAS)
    assert step not in work.done
    record = producer.store.load(ref)
    if step == "plan":
        assert record.result is not None
        assert record.result.reasons[0].code == "plan_failed"
    else:
        failure = record.outputs[step].failure
        assert failure is not None
        assert "given up" in failure.message


def test_an_output_over_the_byte_cap_is_a_failure(
    executor: Executor, work: Scripted, producer: Client, ref: JobRef
) -> None:
    from orchestrator.contracts import Citation, Claim

    def huge(attempt: Attempt) -> Worked:
        cited = tuple(Citation(passage_id="p1", quote="가" * 2_000) for _ in range(12))
        claims = tuple(Claim(id=f"t{n}", text="x", citations=cited) for n in range(40))
        paid = {"claims": claims, "usage": Usage(calls=1, output_tokens=300_000)}
        output = work.output(attempt).model_copy(update=paid)
        assert len(output.to_wire().encode()) > MAX_OUTPUT_BYTES
        return Worked(output)

    work.on["thesis"] = huge
    executor.run(ref, "plan")
    executor.run(ref, "thesis", IN_CANVAS)
    output = producer.store.load(ref).outputs["thesis"]
    assert output.status == "failed"
    assert output.claims == ()
    assert output.usage.output_tokens == 300_000


def test_an_attempt_that_lost_its_lease_writes_nothing_and_moves_nothing(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    """Another worker takes the plan over while this one is still at it, and plans well."""

    def overtaken(attempt: Attempt) -> Worked:
        client.delete(ref.lease("plan"))
        theirs = producer.store.acquire(ref, "plan", "another worker").granted
        assert theirs is not None
        plan = work.well(attempt).output
        assert producer.store.write_output(theirs.lease, plan, events=[]).status == "written"
        return replace(work.well(attempt), cause=Reason(code="plan_failed", detail="not on this host"))

    work.on["plan"] = overtaken
    executor.run(ref, "plan")
    record = producer.store.load(ref)
    assert record.open
    assert record.cause is None


def test_a_stopped_attempt_says_so_and_leaves_the_step_to_others(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    def stopped(attempt: Attempt) -> Worked:
        attempt.held.stop("lost")
        error = JobCancelled("stopped")
        error.usage, error.asked = Usage(calls=1, estimated_tokens=9), ("openai", "m")
        raise error

    executor.run(ref, "plan")
    work.on["thesis"] = stopped
    executor.run(ref, "thesis", IN_CANVAS)
    assert "thesis" not in producer.store.load(ref).outputs
    (lost,) = (e for e in history(client, ref) if isinstance(e, LeaseLostEvent))
    assert (lost.why, lost.provider, lost.usage.estimated_tokens) == ("lost", "openai", 9)


def test_what_was_written_too_late_for_its_job_was_paid_all_the_same(
    executor: Executor, work: Scripted, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    def outlived(attempt: Attempt) -> Worked:
        producer.cancel(ref, who="a test")
        return Worked(work.output(attempt).model_copy(update={"usage": Usage(calls=1, output_tokens=5)}))

    executor.run(ref, "plan")
    work.on["thesis"] = outlived
    executor.run(ref, "thesis", IN_CANVAS)
    (lost,) = (e for e in history(client, ref) if isinstance(e, LeaseLostEvent))
    assert (lost.why, lost.usage.output_tokens) == ("cancelled", 5)


def test_what_ends_a_job_early_survives_the_death_of_the_worker_that_found_it(
    executor: Executor, producer: Client, sweeper: Sweeper, client: redis.Redis, ref: JobRef
) -> None:
    """The plan found no evidence and was stored; its worker died before it made the result."""
    grant = producer.store.acquire(ref, "plan", "a worker that died")
    assert grant.granted is not None
    attempt = Attempt(ref, "plan", 1, producer.store.load(ref), 0.0, None, None)  # type: ignore[arg-type]  # neither is asked
    plan = Scripted().well(attempt).output
    producer.store.write_output(grant.granted.lease, plan, events=[], cause=Reason(code="no_evidence"))
    client.hset(ref.job, "ended:plan", 0)
    client.hset(ref.job, "accepted_ms", 0)
    client.hset(ref.job, "sent:plan", 0)
    for key in list(client.scan_iter("triptych.v*")):
        client.delete(key)
    sweeper.turn()
    assert waiting(client, "plan") == 1
    assert waiting(client, "thesis") == 0
    executor.run(ref, "plan")
    result = producer.result(ref)
    assert result is not None
    assert (result.status, result.reasons[0].code) == ("failed", "no_evidence")


def test_a_bare_step_moves_the_job_on_from_the_record(
    executor: Executor, producer: Client, client: redis.Redis, ref: JobRef
) -> None:
    executor.run(ref, "plan")
    executor.run(ref, "thesis")
    assert waiting(client, "synthesis") == 0
    executor.run(ref, "antithesis_standalone")
    assert waiting(client, "synthesis") == 1
    executor.run(ref, "synthesis")
    assert producer.result(ref) is not None


def test_each_end_is_in_the_ledger_once(executor: Executor, client: redis.Redis, ref: JobRef) -> None:
    for step in ("plan", "thesis", "antithesis_standalone", "synthesis") * 2:
        executor.run(ref, step, IN_CANVAS)
    ended = [e.step for e in history(client, ref) if isinstance(e, StepEnd)]
    assert ended == ["plan", "thesis", "antithesis_standalone", "synthesis"]


def test_one_bad_record_does_not_keep_the_sweep_from_the_others(
    producer: Client, sweeper: Sweeper, client: redis.Redis
) -> None:
    bad = producer.submit(question(deadline_s=1.0)).ref
    worse = JobRef("default", "worse")
    good = producer.submit(question()).ref
    client.hset(bad.job, "out:plan", "garbage")
    client.set(worse.job, "not even a hash")
    client.zadd(keys.ACTIVE, {str(worse): 1, "no address at all": 2})
    for key in list(client.scan_iter("triptych.v*")):
        client.delete(key)
    client.hset(good.job, "sent:plan", 0)
    client.hset(good.job, "accepted_ms", 0)
    sweeper.turn()
    assert any(isinstance(e, StepRecovered) for e in history(client, good))
    assert waiting(client, "plan") == 1


def test_a_job_that_nobody_can_read_ends_long_past_its_deadline(
    producer: Client, sweeper: Sweeper, client: redis.Redis, ref: JobRef
) -> None:
    client.hset(ref.job, "out:plan", "garbage")
    client.zadd(keys.ACTIVE, {str(ref): 1})
    sweeper.turn()
    raw = client.hget(ref.job, "result")
    assert isinstance(raw, str)
    assert '"internal"' in raw
    assert client.zscore(keys.ACTIVE, str(ref)) is None


def test_an_answer_that_its_process_did_not_live_to_give_is_given_by_the_sweep(
    producer: Client, sweeper: Sweeper, client: redis.Redis, ref: JobRef
) -> None:
    """The job ended and its Celery-only producer was promised an answer; nobody has given it."""
    producer.cancel(ref, who="a test")
    client.hset(ref.job, "reply:celery-1", "1")
    client.sadd(keys.OWED, str(ref))
    sweeper.turn()
    answer = client.get("celery-task-meta-celery-1")
    assert isinstance(answer, str)
    assert ref.task_id in answer
    assert client.scard(keys.OWED) == 0
