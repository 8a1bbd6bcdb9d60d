"""Room for jobs: so many may be under way, in all and of one tenant; the rest hears when to come back."""

from __future__ import annotations

import threading

import pytest
import redis

from orchestrator.contracts import TaskSpec
from orchestrator.errors import AdmissionClosed
from orchestrator.store import JobRef, JobStore, keys
from orchestrator.store.admission import LONGEST_PACE_S, JobBounds, admission, publish
from tests.integration.store.conftest import ended, result, submitted

pytestmark = pytest.mark.integration


def submit(store: JobStore, task_id: str, tenant: str = "default", **fields: object) -> str:
    spec = TaskSpec(**{"task_id": task_id, "goal": "Why?", "tenant": tenant, **fields})  # type: ignore[arg-type]  # pydantic checks
    return store.accept(spec, deadline_s=60, event=submitted(spec))[0]


def finish(store: JobStore, task_id: str, tenant: str = "default") -> bool:
    ref = JobRef(tenant, task_id)
    return store.finish(ref, result(ref), events=[ended(ref)]).first


def test_as_many_as_may_be_are_taken_and_a_place_that_comes_free_is_given_again(
    client: redis.Redis, store: JobStore
) -> None:
    publish(client, JobBounds(jobs=3))
    for n in range(3):
        submit(store, f"job{n}")
    with pytest.raises(AdmissionClosed, match="TRIPTYCH_MAX_JOBS"):
        submit(store, "late")
    assert not client.exists(JobRef("default", "late").job), "a refused job leaves nothing"
    assert submit(store, "job1") == "existing", "what is known is found all the same"
    finish(store, "job1")
    assert submit(store, "late") == "created"
    seen = admission(client)
    assert (seen.jobs, seen.max_jobs, seen.full, seen.refused["jobs"]) == (3, 3, True, 1)


def test_one_tenant_leaves_places_for_the_others(client: redis.Redis, store: JobStore) -> None:
    publish(client, JobBounds(jobs=4, tenant_jobs=3))
    for n in range(3):
        submit(store, f"job{n}", "busy")
    with pytest.raises(AdmissionClosed, match="TRIPTYCH_MAX_TENANT_JOBS"):
        submit(store, "job3", "busy")
    assert submit(store, "job0", "quiet") == "created"
    finish(store, "job2", "busy")
    assert submit(store, "job3", "busy") == "created"


def test_the_bound_holds_however_many_ask_at_once(client: redis.Redis, store: JobStore) -> None:
    publish(client, JobBounds(jobs=10))
    taken: list[str] = []

    def ask(worker: int) -> None:
        for n in range(10):
            try:
                taken.append(submit(store, f"job-{worker}-{n}"))
            except AdmissionClosed:
                continue

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == ["created"] * 10
    assert client.zcard(keys.ACTIVE) == 10


def test_when_to_come_back_is_how_long_jobs_take(client: redis.Redis, store: JobStore) -> None:
    def told() -> float:
        with pytest.raises(AdmissionClosed) as refused:
            submit(store, "late")
        return refused.value.retry_after_s

    publish(client, JobBounds(jobs=1))
    submit(store, "job0")
    assert told() == 10.0, "nobody knows yet"
    client.hincrby(JobRef("default", "job0").job, "accepted_ms", -26_000)
    finish(store, "job0")
    submit(store, "job1")
    assert told() == 26.0
    client.hincrby(JobRef("default", "job1").job, "accepted_ms", -3_600_000)
    finish(store, "job1")
    submit(store, "job2")
    assert told() == LONGEST_PACE_S


def test_a_job_whose_record_is_gone_takes_no_place(client: redis.Redis, store: JobStore) -> None:
    publish(client, JobBounds(jobs=1, tenant_jobs=1))
    submit(store, "job0")
    client.delete(JobRef("default", "job0").job)
    store.forget_active("default/job0")
    assert submit(store, "job1") == "created"
    assert 0 < client.pttl(keys.open_jobs("default")) <= 60_000 + 86_400_000
