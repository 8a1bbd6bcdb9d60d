"""A step has one owner at a time and one output for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from orchestrator.contracts import Passage, TaskSpec
from orchestrator.contracts.events import KnownEvent, StepStart
from orchestrator.errors import RecordUnreadable
from orchestrator.routing.flow import needs_of
from orchestrator.store import JobRef, JobStore
from orchestrator.store.keys import LEDGER
from orchestrator.store.leases import LEASE_MS, Lease
from orchestrator.store.stream import history
from tests.integration.store.conftest import ended, output, plan, submitted
from workers.step_events import starting

pytestmark = pytest.mark.integration
Accept = Callable[..., JobRef]


def granted(store: JobStore, ref: JobRef, owner: str = "w1") -> Lease:
    grant = store.acquire(ref, "thesis", owner)
    assert grant.status == "granted"
    assert grant.granted is not None
    return grant.granted.lease


def lapse(client: redis.Redis, lease: Lease) -> None:
    """What Redis does when nobody renews for the TTL."""
    client.delete(lease.ref.lease(lease.step))


def test_of_many_workers_that_ask_at_once_one_gets_the_lease(store: JobStore, accept: Accept) -> None:
    ref = accept()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda n: store.acquire(ref, "thesis", f"w{n}").status, range(64)))
    assert sorted(set(statuses)) == ["granted", "held"]
    assert statuses.count("granted") == 1


def test_a_lease_runs_out_by_itself(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    lease = granted(store, accept())
    assert 0 < client.pttl(lease.ref.lease("thesis")) <= LEASE_MS


def test_renewing_keeps_it_and_says_whether_somebody_watches(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    lease = granted(store, accept())
    client.pexpire(lease.ref.lease("thesis"), 50)
    assert store.renew([lease]) == ["kept"]
    assert client.pttl(lease.ref.lease("thesis")) > 50
    client.set(lease.ref.watch, "1")
    assert store.renew([lease]) == ["kept_watched"]


def test_after_a_takeover_the_first_owner_can_neither_renew_nor_write(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    first = granted(store, accept(), "w1")
    lapse(client, first)
    second = granted(store, first.ref, "w2")
    assert store.renew([first, second]) == ["lost", "kept"]
    assert store.write_output(first, output(first.ref, "late"), events=[ended(first.ref)]).status == "lost"
    assert (
        store.write_output(second, output(first.ref, "mine"), events=[ended(first.ref)]).status == "written"
    )
    # Also once the other's output is there: what was paid for here is thrown away, which is no duplicate.
    assert store.write_output(first, output(first.ref, "later"), events=[ended(first.ref)]).status == "lost"
    assert store.load(first.ref).outputs["thesis"].summary == "mine"


def test_a_lease_that_ran_out_untaken_is_still_its_owners(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    """Redis was away for longer than the TTL: what was paid for is not thrown away."""
    lease = granted(store, accept())
    lapse(client, lease)
    assert store.renew([lease]) == ["kept"]
    lapse(client, lease)
    assert store.write_output(lease, output(lease.ref), events=[ended(lease.ref)]).status == "written"


def test_an_output_is_written_once(store: JobStore, accept: Accept) -> None:
    lease = granted(store, accept())
    assert (
        store.write_output(lease, output(lease.ref, "first"), events=[ended(lease.ref)]).status == "written"
    )
    assert (
        store.write_output(lease, output(lease.ref, "second"), events=[ended(lease.ref)]).status
        == "duplicate"
    )
    assert store.load(lease.ref).outputs["thesis"].summary == "first"
    assert store.acquire(lease.ref, "thesis", "w2").status == "done"


def test_passages_that_a_tool_brought_join_the_evidence_with_the_output(
    store: JobStore, accept: Accept
) -> None:
    lease = granted(store, accept())
    found = Passage(id="p9", source="a.md", text="Nine.")
    store.write_output(lease, output(lease.ref), events=[ended(lease.ref)], passages=[found])
    assert store.passages(lease.ref) == (found,)


def test_an_attempt_counts_takeovers_only(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    ref = accept()
    lease = granted(store, ref)
    assert store.acquire(ref, "thesis", "w2").status == "held"
    lapse(client, lease)
    assert store.acquire(ref, "thesis", "w3").attempt == 2


def test_no_lease_past_the_deadline(store: JobStore) -> None:
    spec = TaskSpec(task_id="late", goal="Why?")
    store.accept(spec, deadline_s=0.001, event=submitted(spec))
    ref = JobRef("default", "late")
    while store.now_ms() <= store.load(ref).deadline_ms:
        pass
    assert store.acquire(ref, "thesis", "w1").status == "expired"


def test_a_running_lease_is_not_renewed_past_the_deadline(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    lease = granted(store, accept())
    client.hset(lease.ref.job, "deadline_ms", store.now_ms() - 1)
    assert store.renew([lease]) == ["expired"]


def test_a_job_that_ended_takes_no_more_work(store: JobStore, accept: Accept, client: redis.Redis) -> None:
    lease = granted(store, accept())
    client.hset(lease.ref.job, "state", "ended")
    assert store.renew([lease]) == ["cancelled"]
    assert store.acquire(lease.ref, "synthesis", "w1").status == "ended"
    assert store.write_output(lease, output(lease.ref), events=[ended(lease.ref)]).status in ("ended", "lost")
    assert store.load(lease.ref).outputs == {}


def test_a_job_nobody_knows_gives_no_lease(store: JobStore) -> None:
    assert store.acquire(JobRef("default", "nobody"), "thesis", "w1").status == "missing"


def test_asking_twice_for_the_same_lease_is_asking_once(store: JobStore, accept: Accept) -> None:
    """The first reply was lost on the way."""
    ref = accept()
    assert store.acquire(ref, "thesis", "w1").status == "granted"
    again = store.acquire(ref, "thesis", "w1")
    assert (again.status, again.attempt) == ("granted", 1)
    assert again.granted is not None
    assert store.renew([again.granted.lease]) == ["kept"]


def test_a_delivery_used_up_on_a_held_lease_leaves_the_step_to_the_sweep_at_once(
    store: JobStore, accept: Accept
) -> None:
    ref = accept()
    granted(store, ref, "w1")
    store.mark_sent(ref, ["thesis"])
    assert store.acquire(ref, "thesis", "w2").status == "held"
    state = store.load(ref).steps["thesis"]
    assert state.attempts > state.sent_at_attempt


@pytest.mark.parametrize(
    ("step", "done", "status"),
    [
        ("plan", (), "granted"),
        ("thesis", (), "not ready"),  # nobody has planned
        ("thesis", ("plan",), "granted"),
        ("antithesis", ("plan", "thesis"), "not ready"),  # a step of the other mode
        ("antithesis_standalone", ("plan",), "granted"),
        ("synthesis", ("plan", "thesis"), "not ready"),
        ("synthesis", ("plan", "thesis", "antithesis"), "not ready"),  # the other mode's antithesis
        ("synthesis", ("plan", "thesis", "antithesis_standalone"), "granted"),
    ],
)
def test_no_lease_before_the_inputs_are_there_and_no_attempt_is_counted(
    store: JobStore, accept: Accept, client: redis.Redis, step: str, done: tuple[str, ...], status: str
) -> None:
    """A parallel job."""
    ref = accept()
    for name in done:
        client.hset(ref.job, f"out:{name}", (plan(ref) if name == "plan" else output(ref)).to_wire())
    grant = store.acquire(ref, step, "w1", needs_of(step))
    assert (grant.status, grant.attempt) == (status, 1 if status == "granted" else 0)
    assert bool(client.exists(ref.lease(step))) is (status == "granted")


def test_a_lease_brings_the_record_as_it_is_at_that_moment(store: JobStore, accept: Accept) -> None:
    ref = accept(mode="parallel")
    granted = store.acquire(ref, "plan", "w1").granted
    assert granted is not None
    assert granted.record == store.load(ref)
    assert granted.record.steps["plan"].attempts == 1


def test_a_plan_that_cannot_be_read_is_said_to_be_so(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    ref = accept()
    client.hset(ref.job, "out:plan", "garbage")
    with pytest.raises(RecordUnreadable):
        store.acquire(ref, "thesis", "w1", needs_of("thesis"))


def test_the_messages_that_follow_an_output_are_recorded_with_it(store: JobStore, accept: Accept) -> None:
    lease = granted(store, accept())
    store.write_output(
        lease,
        output(lease.ref),
        events=[ended(lease.ref)],
        passages=[Passage(id="p9", source="a.md", text="Nine.")],
        sends=["antithesis", "synthesis"],
    )
    steps = store.load(lease.ref).steps
    assert set(steps) == {"plan", "thesis", "antithesis", "synthesis"}
    for step in ("antithesis", "synthesis"):
        assert (steps[step].sends, steps[step].sent_ms) == (1, steps["thesis"].ended_ms)
    assert len(store.passages(lease.ref)) == 1


def test_who_would_not_take_over_is_told_that_a_step_was_begun(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    ref = accept()
    assert store.acquire(ref, "thesis", "w1", take_over=False).status == "granted"
    assert store.acquire(ref, "thesis", "w2", take_over=False).status == "held"
    client.delete(ref.lease("thesis"))
    grant = store.acquire(ref, "thesis", "w2", take_over=False)
    assert (grant.status, grant.attempt) == ("begun", 1)
    assert store.acquire(ref, "thesis", "w2").attempt == 2


def test_what_was_begun_is_looked_for_as_soon_as_the_first_time(store: JobStore, accept: Accept) -> None:
    ref = accept()

    def sends() -> int:
        store.mark_sent(ref, ["thesis"])
        return store.load(ref).steps["thesis"].sends

    assert [sends(), sends(), sends()] == [1, 2, 3]
    store.acquire(ref, "thesis", "owner")
    assert [sends(), sends()] == [1, 2]


def starts(store: JobStore, ref: JobRef) -> list[tuple[int | None, int | None]]:
    """Attempt and time in the queue (ms) of every start that the job's stream tells of."""
    return [(e.attempt, e.queued_ms) for e in history(store.client, ref) if isinstance(e, StepStart)]


