"""Admission: a bound refuses new jobs and nothing else, says when to come back, and opens by itself."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from orchestrator.contracts import TaskSpec
from orchestrator.errors import AdmissionClosed, WorldError
from orchestrator.settings import Settings
from orchestrator.store import JobRef, JobStore, keys
from orchestrator.store.admission import LEDGER_BACKLOG, SCRIPT, admission
from orchestrator.store.archive import archive_of
from orchestrator.store.archiving import Bounds, archive_and_trim
from tests.integration.store.conftest import ended, output, submitted

pytestmark = pytest.mark.integration

BOUNDS = Bounds(backlog=20)


def fill(client: redis.Redis, entries: int) -> None:
    for _ in range(entries):
        client.xadd(keys.LEDGER, {"e": "{}"})


def submit(store: JobStore, **fields: object) -> tuple[str, str]:
    spec = TaskSpec(**{"task_id": "new", "goal": "Why?", **fields})  # type: ignore[arg-type]  # pydantic checks
    return store.accept(spec, deadline_s=60, event=submitted(spec))


@pytest.fixture
def bounded(client: redis.Redis, kept_in: Settings) -> Callable[[], bool]:
    """An archiver's turn under ``BOUNDS``; the first has been taken."""
    archive = archive_of(kept_in)

    def turn() -> bool:
        client.delete(keys.ARCHIVE_LOCK)
        return archive_and_trim(client, archive, BOUNDS)

    client.xadd(keys.LEDGER, {"e": "{}"})
    assert turn()
    return turn


def test_a_ledger_that_waits_refuses_new_jobs_at_its_bound_and_opens_once_archived(
    client: redis.Redis, store: JobStore, bounded: Callable[[], bool]
) -> None:
    fill(client, 19)
    assert submit(store, task_id="last")[0] == "created"
    with pytest.raises(AdmissionClosed) as refused:
        submit(store)
    assert refused.value.retry_after_s == 30
    assert "triptych doctor" in str(refused.value)
    assert str(refused.value).endswith("try again in 30 s")
    assert not client.exists(JobRef("default", "new").job), "a refused job leaves nothing"
    assert bounded()
    assert submit(store)[0] == "created"


def test_what_is_archived_and_still_in_the_stream_does_not_count(
    client: redis.Redis, store: JobStore, bounded: Callable[[], bool]
) -> None:
    for _ in range(5):
        fill(client, 15)
        assert bounded()
    assert client.xlen(keys.LEDGER) > 3 * BOUNDS.backlog
    assert admission(client).open
    assert submit(store)[0] == "created"


def test_a_job_that_is_known_is_found_while_admission_is_closed(
    client: redis.Redis, store: JobStore, bounded: Callable[[], bool]
) -> None:
    assert submit(store, task_id="first", idempotency_key="k1")[0] == "created"
    assert submit(store, task_id="second")[0] == "created"
    fill(client, 50)
    assert submit(store, task_id="other", idempotency_key="k1") == ("existing", "first")
    assert submit(store, task_id="second") == ("existing", "second")
    assert submit(store, task_id="second", goal="How?")[0] == "conflict"
    with pytest.raises(AdmissionClosed):
        submit(store, task_id="third", idempotency_key="k2")
    assert bounded()
    assert submit(store, task_id="third", idempotency_key="k2") == ("created", "third")


def test_running_jobs_go_on_and_write_their_events(
    client: redis.Redis, store: JobStore, bounded: Callable[[], bool], accept: Callable[..., JobRef]
) -> None:
    ref = accept()
    grant = store.acquire(ref, "thesis", "w1")
    assert grant.granted
    fill(client, 50)
    before = client.xlen(keys.LEDGER)
    assert store.write_output(grant.granted.lease, output(ref), events=[ended(ref)]).status == "written"
    assert client.xlen(keys.LEDGER) == before + 1


def test_refusals_are_counted_by_bound(
    client: redis.Redis, store: JobStore, bounded: Callable[[], bool]
) -> None:
    assert admission(client).refused["ledger"] == 0
    fill(client, 20)
    for _ in range(3):
        with pytest.raises(AdmissionClosed):
            submit(store)
    found = admission(client)
    assert (found.refused["ledger"], found.waiting, found.backlog, found.open) == (3, 20, 20, False)
    assert bounded()
    assert admission(client).refused["ledger"] == 3


def test_where_no_archiver_ever_ran_the_bound_is_the_default(client: redis.Redis, store: JobStore) -> None:
    assert str(LEDGER_BACKLOG) in SCRIPT
    assert Settings().ledger_backlog == LEDGER_BACKLOG
    assert submit(store)[0] == "created"
    assert admission(client).backlog == LEDGER_BACKLOG
    assert admission(client).waiting == 1


def test_a_refusal_is_the_worlds_fault_and_crosses_celerys_json() -> None:
    error = AdmissionClosed("why", 30.0)
    assert isinstance(error, WorldError)
    again = AdmissionClosed(*json.loads(json.dumps(error.args)))
    assert (str(again), again.retry_after_s) == (str(error), 30.0)