def test_a_start_is_told_with_the_lease_once_and_says_which_it_is(
    store: JobStore, accept: Accept, client: redis.Redis
) -> None:
    ref, seen = accept(), list[KnownEvent]()
    told = JobStore(client, result_ttl_s=60, observe=seen.append)

    def ask(owner: str) -> str:
        return told.acquire(ref, "thesis", owner, events=starting(ref, "thesis")).status

    assert [ask("w1"), ask("w1"), ask("w2")] == ["granted", "granted", "held"]
    ((attempt, queued),) = starts(store, ref)
    assert (attempt, queued is not None) == (1, True)
    client.delete(ref.lease("thesis"))
    assert ask("w2") == "granted"
    assert starts(store, ref) == [(1, queued), (2, None)]
    assert client.xlen(LEDGER) == client.xlen(ref.events)
    assert [e.attempt for e in seen if isinstance(e, StepStart)][-1] == 2


@pytest.mark.parametrize("sent", [True, False])
def test_a_step_is_queued_since_it_was_sent_or_could_have_been(
    store: JobStore, accept: Accept, client: redis.Redis, sent: bool
) -> None:
    ref = accept()
    now, needs = store.now_ms(), ("plan", "thesis", "antithesis_standalone")
    for age, name in enumerate(needs, start=1):
        client.hset(ref.job, f"out:{name}", (plan(ref) if name == "plan" else output(ref)).to_wire())
        client.hset(ref.job, f"ended:{name}", now - 60_000 * (5 - age))
    if sent:
        client.hset(ref.job, "sent:synthesis", now - 60_000)
    granted = store.acquire(ref, "synthesis", "w1", needs_of("synthesis")).granted
    assert granted is not None
    assert granted.queued_ms // 60_000 == (1 if sent else 2)
